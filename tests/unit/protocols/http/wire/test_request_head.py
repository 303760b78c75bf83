"""Request heads: what is read, and every ambiguity that is refused."""

from __future__ import annotations

import pytest

from protocols.http.wire.errors import PeerError
from protocols.http.wire.head import MAX_FIELDS, MAX_HEAD, head_end, head_start
from protocols.http.wire.names import DROP, KEEP, NOTE, TAKE, WIRE_FIELDS, Names
from protocols.http.wire.request import RequestHead, canonical_host, scan_request

OWN = {b"cookie": TAKE, b"user-agent": NOTE, b"x-dropped": DROP}


def names() -> Names:
    return Names(lambda name: WIRE_FIELDS.get(name, OWN.get(name, KEEP)))


def scan(*lines: str) -> RequestHead:
    return scan_request("\r\n".join(lines).encode("latin-1"), names())


def refusal(raw: bytes) -> int:
    with pytest.raises(PeerError) as caught:
        scan_request(raw, names())
    return caught.value.status


def test_method_target_and_version_are_read() -> None:
    head = scan("PATCH /a/b?c=d HTTP/1.1", "Host: a.example")
    assert (head.method, head.target, head.is_http10) == (b"PATCH", b"/a/b?c=d", False)


def test_fields_are_kept_dropped_noted_and_set_aside() -> None:
    fields = scan(
        "GET / HTTP/1.1", "Host: a", "X-Kept:\t1 ", "X-Dropped: 2", "Cookie: a", "cookie: b",
        "User-Agent: u",
    ).fields  # fmt: skip
    assert fields.kept == [b"X-Kept:\t1 ", b"User-Agent: u"]
    assert fields.taken[b"cookie"] == [b"a", b"b"]
    assert fields.first(b"user-agent") == b"u"


def test_all_fields_are_mapped_by_lower_case_name_with_every_value() -> None:
    first, every = scan("GET / HTTP/1.1", "Host: a", "X-A: 1 ", "x-a:2", "X-Dropped:").fields.maps()
    assert first == {"host": "a", "x-a": "1", "x-dropped": ""}
    assert every["x-a"] == ["1", "2"]


def test_text_that_is_no_utf8_is_read_as_latin_1() -> None:
    first, _ = scan("GET / HTTP/1.1", "Host: a", "X-A: \xe9").fields.maps()
    assert first["x-a"] == "é"


def test_the_same_fields_are_not_read_twice() -> None:
    table = names()
    first = scan_request(b"GET /1 HTTP/1.1\r\nHost: a\r\nX: 1", table)
    again = scan_request(b"GET /2 HTTP/1.1\r\nHost: a\r\nX: 1", table, first.fields)
    assert again.fields is first.fields
    assert (
        scan_request(b"GET / HTTP/1.1\r\nHost: a\r\nX: 2", table, first.fields).fields
        is not first.fields
    )
    assert (
        scan_request(b"GET / HTTP/1.1\r\nHost: a\r\nX: 1", names(), first.fields).fields
        is not first.fields
    )


def test_a_line_seen_before_means_the_same_again() -> None:
    table = names()
    raw = b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nConnection: close\r\nUser-Agent: u"
    for _ in range(3):
        head = scan_request(raw, table)
        assert (head.host, head.fields.length, head.is_keep_alive) == ("a", 3, False)
        assert head.fields.kept == [b"User-Agent: u"]


@pytest.mark.parametrize("line", ["Host: b", "Content-Length: 3", "Transfer-Encoding: chunked"])
def test_a_line_seen_before_is_still_refused_when_repeated(line: str) -> None:
    table = names()
    raw = f"POST / HTTP/1.1\r\nHost: b\r\n{line}".encode()
    if not line.startswith("Host"):
        scan_request(raw, table)
    with pytest.raises(PeerError):
        scan_request(raw + f"\r\n{line}".encode(), table)


def test_credentials_are_not_remembered() -> None:
    table = names()
    scan_request(b"GET / HTTP/1.1\r\nHost: a\r\nCookie: secret", table)
    assert not any(b"secret" in line for line in table.lines)


