"""Bodies: where they end, and which chunks are refused."""

from __future__ import annotations

import pytest

from protocols.http.wire.body import (
    MAX_CHUNK_LINE,
    MAX_TRAILERS,
    ChunkedBody,
    EndlessBody,
    LengthBody,
    chunk,
)
from protocols.http.wire.errors import PeerError
from protocols.http.wire.frames import FrameBoundary, close_frame
from protocols.http.wire.names import DROP, KEEP, WIRE_FIELDS, Names


def chunked(*, is_decoded: bool = False) -> ChunkedBody:
    names = Names(lambda name: WIRE_FIELDS.get(name, DROP if name == b"x-own" else KEEP))
    return ChunkedBody(names, is_decoded=is_decoded)


def test_a_length_splits_the_body_from_what_follows() -> None:
    body = LengthBody(5)
    assert body.feed(b"abc") == b"abc"
    assert not body.is_done
    assert body.feed(b"defg") == b"de"
    assert (body.is_done, body.rest) == (True, b"fg")


def test_an_endless_body_takes_everything() -> None:
    body = EndlessBody()
    assert body.feed(b"abc") == b"abc"
    assert not body.is_done


def test_chunks_are_relayed_as_they_came() -> None:
    data = b'5\r\nhello\r\n06;a=1;b="x;y"\r\n world\r\n0\r\nX-T: 1\r\n\r\n'
    body = chunked()
    assert body.feed(data + b"next") == data
    assert (body.is_done, body.rest) == (True, b"next")


def test_chunks_are_taken_apart_for_those_who_know_none() -> None:
    body = chunked(is_decoded=True)
    assert body.feed(b"5\r\nhel") + body.feed(b"lo\r\n1\r\n!\r\n0\r\n\r\n") == b"hello!"
    assert body.is_done


def test_part_of_a_line_is_held_back() -> None:
    body = chunked()
    assert body.feed(b"5;a") == b""
    assert body.feed(b"=1\r") == b""
    assert body.feed(b"\nhe") == b"5;a=1\r\nhe"
    assert body.feed(b"llo\r") == b"llo"
    assert body.feed(b"\n0\r\nX-T: 1") == b"\r\n0\r\n"
    assert body.feed(b"\r\n\r\n") == b"X-T: 1\r\n\r\n"


@pytest.mark.parametrize(
    "data",
    [
        b"\r\n",
        b"g\r\n",
        b"-1\r\n",
        b"+1\r\n",
        b" 1\r\n",
        b"1 \r\n",
        b"0x1\r\n",
        b"1_0\r\n",
        b"1\n",
        b"1\r\r\n",
        b"1;\r\n",
        b"1;a=\r\n",
        b"1;a=\x00\r\n",
        b'1;a="\r\n',
        b"1;a b\r\n",
        b"1;\na\r\n",
        b"0" * 16 + b"\r\n",
        b"f" * 16 + b"\r\n",
        b"1\r\nab\r\n",
        b"1\r\na\n\n",
        b"1\r\na\r0",
        b"1\r\na0\r\n",
        b"0\r\nX\r\n\r\n",
        b"0\r\n X: 1\r\n\r\n",
        b"0\r\nX : 1\r\n\r\n",
        b"0\r\nX-Own: 1\r\n\r\n",
        b"0\r\nContent-Length: 1\r\n\r\n",
        b"0\r\nHost: a\r\n\r\n",
        b"0\r\nTransfer-Encoding: chunked\r\n\r\n",
        b"0\r\nX: a\x00\r\n\r\n",
        b"0\r\nX: a\nY: b\r\n\r\n",
        b"1" + b";a=1" * MAX_CHUNK_LINE,
        b"0\r\nX: " + b"a" * MAX_TRAILERS * 2,
    ],
)
def test_a_chunk_with_two_readings_is_refused(data: bytes) -> None:
    with pytest.raises(PeerError):
        chunked().feed(data)


def test_payload_is_wrapped_into_a_chunk() -> None:
    assert chunk(b"x" * 26) == b"1a\r\n" + b"x" * 26 + b"\r\n"


@pytest.mark.parametrize("size", [0, 125, 126, 65_535, 65_536])
@pytest.mark.parametrize("is_masked", [False, True])
def test_a_frame_is_followed_to_its_end_in_single_bytes(size: int, is_masked: bool) -> None:
    if size < 126:
        length = bytes([size])
    elif size < 65_536:
        length = b"\x7e" + size.to_bytes(2, "big")
    else:
        length = b"\x7f" + size.to_bytes(8, "big")
    if is_masked:
        length = bytes([length[0] | 0x80]) + length[1:] + b"mask"
    frame = b"\x82" + length + b"x" * size
    boundary = FrameBoundary()
    ends = [index for index in range(len(frame)) if boundary.feed(frame[index : index + 1]) >= 0]
    assert ends == [len(frame) - 1]
    assert boundary.is_here


def test_the_first_end_in_what_arrived_is_told() -> None:
    boundary = FrameBoundary()
    assert boundary.feed(b"\x82\x05he") == -1
    assert boundary.feed(b"llo\x82\x01a\x82") == 3
    assert not boundary.is_here


def test_a_close_frame_holds_code_and_reason() -> None:
    assert close_frame(1008, b"no") == b"\x88\x04\x03\xf0no"
    assert close_frame(1008, b"x" * 200)[1] == 125
