"""However a client's bytes are cut or mangled, what was authorised is what the upstream saw."""

from __future__ import annotations

import asyncio
from itertools import pairwise
from typing import Any

from httptools import HttpParserInvalidMethodError
from hypothesis import example, given, reject, settings
from hypothesis import strategies as st

from tests.harness.gate import TOKEN
from tests.harness.proxying import OK, Proxying
from tests.harness.readers import LenientReader, Message, StrictReader
from tests.harness.transport import FakeTransport

AUTH = b"Host: svc.example\r\nX-Kept: one, two; three\r\nAuthorization: Bearer " + TOKEN + b"\r\n"
CHUNKED = b"POST /d HTTP/1.1\r\n" + AUTH + b"Transfer-Encoding: chunked\r\n\r\n"
INSIDE = b"GET /inside HTTP/1.1\r\nX: y"
REQUESTS = [
    b"GET /a HTTP/1.1\r\n" + AUTH + b"\r\n",
    b"GET /b?x=1&y=2 HTTP/1.1\r\n" + AUTH + b"Cookie: a=1; b=2\r\n\r\n",
    b"POST /c HTTP/1.1\r\n" + AUTH + b"Content-Length: 11\r\n\r\nhello world",
    CHUNKED + b"5\r\nhello\r\n6;x=1\r\n world\r\n0\r\n\r\n",
    b"PUT /e HTTP/1.1\r\n"
    + AUTH
    + b"Transfer-Encoding: chunked\r\n\r\n2\r\nab\r\n0\r\nX-T: 1\r\n\r\n",
    b"HEAD /f HTTP/1.1\r\n" + AUTH + b"Content-Length: 0\r\n\r\n",
    b"GET /g/../h/%2e%2e/i HTTP/1.1\r\n" + AUTH + b"\r\n",
    b"DELETE http://svc.example/j HTTP/1.1\r\n" + AUTH + b"\r\n",
    b"OPTIONS * HTTP/1.1\r\n" + AUTH + b"\r\n",
    b"GET /nobody HTTP/1.1\r\nHost: svc.example\r\n\r\n",
    b"POST /nobody HTTP/1.1\r\nHost: svc.example\r\nContent-Length: 26\r\n\r\n" + INSIDE,
    b"POST /expects HTTP/1.1\r\n" + AUTH + b"Expect: 100-continue\r\nContent-Length: 2\r\n\r\nok",
]
NASTY = [
    b"\r\n", b"\n", b"\r", b"\0", b" ", b"\t", b":", b";", b"%0d%0a", b"\x0b", b"\x7f", b"\xff",
    b"\r\n ", b"\r\n\t", b"\r\r\n", b"\n\n", b"\r\n\r\n", b"0\r\n\r\n", b"0\n\n", b"00000000000",
    b"Content-Length: 5\r\n", b"Content-Length: 0\r\n", b"content-length:7\r\n",
    b"Content-Length: +5\r\n", b"Content-Length: 5, 5\r\n", b"Content-Length: 0x5\r\n",
    b"Content-Length : 5\r\n", b"Content_Length: 5\r\n", b"Content-Length: 5\r\n\r\nGET /z",
    b"Transfer-Encoding: chunked\r\n", b"Transfer-Encoding : chunked\r\n",
    b"Transfer-Encoding: xchunked\r\n", b"Transfer-Encoding:\tchunked\r\n",
    b"Transfer-Encoding: chunked, identity\r\n", b"Transfer-Encoding: \x0bchunked\r\n",
    b"Transfer_Encoding: chunked\r\n", b"X: y\nTransfer-Encoding: chunked\r\n",
    b"\rTransfer-Encoding: chunked\r", b"\nContent-Length: 5\n", b"\r\rGET /z HTTP/1.1\r\r",
    b"Connection: close\r\n", b"Connection: Content-Length, Host\r\n", b"Host: other\r\n",
    b"Upgrade: websocket\r\nConnection: Upgrade\r\n", b"Upgrade: h2c\r\n", b"Trailer: X\r\n",
    b"GET /smuggled HTTP/1.1\r\nHost: svc.example\r\n\r\n", b"#", b"\\", b"//", b"HTTP/1.0", b"1_0",
    b"-1", b"ffffffffffffffffff", b"5;\n", b'5;a="\r\n', b"5;a=\r\n", b"0x5\r\n", b"5 \r\n",
]  # fmt: skip


@st.composite
def mangled(draw: st.DrawFn) -> bytes:
    stream = b"".join(draw(st.lists(st.sampled_from(REQUESTS), min_size=1, max_size=4)))
    for _ in range(draw(st.integers(0, 4))):
        place = draw(st.integers(0, len(stream)))
        removed = draw(st.sampled_from([0, 0, 1, 2, 8]))
        inserted = draw(st.sampled_from(NASTY) | st.binary(max_size=3))
        stream = stream[:place] + inserted + stream[place + removed :]
    return stream


