"""HTTP/1.1 through Vigil: framing, order, streaming and size, with aiohttp, nginx and raw bytes."""

from __future__ import annotations

import gzip
import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from tests.harness.app import PATTERN
from tests.harness.curl import curl
from tests.harness.nginx import Nginx
from tests.harness.processes import LOOPBACK, free_port, wait_for
from tests.harness.rawhttp import RawConnection
from tests.harness.recorder import Recorder
from tests.harness.resources import ALLOW_ALL, Resources, a_service, a_session, a_user
from tests.harness.running import Entry, Vigil, up

_MIB: Final = 1 << 20
_BIG: Final = 100 * _MIB
_GROWTH: Final = 64 * _MIB


@pytest.fixture(scope="module")
def ports() -> dict[str, int]:
    return {name: free_port() for name in ("app", "web", "raw")}


@pytest.fixture(scope="module")
def vigil(
    tmp_path_factory: pytest.TempPathFactory,
    app_url: str,
    nginx: Nginx,
    recorder: Recorder,
    ports: dict[str, int],
) -> Iterator[Vigil]:
    place = tmp_path_factory.mktemp("relaying")
    resources = Resources(place / "resources")
    resources.write(
        "world",
        a_user("alice"),
        a_session("alice", "alice"),
        a_service("app", ports["app"], app_url, authorization=ALLOW_ALL),
        a_service("web", ports["web"], nginx.url, mode="WEB", authorization=ALLOW_ALL),
        a_service("raw", ports["raw"], recorder.url, authorization=ALLOW_ALL),
    )
    with up(resources, place, ports=ports.values()) as process:
        yield process


def _head(vigil: Vigil, first: str, *headers: str) -> bytes:
    lines = [first, "Host: svc.example", f"Authorization: Bearer {vigil.token('alice')}", *headers]
    return "\r\n".join([*lines, "", ""]).encode()


def test_one_connection_carries_many_requests(vigil: Vigil, ports: dict[str, int]) -> None:
    with RawConnection(ports["app"]) as connection:
        for number in range(50):
            connection.send(_head(vigil, f"GET /keep/{number} HTTP/1.1"))
            assert connection.response().json()["target"] == f"/keep/{number}"


def test_pipelined_requests_are_answered_in_their_order(
    vigil: Vigil, ports: dict[str, int]
) -> None:
    requests = [_head(vigil, f"GET /pipe/{number} HTTP/1.1") for number in range(20)]
    with RawConnection(ports["app"]) as connection:
        connection.send(b"".join(requests))
        targets = [connection.response().json()["target"] for _ in requests]
    assert targets == [f"/pipe/{number}" for number in range(20)]


def test_a_pipelined_refusal_keeps_its_place(vigil: Vigil, ports: dict[str, int]) -> None:
    nobody = b"GET /nobody HTTP/1.1\r\nHost: x\r\n\r\n"
    mine = _head(vigil, "GET /mine HTTP/1.1")
    with RawConnection(ports["app"]) as connection:
        connection.send(mine + nobody + mine)
        assert [connection.response().status for _ in range(3)] == [200, 401, 200]


def test_a_request_split_into_single_bytes_is_one_request(
    vigil: Vigil, ports: dict[str, int]
) -> None:
    with RawConnection(ports["app"]) as connection:
        for byte in _head(vigil, "POST /bytes HTTP/1.1", "Content-Length: 3") + b"abc":
            connection.send(bytes([byte]))
        assert connection.response().json()["sha256"] == hashlib.sha256(b"abc").hexdigest()


def test_a_chunked_request_arrives_whole_with_its_trailer(
    vigil: Vigil, recorder: Recorder, ports: dict[str, int]
) -> None:
    head = _head(vigil, "POST /trailer HTTP/1.1", "Transfer-Encoding: chunked", "Trailer: X-Sum")
    with RawConnection(ports["raw"]) as connection:
        connection.send(head + b"3\r\nabc\r\n5;ext=1\r\ndefgh\r\n0\r\nX-Sum: 42\r\n\r\n")
        assert connection.response().status == 200
    (seen,) = recorder.at("/trailer")
    assert seen.body == b"abcdefgh"
    assert seen.trailer.lower() == b"x-sum: 42\r\n"


