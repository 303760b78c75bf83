"""Requests and answers through the proxy: order, framing, reuse, backpressure."""

from __future__ import annotations

import pytest

from tests.harness.builders import a_service
from tests.harness.gate import FakeGate
from tests.harness.proxying import OK, Proxying, get, post


@pytest.fixture
async def proxying() -> Proxying:
    return Proxying()


async def test_a_request_reaches_the_upstream_and_its_answer_the_client(
    proxying: Proxying,
) -> None:
    client = proxying.client()
    upstream = await proxying.forward(client, get("/a?x=1", "X-Kept: yes"))
    assert upstream.take() == (
        b"GET /a?x=1 HTTP/1.1\r\nHost: app.internal:8080\r\nX-Kept: yes\r\n"
        b"User-Agent: octelium\r\n\r\n"
    )
    upstream.feed(b"HTTP/1.1 200 Fine\r\nX-A: 1\r\nContent-Length: 2\r\n\r\nok")
    assert client.take() == (
        b"HTTP/1.1 200 Fine\r\nX-A: 1\r\nServer: octelium\r\nContent-Length: 2\r\n\r\nok"
    )


async def test_the_upstream_connection_is_used_again(proxying: Proxying) -> None:
    client = proxying.client()
    for _ in range(3):
        (await proxying.forward(client, get())).feed(OK)
    assert len(proxying.dialled) == 1


async def test_head_and_small_body_go_out_in_one_write(proxying: Proxying) -> None:
    client = proxying.client()
    upstream = await proxying.forward(client, get())
    upstream.feed(OK)
    await proxying.forward(client, post("/", b"abc"))
    assert upstream.writes[-1].endswith(b"\r\n\r\nabc")
    upstream.feed(OK)
    assert all(write.endswith(b"ok") for write in client.writes)