@st.composite
def cut(draw: st.DrawFn, stream: st.SearchStrategy[bytes]) -> list[bytes]:
    data = draw(stream)
    places = draw(st.lists(st.integers(0, len(data)), max_size=12))
    edges = [0, *sorted(places), len(data)]
    return [data[a:b] for a, b in pairwise(edges) if a < b]


class Upstreams:
    """Answers every request it has read whole, with both readers, on every connection."""

    def __init__(self, proxying: Proxying) -> None:
        self.proxying = proxying
        self.strict: list[StrictReader] = []
        self.lenient: list[LenientReader] = []
        self._answered: list[int] = []

    async def run(self) -> None:
        while await self._round():
            pass

    async def _round(self) -> bool:
        await self.proxying.settle()
        is_busy = False
        for index, upstream in enumerate(self.proxying.dialled):
            if index == len(self.strict):
                self.strict.append(StrictReader())
                self.lenient.append(LenientReader())
                self._answered.append(0)
            is_busy |= self._serve(index, upstream)
        return is_busy

    def _serve(self, index: int, upstream: FakeTransport) -> bool:
        data = upstream.take()
        self.strict[index].feed(data)
        self.lenient[index].feed(data)
        whole = [message for message in self.strict[index].messages if message.is_whole]
        unanswered = whole[self._answered[index] :]
        self._answered[index] = len(whole)
        for message in unanswered:
            answer = OK.replace(b"\r\n\r\nok", b"\r\n\r\n") if message.method == "HEAD" else OK
            if not upstream.is_closed:
                upstream.feed(answer)
        return bool(data)

    def seen(self) -> list[Message]:
        return [message for reader in self.strict for message in reader.messages]

    def seen_leniently(self) -> list[Message]:
        return [message for reader in self.lenient for message in reader.messages]


async def exchange(pieces: list[bytes]) -> tuple[Proxying, Upstreams, bytes]:
    """Let the pieces arrive one after the other, as far as they are read."""
    proxying = Proxying()
    client = proxying.client()
    upstreams = Upstreams(proxying)
    for piece in pieces:
        if client.is_closed:
            break
        if client.is_reading_paused:
            await upstreams.run()
        if client.is_reading_paused:
            break
        client.feed(piece)
        await upstreams.run()
    return proxying, upstreams, client.take()


def run(pieces: list[bytes]) -> tuple[Proxying, Upstreams, bytes]:
    try:
        return asyncio.run(exchange(pieces))
    except HttpParserInvalidMethodError:
        reject()  # llhttp takes registered methods only; for us any token is one


def asked(proxying: Proxying) -> list[tuple[str, str]]:
    facts: list[dict[str, Any]] = [dict(each["http"]) for each in proxying.gate.asked]
    return [(each["method"], each["uri"]) for each in facts]


def is_subsequence(some: list[tuple[str, str]], whole: list[tuple[str, str]]) -> bool:
    rest = iter(whole)
    return all(each in rest for each in some)


@settings(max_examples=300, deadline=None)
@given(cut(mangled()))
@example([b"POST /c HTTP/1.1\r\n" + AUTH + b"Transfer-Encoding: chunked\r\n\r\n0\r", b"\n\r\n"])
@example(
    [b"POST /c HTTP/1.1\r\n" + AUTH + b"Transfer-Encoding: chunked\r\n\r\n0\r\rGET /z", b" \n"]
)
def test_the_upstream_sees_what_was_authorised_and_nothing_else(pieces: list[bytes]) -> None:
    proxying, upstreams, answers = run(pieces)
    seen = [(each.method, each.target) for each in upstreams.seen()]
    assert is_subsequence(seen, asked(proxying))
    assert upstreams.seen_leniently() == upstreams.seen()
    whole = [each for each in upstreams.seen() if each.is_whole]
    assert answers.count(b"HTTP/1.1 200 OK") == len(whole)
    assert proxying.telemetry.active == len(list(proxying.handler.live()))


@settings(max_examples=200, deadline=None)
@given(mangled().flatmap(lambda stream: st.tuples(st.just([stream]), cut(st.just(stream)))))
def test_any_split_of_the_bytes_gives_the_same_requests(
    both: tuple[list[bytes], list[bytes]],
) -> None:
    whole, pieces = both
    one, _, answers = run(whole)
    other, _, again = run(pieces)
    assert asked(one) == asked(other)
    assert _statuses(answers) == _statuses(again)


@settings(max_examples=100, deadline=None)
@given(st.lists(st.sampled_from(REQUESTS), min_size=1, max_size=5))
def test_every_well_formed_request_is_answered_in_its_place(requests: list[bytes]) -> None:
    _, upstreams, answers = run(requests)
    expected = [b"401" if b"/nobody" in each else b"200" for each in requests]
    assert _statuses(answers) == expected
    assert all(message.is_whole for message in upstreams.seen())


def _statuses(answers: bytes) -> list[bytes]:
    return [part[:3] for part in answers.split(b"HTTP/1.1 ")[1:]]