def test_a_chunked_response_keeps_its_trailer(
    vigil: Vigil, recorder: Recorder, ports: dict[str, int]
) -> None:
    recorder.answers(
        "/sum",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-Sum\r\n\r\n"
        b"3\r\nabc\r\n0\r\nX-Sum: 42\r\n\r\n",
    )
    with RawConnection(ports["raw"]) as connection:
        connection.send(_head(vigil, "GET /sum HTTP/1.1", "TE: trailers", "Connection: TE"))
        head = connection.read_until(b"\r\n\r\n").lower()
        assert b"transfer-encoding: chunked" in head
        assert connection.read_until(b"\r\n\r\n").lower().endswith(b"0\r\nx-sum: 42\r\n\r\n")


def test_a_response_without_length_or_chunks_ends_with_its_connection(
    vigil: Vigil, recorder: Recorder, ports: dict[str, int]
) -> None:
    recorder.answers("/old", b"HTTP/1.1 200 OK\r\n\r\nbody")
    recorder.closes_after("/old")
    assert vigil.get(ports["raw"], "/old", session="alice").body == b"body"


def test_an_answer_to_head_has_the_length_and_no_body(vigil: Vigil, ports: dict[str, int]) -> None:
    with RawConnection(ports["raw"]) as connection:
        connection.send(_head(vigil, "HEAD /head HTTP/1.1"))
        answer = connection.response(has_body=False)
        assert answer.header("content-length") == "17"
        connection.send(_head(vigil, "GET /after-head HTTP/1.1"))
        assert connection.response().json() == {"target": "/after-head"}


@pytest.mark.parametrize("status", [204, 304])
def test_a_status_without_body_leaves_the_connection_usable(
    vigil: Vigil, recorder: Recorder, ports: dict[str, int], status: int
) -> None:
    recorder.answers(f"/{status}", f"HTTP/1.1 {status} X\r\nETag: 1\r\n\r\n".encode())
    with RawConnection(ports["raw"]) as connection:
        connection.send(_head(vigil, f"GET /{status} HTTP/1.1"))
        assert connection.response().status == status
        connection.send(_head(vigil, "GET /next HTTP/1.1"))
        assert connection.response().status == 200


def test_interim_answers_are_relayed_before_the_final_one(
    vigil: Vigil, recorder: Recorder, ports: dict[str, int]
) -> None:
    recorder.answers(
        "/hints",
        b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"
        b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
    )
    with RawConnection(ports["raw"]) as connection:
        connection.send(_head(vigil, "GET /hints HTTP/1.1"))
        interim = connection.response()
        assert (interim.status, interim.header("link")) == (103, "</a>")
        assert connection.response().status == 200


def test_a_client_that_expects_100_gets_it_before_it_sends(
    vigil: Vigil, recorder: Recorder, ports: dict[str, int]
) -> None:
    head = _head(vigil, "POST /expect HTTP/1.1", "Content-Length: 3", "Expect: 100-continue")
    with RawConnection(ports["raw"]) as connection:
        connection.send(head)
        assert connection.response().status == 100
        connection.send(b"abc")
        assert connection.response().status == 200
    assert recorder.at("/expect")[0].body == b"abc"


def test_a_refused_client_that_expects_100_is_not_asked_for_its_body(
    vigil: Vigil, ports: dict[str, int]
) -> None:
    head = b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\nExpect: 100-continue\r\n\r\n"
    with RawConnection(ports["raw"]) as connection:
        connection.send(head)
        assert connection.response().status == 401


def test_an_http_1_0_client_gets_its_answer_and_the_end(
    vigil: Vigil, ports: dict[str, int]
) -> None:
    with RawConnection(ports["app"]) as connection:
        connection.send(_head(vigil, "GET /chunked/200000 HTTP/1.0"))
        head = connection.read_until(b"\r\n\r\n").lower()
        assert b"transfer-encoding" not in head
        assert len(connection.read_to_end()) == 200_000