async def test_pipelined_requests_are_forwarded_and_answered_in_order(
    proxying: Proxying,
) -> None:
    client = proxying.client()
    upstream = await proxying.forward(client, b"".join(get(f"/{n}") for n in range(5)))
    for number in range(5):
        assert upstream.take().startswith(b"GET /%d " % number)
        upstream.feed(b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n%d" % number)
    assert [write[-1:] for write in client.writes] == [b"0", b"1", b"2", b"3", b"4"]


async def test_a_second_request_is_not_read_before_the_first_is_answered(
    proxying: Proxying,
) -> None:
    client = proxying.client()
    upstream = await proxying.forward(client, get("/1") + get("/2"))
    assert client.is_reading_paused
    assert len(proxying.gate.asked) == 1
    upstream.feed(OK)
    assert not client.is_reading_paused
    assert len(proxying.gate.asked) == 2


async def test_a_refusal_in_a_pipeline_keeps_its_place(proxying: Proxying) -> None:
    client = proxying.client()
    upstream = await proxying.forward(client, get("/1") + get("/2", token=b"") + get("/3"))
    upstream.feed(OK)
    upstream.feed(OK)
    assert [write.split(b" ")[1] for write in client.writes] == [b"200", b"401", b"200"]


async def test_an_empty_line_before_a_request_is_passed_over(proxying: Proxying) -> None:
    client = proxying.client()
    upstream = await proxying.forward(client, b"\r\n" + get("/a"))
    assert upstream.take().startswith(b"GET /a ")


async def test_a_request_in_single_bytes_is_one_request(proxying: Proxying) -> None:
    client = proxying.client()
    for byte in post("/", b"abc"):
        client.feed(bytes([byte]))
        await proxying.settle()
    assert proxying.upstream.take().endswith(b"Content-Length: 3\r\n\r\nabc")


async def test_a_chunked_request_is_relayed_with_its_trailer(proxying: Proxying) -> None:
    body = b"3\r\nabc\r\n5;ext=1\r\ndefgh\r\n0\r\nX-Sum: 42\r\n\r\n"
    request = get("/", "Transfer-Encoding: chunked", method="POST") + body
    upstream = await proxying.forward(proxying.client(), request)
    head, _, sent = upstream.take().partition(b"\r\n\r\n")
    assert head.endswith(b"Transfer-Encoding: chunked")
    assert sent == body


@pytest.mark.parametrize("name", ["Content-Length", "Authorization", "X-Octelium-User", "Host"])
async def test_a_trailer_that_would_not_pass_as_a_header_is_refused(
    proxying: Proxying, name: str
) -> None:
    client = proxying.client()
    head = get("/", "Transfer-Encoding: chunked", method="POST")
    upstream = await proxying.forward(client, head)
    client.feed(b"0\r\n%b: 1\r\n\r\n" % name.encode())
    assert client.take().startswith(b"HTTP/1.1 400 ")
    assert b": 1" not in upstream.take()
    assert upstream.is_aborted


async def test_a_chunked_answer_is_relayed_as_it_came(proxying: Proxying) -> None:
    client = proxying.client()
    upstream = await proxying.forward(client, get())
    body = b"3\r\nabc\r\n0\r\nX-Sum: 42\r\n\r\n"
    upstream.feed(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-Sum\r\n\r\n" + body)
    head, _, sent = client.take().partition(b"\r\n\r\n")
    assert b"Trailer: X-Sum" in head
    assert sent == body


async def test_an_answer_that_ends_with_its_connection_is_chunked_for_the_client(
    proxying: Proxying,
) -> None:
    client = proxying.client()
    upstream = await proxying.forward(client, get())
    upstream.feed(b"HTTP/1.0 200 OK\r\n\r\nbo")
    upstream.feed(b"dy")
    upstream.end()
    head, _, body = client.take().partition(b"\r\n\r\n")
    assert b"Transfer-Encoding: chunked" in head
    assert body == b"2\r\nbo\r\n2\r\ndy\r\n0\r\n\r\n"
    assert not client.is_closed


async def test_an_http10_client_gets_the_payload_and_the_end(proxying: Proxying) -> None:
    client = proxying.client()
    upstream = await proxying.forward(client, get().replace(b"HTTP/1.1", b"HTTP/1.0"))
    upstream.feed(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n")
    head, _, body = client.take().partition(b"\r\n\r\n")
    assert b"Transfer-Encoding" not in head
    assert b"Connection: close" in head
    assert body == b"abc"
    assert client.is_closed


async def test_an_http10_client_may_keep_its_connection(proxying: Proxying) -> None:
    client = proxying.client()
    request = get("/", "Connection: keep-alive").replace(b"HTTP/1.1", b"HTTP/1.0")
    (await proxying.forward(client, request)).feed(OK)
    assert b"Connection: keep-alive\r\n" in client.take()
    assert not client.is_closed


@pytest.mark.parametrize("status", [b"204 No Content", b"304 Not Modified"])
async def test_a_status_without_body_ends_with_its_head(proxying: Proxying, status: bytes) -> None:
    client = proxying.client()
    upstream = await proxying.forward(client, get())
    upstream.feed(b"HTTP/1.1 " + status + b"\r\nETag: 1\r\n\r\n")
    assert client.take().startswith(b"HTTP/1.1 " + status)
    assert await proxying.forward(client, get()) is upstream


async def test_an_answer_to_head_keeps_its_length_and_has_no_body(proxying: Proxying) -> None:
    client = proxying.client()
    upstream = await proxying.forward(client, get(method="HEAD"))
    upstream.feed(b"HTTP/1.1 200 OK\r\nContent-Length: 17\r\n\r\n")
    assert client.take().endswith(b"Content-Length: 17\r\n\r\n")
    assert await proxying.forward(client, get()) is upstream


async def test_interim_answers_come_before_the_final_one(proxying: Proxying) -> None:
    client = proxying.client()
    upstream = await proxying.forward(client, get())
    upstream.feed(b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" + OK)
    assert client.writes[0] == b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"
    assert client.writes[1].startswith(b"HTTP/1.1 200 OK")


async def test_an_expectation_is_forwarded_and_its_answer_relayed(proxying: Proxying) -> None:
    client = proxying.client()
    request = get("/", "Content-Length: 3", "Expect: 100-continue", method="POST")
    upstream = await proxying.forward(client, request)
    assert b"Expect: 100-continue\r\n" in upstream.take()
    upstream.feed(b"HTTP/1.1 100 Continue\r\n\r\n")
    assert client.take() == b"HTTP/1.1 100 Continue\r\n\r\n"
    client.feed(b"abc")
    assert upstream.take() == b"abc"


async def test_an_expectation_the_upstream_refuses_ends_the_connection(
    proxying: Proxying,
) -> None:
    client = proxying.client()
    request = get("/", "Content-Length: 3", "Expect: 100-continue", method="POST")
    upstream = await proxying.forward(client, request)
    upstream.feed(b"HTTP/1.1 417 No\r\nContent-Length: 0\r\n\r\n")
    assert b"Connection: close" in client.take()
    assert client.has_sent_eof


async def test_a_refused_expectation_is_answered_without_asking_for_the_body(
    proxying: Proxying,
) -> None:
    client = proxying.client()
    request = get("/", "Content-Length: 3", "Expect: 100-continue", method="POST", token=b"")
    answer = await proxying.ask(client, request)
    assert answer.startswith(b"HTTP/1.1 401 ")
    assert b"Connection: close" in answer


async def test_the_body_of_a_refused_request_is_dropped_and_the_next_one_answered(
    proxying: Proxying,
) -> None:
    client = proxying.client()
    body = b"q" * 100_000
    refused = get("/", f"Content-Length: {len(body)}", method="POST", token=b"") + body
    upstream = await proxying.forward(client, refused + get("/after"))
    assert client.take().startswith(b"HTTP/1.1 401 ")
    assert upstream.take().startswith(b"GET /after ")


async def test_a_refused_request_with_a_huge_body_ends_the_connection(
    proxying: Proxying,
) -> None:
    client = proxying.client()
    request = get("/", "Content-Length: 1000000", method="POST", token=b"")
    assert b"Connection: close" in await proxying.ask(client, request)
    assert client.has_sent_eof
    client.feed(b"x" * 500_000)
    client.end()
    assert client.is_closed


async def test_an_endless_chunked_body_of_a_refused_request_ends_the_connection(
    proxying: Proxying,
) -> None:
    client = proxying.client()
    await proxying.ask(client, get("/", "Transfer-Encoding: chunked", method="POST", token=b""))
    client.feed(b"80000\r\n" + b"x" * 0x80000)
    assert client.has_sent_eof


async def test_an_early_answer_is_relayed_before_the_request_is_over(
    proxying: Proxying,
) -> None:
    client = proxying.client()
    upstream = await proxying.forward(client, get("/", "Content-Length: 9", method="POST"))
    upstream.feed(b"HTTP/1.1 403 No\r\nContent-Length: 0\r\n\r\n")
    assert client.take().startswith(b"HTTP/1.1 403 No\r\n")
    assert upstream.is_closed
    client.feed(b"123456789" + get("/next"))
    await proxying.settle()
    assert proxying.upstream.take().startswith(b"GET /next ")


async def test_a_slow_client_makes_the_upstream_wait(proxying: Proxying) -> None:
    client = proxying.client()
    client.is_slow = True
    upstream = await proxying.forward(client, get())
    upstream.feed(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc")
    assert upstream.is_reading_paused
    client.drain()
    assert not upstream.is_reading_paused


async def test_a_slow_upstream_makes_the_client_wait(proxying: Proxying) -> None:
    client = proxying.client()
    upstream = await proxying.forward(client, get("/", "Content-Length: 9", method="POST"))
    upstream.is_slow = True
    client.feed(b"abc")
    assert client.is_reading_paused
    upstream.drain()
    assert not client.is_reading_paused


async def test_a_client_that_reads_nothing_gets_no_further_request_answered(
    proxying: Proxying,
) -> None:
    client = proxying.client()
    client.is_slow = True
    client.feed(get(token=b"") * 5)
    assert client.writes[1:] == []
    client.drain()
    assert len(client.writes) == 5


async def test_a_body_is_held_until_the_upstream_is_connected(proxying: Proxying) -> None:
    client = proxying.client()
    proxying.answering.clear()
    client.feed(get("/", "Content-Length: 6", method="POST") + b"abc")
    assert client.is_reading_paused
    proxying.answering.set()
    await proxying.settle()
    assert proxying.upstream.take().endswith(b"\r\n\r\nabc")
    client.feed(b"def")
    assert proxying.upstream.take() == b"def"


async def test_a_body_larger_than_declared_allowed_is_413(proxying: Proxying) -> None:
    proxying.gate = FakeGate(a_service(isPublic=True, options={"body": {"maxRequestSize": 4}}))
    client = proxying.client()
    answer = await proxying.ask(client, post("/", b"12345"))
    assert answer.startswith(b"HTTP/1.1 413 ")
    assert proxying.dialled == []


async def test_a_chunked_body_that_grows_too_large_is_413_and_cut(proxying: Proxying) -> None:
    proxying.gate = FakeGate(a_service(isPublic=True, options={"body": {"maxRequestSize": 20}}))
    client = proxying.client()
    head = get("/", "Transfer-Encoding: chunked", method="POST")
    upstream = await proxying.forward(client, head + b"2\r\nab\r\n")
    client.feed(b"10\r\n0123456789abcdef\r\n")
    assert client.take().startswith(b"HTTP/1.1 413 ")
    assert upstream.is_aborted


async def test_the_client_that_leaves_takes_its_upstream_request_along(
    proxying: Proxying,
) -> None:
    client = proxying.client()
    upstream = await proxying.forward(client, get())
    client.lose()
    assert upstream.is_aborted
    assert proxying.telemetry.records[0].labels[1] == "4xx"
    assert proxying.telemetry.active == 0


async def test_a_client_that_closed_its_half_still_gets_its_answer(proxying: Proxying) -> None:
    client = proxying.client()
    upstream = await proxying.forward(client, get())
    client.end()
    upstream.feed(OK)
    assert client.take().endswith(b"ok")
    assert client.is_closed


async def test_a_connection_the_client_wants_closed_is_closed_after_the_answer(
    proxying: Proxying,
) -> None:
    client = proxying.client()
    (await proxying.forward(client, get("/", "Connection: close"))).feed(OK)
    assert b"Connection: close\r\n" in client.take()
    assert client.is_closed


async def test_a_direct_answer_needs_no_upstream(proxying: Proxying) -> None:
    direct = {"statusCode": 418, "contentType": "text/plain", "inline": "teapot"}
    proxying.gate = FakeGate(a_service(isPublic=True, options={"response": {"direct": direct}}))
    answer = await proxying.ask(proxying.client(), get())
    assert answer.startswith(b"HTTP/1.1 418 ")
    assert answer.endswith(b"Content-Type: text/plain\r\nContent-Length: 6\r\n\r\nteapot")
    assert proxying.dialled == []