def test_what_is_remembered_is_bounded() -> None:
    table = names()
    for number in range(10_000):
        scan_request(b"GET / HTTP/1.1\r\nHost: a\r\nX-%d: 1" % number, table)
    assert len(table.lines) <= 4096


@pytest.mark.parametrize(
    "line",
    [
        " folded", "\tfolded", "Host : a", "Host\t: a", "X Y: 1", ": 1", "no colon", "X\x00: 1",
        "X: a\x00b", "X: a\x0bb", "X: a\x7fb", "X: a\rb", "X: a\nb", "X: a\n b", "\xe9: 1", "X(: 1",
        "Host: b", "Content-Length: -1", "Content-Length: +1", "Content-Length: 1, 1",
        "Content-Length: 0x1", "Content-Length:", "Content-Length: 1 1", "Content-Length: \u00b2",
        "Content-Length: 9999999999999999999", "Content-Length: 1_0",
    ],
)  # fmt: skip
def test_a_line_with_two_readings_is_400(line: str) -> None:
    assert refusal(f"GET / HTTP/1.1\r\nHost: a\r\n{line}".encode()) == 400


@pytest.mark.parametrize(
    ("lines", "status"),
    [
        (["Content-Length: 1", "Content-Length: 1"], 400),
        (["Content-Length: 1", "Transfer-Encoding: chunked"], 400),
        (["Transfer-Encoding: chunked", "Transfer-Encoding: chunked"], 400),
        (["Transfer-Encoding: gzip, chunked"], 501),
        (["Transfer-Encoding: chunked, gzip"], 501),
        (["Transfer-Encoding: xchunked"], 501),
        (["Transfer-Encoding: \x0cchunked"], 400),
        (["Transfer-Encoding:"], 501),
        (["Expect: something"], 417),
        ([f"X-{n}: 1" for n in range(MAX_FIELDS)], 431),
    ],
)
def test_a_framing_that_is_not_ours_is_refused(lines: list[str], status: int) -> None:
    assert refusal("\r\n".join(["POST / HTTP/1.1", "Host: a", *lines]).encode()) == status


def test_chunked_in_any_case_is_chunked() -> None:
    assert scan("POST / HTTP/1.1", "Host: a", "Transfer-Encoding: Chunked").fields.is_chunked


@pytest.mark.parametrize(
    ("line", "status"),
    [
        (b"GET / HTTP/1.1 ", 400), (b" GET / HTTP/1.1", 400), (b"GET  / HTTP/1.1", 400),
        (b"GET\t/ HTTP/1.1", 400), (b"GET / http/1.1", 400), (b"GET /", 400), (b"", 400),
        (b"G@T / HTTP/1.1", 400), (b"GET /\xe9 HTTP/1.1", 400), (b"GET /a b HTTP/1.1", 400),
        (b"GET /a\x00 HTTP/1.1", 400), (b"GET / HTTP/1.2", 505), (b"GET / HTTP/2", 505),
        (b"PRI * HTTP/2.0", 505), (b"GET / HTTP/0.9", 505), (b"CONNECT a:1 HTTP/1.1", 405),
        (b"TRACE / HTTP/1.1", 405), (b"GET * HTTP/1.1", 400),
        (b"GET a HTTP/1.1", 400), (b"GET ? HTTP/1.1", 400), (b"GET /a#b HTTP/1.1", 400),
        (b"GET http://a/b#c HTTP/1.1", 400), (b"GET ftp://a/ HTTP/1.1", 400),
        (b"GET http://b/ HTTP/1.1", 400), (b"GET http://u@a/ HTTP/1.1", 400),
        (b"GET http:///x HTTP/1.1", 400), (b"A" * 33 + b" / HTTP/1.1", 400),
    ],
)  # fmt: skip
def test_a_request_line_that_is_not_ours_is_refused(line: bytes, status: int) -> None:
    assert refusal(line + b"\r\nHost: a") == status