@pytest.mark.parametrize("kind", ["download", "chunked"])
def test_a_download_is_byte_exact(vigil: Vigil, ports: dict[str, int], kind: str) -> None:
    size = 3 * _MIB + 17
    body = vigil.get(ports["app"], f"/{kind}/{size}", session="alice").body
    assert body == (PATTERN * (size // len(PATTERN) + 1))[:size]


@pytest.mark.parametrize("framing", [[], ["-H", "Transfer-Encoding: chunked"]])
def test_an_upload_is_byte_exact(
    vigil: Vigil, ports: dict[str, int], tmp_path: Path, framing: list[str]
) -> None:
    data = PATTERN * 64 + b"tail"
    (tmp_path / "data").write_bytes(data)
    upload = ("-T", str(tmp_path / "data"), *framing)
    seen = vigil.get(ports["app"], "/upload", *upload, session="alice").json()
    assert (seen["size"], seen["sha256"]) == (len(data), hashlib.sha256(data).hexdigest())


def test_one_hundred_megabytes_pass_both_ways_in_little_memory(
    vigil: Vigil, nginx: Nginx, ports: dict[str, int], tmp_path: Path
) -> None:
    sent, received = tmp_path / "sent", tmp_path / "received"
    sent.write_bytes((PATTERN[1:] * (_BIG // len(PATTERN) + 1))[:_BIG])
    vigil.get(ports["web"], "/", session="alice")
    before = vigil.resident_bytes()
    url = f"http://{LOOPBACK}:{ports['web']}/files/big"
    token = vigil.token("alice")
    assert curl(url, "-T", str(sent), token=token, within=60).status == 201
    assert (nginx.files / "big").read_bytes() == sent.read_bytes()
    received.write_bytes(curl(url, token=token, within=60).body)
    assert received.read_bytes() == sent.read_bytes()
    (nginx.files / "big").unlink()
    assert vigil.peak_bytes() - before < _GROWTH


def test_a_client_that_does_not_read_holds_little_memory(
    vigil: Vigil, ports: dict[str, int]
) -> None:
    before = vigil.resident_bytes()
    with RawConnection(ports["app"]) as connection:
        connection.send(_head(vigil, f"GET /download/{_BIG} HTTP/1.1"))
        connection.read_until(b"\r\n\r\n")
        other = vigil.get(ports["app"], "/meanwhile", session="alice")
        assert other.status == 200
        assert vigil.resident_bytes() - before < _GROWTH
        assert len(connection.read_exactly(_MIB)) == _MIB


def test_the_first_event_arrives_before_the_second_is_made(
    vigil: Vigil, app_url: str, ports: dict[str, int]
) -> None:
    with RawConnection(ports["app"]) as connection:
        connection.send(_head(vigil, "GET /events/sse HTTP/1.1"))
        assert b"text/event-stream" in connection.read_until(b"\r\n\r\n")
        connection.read_until(b"data: 1\n\n")
        curl(f"{app_url}/release/sse", "-X", "POST")
        connection.read_until(b"data: 2\n\n")
    opened, closed = wait_for(
        "two entries for the stream", lambda: _pair(vigil.entries_for("/events/sse"))
    )
    assert opened["entry"]["common"]["connectionID"] == closed["entry"]["common"]["connectionID"]


def _pair(entries: list[Entry]) -> list[Entry]:
    return entries if len(entries) == 2 else []


def test_the_bodies_of_an_upstream_are_not_decoded(
    vigil: Vigil, recorder: Recorder, ports: dict[str, int]
) -> None:
    packed = gzip.compress(b"hello")
    head = f"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: {len(packed)}\r\n\r\n"
    recorder.answers("/packed", head.encode() + packed)
    answer = vigil.get(ports["raw"], "/packed", session="alice")
    assert (answer.header("content-encoding"), answer.body) == ("gzip", packed)


def test_repeated_response_headers_all_arrive(
    vigil: Vigil, recorder: Recorder, ports: dict[str, int]
) -> None:
    recorder.answers(
        "/cookies",
        b"HTTP/1.1 200 OK\r\nSet-Cookie: a=1\r\nSet-Cookie: b=2\r\nContent-Length: 0\r\n\r\n",
    )
    answer = vigil.get(ports["raw"], "/cookies", session="alice")
    cookies = [value for name, value in answer.headers if name.lower() == "set-cookie"]
    assert cookies == ["a=1", "b=2"]


def test_redirects_and_statuses_of_a_real_nginx_pass(vigil: Vigil, ports: dict[str, int]) -> None:
    moved = vigil.get(ports["web"], "/moved", session="alice")
    assert moved.status == 301
    assert vigil.get(ports["web"], "/empty", session="alice").status == 204
    assert vigil.get(ports["web"], "/x?y=1", session="alice").body == b"nginx saw GET /x?y=1\n"


@pytest.mark.parametrize("code", [200, 201, 400, 404, 418, 500, 503])
def test_the_upstreams_status_is_the_clients(
    vigil: Vigil, ports: dict[str, int], code: int
) -> None:
    answer = vigil.get(ports["app"], f"/status/{code}", session="alice")
    assert (answer.status, answer.body) == (code, b"as asked")
    assert vigil.entry(f"/status/{code}")["info"]["http"]["response"]["code"] == code


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "PROPFIND"])
def test_every_method_passes(vigil: Vigil, ports: dict[str, int], method: str) -> None:
    answer = vigil.get(ports["app"], "/method", "-X", method, session="alice")
    assert json.loads(answer.body)["method"] == method
