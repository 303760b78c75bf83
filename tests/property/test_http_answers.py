"""Whatever an upstream sends, the client gets one proper answer, or a connection that is cut."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from itertools import pairwise

import httptools
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.harness.proxying import Proxying, get

HEAD = b"HTTP/1.1 200 OK\r\nX-Kept: one two\r\n"
ANSWERS = [
    HEAD + b"Content-Length: 5\r\n\r\nhello",
    HEAD + b"Content-Length: 0\r\n\r\n",
    HEAD + b"Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
    HEAD + b"Transfer-Encoding: chunked\r\n\r\n5;x=1\r\nhello\r\n0\r\nX-T: 1\r\n\r\n",
    HEAD + b"Connection: close\r\n\r\nhello",
    b"HTTP/1.0 200 OK\r\n\r\nhello",
    b"HTTP/1.1 204 No Content\r\n\r\n",
    b"HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n",
    b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" + HEAD + b"Content-Length: 2\r\n\r\nok",
]
NASTY = [
    b"\r\n", b"\n", b"\r", b"\0", b" ", b":", b"\r\n\r\n", b"0\r\n\r\n", b"Content-Length: 3\r\n",
    b"Transfer-Encoding: chunked\r\n", b"Connection: close\r\n", b"HTTP/1.1 200 OK\r\n",
    b"HTTP/1.1 101 X\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n", b"100", b"999", b"-1",
]  # fmt: skip


@st.composite
def pieces(draw: st.DrawFn) -> list[bytes]:
    data = draw(st.sampled_from(ANSWERS))
    for _ in range(draw(st.integers(0, 3))):
        place = draw(st.integers(0, len(data)))
        inserted = draw(st.sampled_from(NASTY) | st.binary(max_size=3))
        data = data[:place] + inserted + data[place + draw(st.sampled_from([0, 1, 4])) :]
    edges = [0, *sorted(draw(st.lists(st.integers(0, len(data)), max_size=6))), len(data)]
    return [data[a:b] for a, b in pairwise(edges) if a < b]


@dataclass
class Reader:
    """llhttp on the client's side."""

    statuses: list[int] = field(default_factory=list)
    finished: int = 0

    def __post_init__(self) -> None:
        self.parser = httptools.HttpResponseParser(self)

    def on_headers_complete(self) -> None:
        self.statuses.append(self.parser.get_status_code())

    def on_message_complete(self) -> None:
        self.finished += 1


async def answered(sent: list[bytes]) -> tuple[bytes, bool]:
    """Return what the client got and whether it was cut."""
    proxying = Proxying()
    client = proxying.client()
    upstream = await proxying.forward(client, get())
    for piece in sent:
        if not upstream.is_closed:
            upstream.feed(piece)
    if not upstream.is_closed:
        upstream.end()
    await proxying.settle()
    assert proxying.telemetry.active == 0
    assert len(proxying.telemetry.records) == 1
    return client.take(), client.is_aborted


@settings(max_examples=300, deadline=None)
@given(pieces())
def test_the_client_gets_one_proper_answer_or_is_cut(sent: list[bytes]) -> None:
    data, is_cut = asyncio.run(answered(sent))
    reader = Reader()
    reader.parser.feed_data(data)
    final = [status for status in reader.statuses if status >= 200]
    assert len(final) == 1 or (is_cut and not data)
    assert is_cut or reader.finished == len(reader.statuses)


@settings(max_examples=150, deadline=None)
@given(pieces())
def test_any_split_of_an_answer_is_the_same_answer(sent: list[bytes]) -> None:
    pieced, is_cut = asyncio.run(answered(sent))
    whole, is_cut_too = asyncio.run(answered([b"".join(sent)]))
    if is_cut or is_cut_too:
        return  # how much of a broken answer got through before it broke depends on the pieces
    if b" 502 " in whole:
        assert b" 502 " in pieced
        return
    assert pieced.split(b"\r\n\r\n")[0] == whole.split(b"\r\n\r\n")[0]