@pytest.mark.parametrize(
    ("target", "expected"),
    [
        ("http://a.example/x?y", b"/x?y"),
        ("HTTPS://A.EXAMPLE", b"/"),
        ("http://a.example?x", b"/?x"),
    ],
)
def test_an_absolute_target_becomes_a_path(target: str, expected: bytes) -> None:
    assert scan(f"GET {target} HTTP/1.1", "Host: a.example").target == expected


def test_asterisk_is_for_options() -> None:
    assert scan("OPTIONS * HTTP/1.1", "Host: a").target == b"*"


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (b"SVC.Example", "svc.example"), (b"svc.example.", "svc.example"), (b"a:8080", "a:8080"),
        (b"svc.example.:80", "svc.example:80"), (b"[::1]:80", "[::1]:80"), (b"my_svc", "my_svc"),
        (b"xn--bcher-kva.example", "xn--bcher-kva.example"),
    ],
)  # fmt: skip
def test_a_host_has_one_spelling(value: bytes, expected: str) -> None:
    assert canonical_host(value) == expected


@pytest.mark.parametrize(
    "value",
    [
        b"", b"a/b", b"u@a", b"a?x", b"a#x", b"a b", b"a, b", b"a:b", b"a:123456", b"a..b", b".a",
        b"[::1", b"a]", "bücher.example".encode(), b"a%2eb", b"a\\b", b"a" * 300, b"a:80:80",
    ],
)  # fmt: skip
def test_a_malformed_host_is_refused(value: bytes) -> None:
    with pytest.raises(PeerError):
        canonical_host(value)


def test_http11_needs_a_host_and_http10_does_not() -> None:
    assert refusal(b"GET / HTTP/1.1") == 400
    assert scan("GET / HTTP/1.0").host == ""


@pytest.mark.parametrize(
    ("version", "connection", "keeps"),
    [
        ("1.1", [], True), ("1.1", ["close"], False), ("1.1", ["keep-alive, Close"], False),
        ("1.1", ["keep-alive"], True), ("1.0", [], False), ("1.0", ["Keep-Alive"], True),
        ("1.0", ["keep-alive", "close"], False),
    ],
)  # fmt: skip
def test_who_may_keep_the_connection(version: str, connection: list[str], keeps: bool) -> None:
    lines = [f"Connection: {value}" for value in connection]
    assert scan(f"GET / HTTP/{version}", "Host: a", *lines).is_keep_alive is keeps


def test_http10_knows_neither_chunks_nor_upgrades_nor_expectations() -> None:
    assert refusal(b"POST / HTTP/1.0\r\nTransfer-Encoding: chunked") == 400
    head = scan(
        "GET / HTTP/1.0", "Connection: Upgrade", "Upgrade: websocket", "Expect: 100-continue"
    )
    assert (head.is_upgrade, head.expects_continue) == (False, False)


@pytest.mark.parametrize(
    ("data", "start", "end"),
    [
        (b"GET / HTTP/1.1\r\n\r\n", 0, 14),
        (b"\r\nGET / HTTP/1.1\r\n\r\n", 2, 16),
        (b"GET / HTTP/1.1\r\n\r", 0, -1),
        (b"\r\n\r\n", 2, -1),
        (b"\r", 0, -1),
        (b"", 0, -1),
    ],
)
def test_where_a_head_begins_and_ends(data: bytes, start: int, end: int) -> None:
    assert (head_start(data), head_end(data, head_start(data))) == (start, end)


@pytest.mark.parametrize("end", [b"", b"\r\n\r\n"])
def test_a_head_larger_than_the_cap_is_431_whole_or_not(end: bytes) -> None:
    with pytest.raises(PeerError) as caught:
        head_end(b"GET / HTTP/1.1\r\nX: " + b"a" * MAX_HEAD + end)
    assert caught.value.status == 431


def test_a_bare_line_feed_is_not_waited_with() -> None:
    with pytest.raises(PeerError):
        head_end(b"GET / HTTP/1.1\nHost: a\n\n")


def test_a_tls_handshake_is_not_waited_with() -> None:
    with pytest.raises(PeerError) as caught:
        head_end(b"\x16\x03\x01\x02\x00\x01\x00")
    assert caught.value.status == 400
