"""How a header field is treated, looked up by the name as it was spelt."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, TypeAlias

from protocols.http.wire.errors import PeerError

# What becomes of a field's line. The first two need no look at the value.
KEEP: Final = 0
DROP: Final = 1
# The wire's own fields: never relayed as they came.
HOST: Final = 2
LENGTH: Final = 3
TRANSFER: Final = 4
CONNECTION: Final = 5
EXPECT: Final = 6
UPGRADE: Final = 7
TE: Final = 8
# The caller's: TAKE sets the value aside instead of relaying it, NOTE does both.
TAKE: Final = 9
NOTE: Final = 10

WIRE_FIELDS: Final = {
    b"host": HOST,
    b"content-length": LENGTH,
    b"transfer-encoding": TRANSFER,
    b"connection": CONNECTION,
    b"expect": EXPECT,
    b"upgrade": UPGRADE,
    b"keep-alive": DROP,
    b"proxy-connection": DROP,
    b"proxy-authenticate": DROP,
    b"proxy-authorization": DROP,
    b"proxy-authentication-info": DROP,
    b"te": TE,
    b"http2-settings": DROP,
}
"""Fields that belong to one connection, and how the head scanner takes them."""

_TOKEN: Final = b"!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
_MOST_SPELLINGS: Final = 4096
_MOST_LINES: Final = 4096
_LONGEST_NAME: Final = 64
_LONGEST_LINE: Final = 256

Field: TypeAlias = tuple[bytes, bytes]
"""A field's name in lower case, and its value without the blanks around it."""
Known: TypeAlias = int | tuple[int, Field]
"""KEEP or DROP, or another treatment with the field."""


def is_token(name: bytes) -> bool:
    """Whether this is a token of RFC 9110 §5.6.2."""
    return bool(name) and not name.translate(None, _TOKEN)


class Names:
    """How fields are treated, learnt as they arrive and bounded in number and size.

    ``classify`` gets the name in lower case and is asked once per spelling. ``lines`` holds whole
    lines that were found well formed, as most lines come again and again. Lines to TAKE, our own
    credentials among them, are never kept there.
    """

    __slots__ = ("_classify", "_spellings", "lines")

    def __init__(self, classify: Callable[[bytes], int]) -> None:
        self._classify = classify
        self._spellings: dict[bytes, int] = {}
        self.lines: dict[bytes, Known] = {}

    def treatment(self, name: bytes) -> int:
        """Return what becomes of a field of this name; PeerError for what is no name."""
        found = self._spellings.get(name)
        if found is not None:
            return found
        if not is_token(name):
            raise PeerError(400, "a header name is not a token")
        treatment = self._classify(name.lower())
        if len(self._spellings) < _MOST_SPELLINGS and len(name) <= _LONGEST_NAME:
            self._spellings[name] = treatment
        return treatment

    def learn(self, line: bytes, known: Known) -> None:
        """Remember a whole line. A full table is emptied: what is frequent is soon back."""
        if len(line) > _LONGEST_LINE:
            return
        if len(self.lines) >= _MOST_LINES:
            self.lines.clear()
        self.lines[line] = known
