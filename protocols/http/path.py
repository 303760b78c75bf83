"""The one reading of a path: what policy judges is what the upstream sees, or the answer is 400.

Dot segments are resolved here, spelt plainly or percent-encoded. Whatever another server could
read as a dot segment (behind an encoded slash, a backslash, a path parameter or a second
encoding) is refused, never guessed at.
"""

from __future__ import annotations

import re
from typing import Final
from urllib.parse import unquote_to_bytes

from protocols.http.wire.errors import PeerError

_BAD_ESCAPE: Final = re.compile(rb"%(?![0-9A-Fa-f]{2})")
_CONTROL: Final = re.compile(rb"[\x00-\x1f\x7f]")
_SEPARATORS: Final = re.compile(rb"[/\\]")
_DOTS: Final = (b".", b"..")


def canonical(path: bytes) -> bytes:
    """Return the path as policy and upstream both see it, or raise PeerError."""
    if b"%" not in path and b"/." not in path and b"\\" not in path:
        if b";" in path:
            _refuse_disguised_dots(path)
        return path
    if _BAD_ESCAPE.search(path) is not None:
        raise PeerError(400, "a malformed percent escape in the path")
    kept: list[bytes] = []
    segments = path[1:].split(b"/")
    for segment in segments:
        decoded = unquote_to_bytes(segment)
        if decoded == b"..":
            del kept[-1:]
        elif decoded != b".":
            _check(decoded)
            kept.append(segment)
    if unquote_to_bytes(segments[-1]) in _DOTS:
        kept.append(b"")
    return b"/" + b"/".join(kept)


def decoded(path: bytes) -> str:
    """Return a canonical path percent-decoded, as ``ctx.request.http.path``."""
    if b"%" not in path:
        return path.decode("ascii")
    try:
        return unquote_to_bytes(path).decode("utf-8")
    except UnicodeDecodeError as error:
        raise PeerError(400, "the path is not UTF-8") from error


def _check(segment: bytes) -> None:
    """Refuse a decoded segment that somebody could read as something else."""
    if _CONTROL.search(segment) is not None:
        raise PeerError(400, "a control character in the path")
    _refuse_disguised_dots(segment)
    if b"%" in segment:
        again = unquote_to_bytes(segment)
        if again in _DOTS:
            raise PeerError(400, "a doubly encoded dot segment in the path")
        _refuse_disguised_dots(again)


def _refuse_disguised_dots(text: bytes) -> None:
    if b"." not in text:
        return
    if any(part.partition(b";")[0] in _DOTS for part in _SEPARATORS.split(text)):
        raise PeerError(400, "a disguised dot segment in the path")
