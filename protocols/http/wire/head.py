"""What request and response heads have in common: where they end, which lines they may hold."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Final

from protocols.http.wire.errors import PeerError
from protocols.http.wire.names import (
    CONNECTION,
    DROP,
    EXPECT,
    HOST,
    KEEP,
    LENGTH,
    NOTE,
    TAKE,
    TE,
    TRANSFER,
    UPGRADE,
    Field,
    Names,
    is_token,
)

MAX_HEAD: Final = 64 * 1024
MAX_FIELDS: Final = 200
MAX_LENGTH_DIGITS: Final = 18

_END: Final = b"\r\n\r\n"
_ALLOWED: Final = bytes(code for code in range(256) if code >= 32 and code != 127) + b"\t"
_FIELD: Final = re.compile(r"([^:\r\n]+):[ \t]*([^\r]*)")
_LENGTH: Final = re.compile(rb"[0-9]{1,%d}" % MAX_LENGTH_DIGITS)
_BLANK: Final = b" \t"


class Fields:
    """The fields of one head, sorted: what is relayed as it came, and what decides the framing.

    Never changed once sorted, so that heads with the same fields may share one. ``connection``
    holds the options of Connection in lower case. Defaults are the class's own, which makes a new
    one cheap.
    """

    length: int | None = None
    is_chunked = False
    connection: tuple[bytes, ...] = ()
    upgrade = b""
    host = ""
    _maps: tuple[dict[str, str], dict[str, list[str]]] | None = None

    def __init__(self, block: bytes, names: Names) -> None:
        self.block = block
        self.names = names
        self.kept: list[bytes] = []
        self.taken: dict[bytes, list[bytes]] = {}
        lines = block.split(b"\r\n") if block else []
        if len(lines) > MAX_FIELDS:
            raise PeerError(431, "too many header fields")
        _sort(self, lines, names)

    def first(self, name: bytes) -> bytes | None:
        """Return the first value set aside under this lower-case name."""
        values = self.taken.get(name)
        return values[0] if values else None

    def maps(self) -> tuple[dict[str, str], dict[str, list[str]]]:
        """Return all fields by lower-case name, dropped or not: first values, and every value."""
        if self._maps is None:
            self._maps = _mapped(self.block)
        return self._maps


def head_start(data: bytes) -> int:
    """Return where a head begins: one empty line before it is ignored (RFC 9112 §2.2)."""
    return 2 if data.startswith(b"\r\n") else 0


def head_end(data: bytes, start: int = 0) -> int:
    """Return where the head's last line ends, or -1 while more must come."""
    end = data.find(_END, start)
    if end > MAX_HEAD or (end < 0 and len(data) > MAX_HEAD):
        raise PeerError(431, "the head is too large")
    if end < 0 and data.count(b"\n") != data.count(b"\r\n"):
        raise PeerError(400, "a line does not end in CRLF")
    first = data[start : start + 1]
    if end < 0 and first not in {b"", b"\r"} and not is_token(first):
        # A TLS handshake on a plain listener: there is nothing to wait for.
        raise PeerError(400, "this does not begin like HTTP")
    return end


def _sort(fields: Fields, lines: list[bytes], names: Names) -> None:
    keep = fields.kept.append
    recall = names.lines.get
    for line in lines:
        known = recall(line)
        if known == KEEP:
            keep(line)
        elif known is None:
            _sort_unknown(fields, line, names)
        elif isinstance(known, tuple):
            treatment, field = known
            _SORTERS[treatment](fields, line, field)
    if fields.is_chunked and fields.length is not None:
        raise PeerError(400, "both Content-Length and Transfer-Encoding")
    if fields.connection:
        _drop_named(fields)


def _sort_unknown(fields: Fields, line: bytes, names: Names) -> None:
    colon = line.find(b":")
    if colon < 0:
        raise PeerError(400, "a header line has no colon")
    spelling = line[:colon]
    treatment = names.treatment(spelling)
    if line.translate(None, _ALLOWED):
        raise PeerError(400, "a control character or a bare line end in the head")
    if treatment == KEEP:
        fields.kept.append(line)
        names.learn(line, KEEP)
    elif treatment == DROP:
        names.learn(line, DROP)
    else:
        field = (spelling.lower(), line[colon + 1 :].strip(_BLANK))
        _SORTERS[treatment](fields, line, field)
        if treatment != TAKE:
            names.learn(line, (treatment, field))


def _host(fields: Fields, line: bytes, field: Field) -> None:  # noqa: ARG001 - as all sorters
    if b"host" in fields.taken:
        raise PeerError(400, "more than one Host")
    fields.taken[b"host"] = [field[1]]


def _length(fields: Fields, line: bytes, field: Field) -> None:  # noqa: ARG001 - as all sorters
    if fields.length is not None or _LENGTH.fullmatch(field[1]) is None:
        raise PeerError(400, "an invalid or repeated Content-Length")
    fields.length = int(field[1])


def _transfer(fields: Fields, line: bytes, field: Field) -> None:  # noqa: ARG001 - as all sorters
    if fields.is_chunked:
        raise PeerError(400, "a repeated Transfer-Encoding")
    if field[1].lower() != b"chunked":
        raise PeerError(501, "a Transfer-Encoding other than chunked")
    fields.is_chunked = True


def _connection(fields: Fields, line: bytes, field: Field) -> None:  # noqa: ARG001 - as all sorters
    value = field[1].lower()
    if value in _OPTIONS:
        fields.connection += (value,)
    else:
        names = (option.strip(_BLANK) for option in value.split(b","))
        fields.connection += tuple(name for name in names if name)


def _expect(fields: Fields, line: bytes, field: Field) -> None:  # noqa: ARG001 - as all sorters
    if field[1].lower() != b"100-continue" or b"expect" in fields.taken:
        raise PeerError(417, "an Expect other than 100-continue")
    fields.taken[b"expect"] = [b"100-continue"]


def _upgrade(fields: Fields, line: bytes, field: Field) -> None:  # noqa: ARG001 - as all sorters
    value = field[1].lower()
    fields.upgrade = fields.upgrade + b"," + value if fields.upgrade else value


def _te(fields: Fields, line: bytes, field: Field) -> None:  # noqa: ARG001 - as all sorters
    # Whether the other side wants trailers holds for every hop that relays them, as we do.
    if b"trailers" in field[1].lower().split(b","):
        fields.kept.append(b"TE: trailers")


def _take(fields: Fields, line: bytes, field: Field) -> None:  # noqa: ARG001 - as all sorters
    name, value = field
    if name in fields.taken:
        fields.taken[name].append(value)
    else:
        fields.taken[name] = [value]


def _note(fields: Fields, line: bytes, field: Field) -> None:
    _take(fields, line, field)
    fields.kept.append(line)


_SORTERS: Final[Mapping[int, Callable[[Fields, bytes, Field], None]]] = {
    HOST: _host,
    LENGTH: _length,
    TRANSFER: _transfer,
    CONNECTION: _connection,
    EXPECT: _expect,
    UPGRADE: _upgrade,
    TAKE: _take,
    TE: _te,
    NOTE: _note,
}


def _mapped(block: bytes) -> tuple[dict[str, str], dict[str, list[str]]]:
    first: dict[str, str] = {}
    every: dict[str, list[str]] = {}
    for spelling, padded in _FIELD.findall(_text(block)):
        name, value = spelling.lower(), padded.rstrip(" \t")
        if name in first:
            every[name].append(value)
        else:
            first[name] = value
            every[name] = [value]
    return first, every


def _text(block: bytes) -> str:
    try:
        return block.decode("utf-8")
    except UnicodeDecodeError:
        return block.decode("latin-1")


def _drop_named(fields: Fields) -> None:
    """Drop the fields that Connection says are meant for this hop only (RFC 9110 §7.6.1)."""
    named = [name + b":" for name in fields.connection if name not in _OPTIONS]
    if named:
        fields.kept = [
            line for line in fields.kept if line[: line.find(b":") + 1].lower() not in named
        ]


_OPTIONS: Final = frozenset((b"close", b"keep-alive", b"upgrade", b"te"))
