"""The regex extension: ``regex.replace``, ``regex.extract`` and ``regex.extractAll``, on RE2."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from policy.cel.library.conversions import text_to_bytes
from policy.cel.library.patterns import COMPILATION, compile_bounded
from policy.cel.library.strings import allow
from policy.cel.library.text import require_text
from policy.cel.signature import Function, Kind
from policy.cel.values import NONE, InvalidArgument, Meter, NoSuchOverload, OptionalValue

_REFERENCE: Final = re.compile(r"\\(.?)", re.DOTALL)


def _compiled(meter: Meter, operation: str, subject: Any, pattern: Any) -> Any:
    require_text(operation, subject, pattern)
    text_to_bytes(subject)  # RE2 reads UTF-8, in which a lone surrogate cannot be written
    meter.spend(COMPILATION + (len(subject) >> 5))
    return compile_bounded(pattern)


def _replace(meter: Meter, subject: Any, pattern: Any, replacement: Any, limit: Any = -1) -> str:
    require_text("regex.replace", replacement)
    if type(limit) is not int:
        raise NoSuchOverload("regex.replace", subject, pattern, replacement, limit)
    compiled = _compiled(meter, "regex.replace", subject, pattern)
    pieces = _pieces(replacement, compiled.groups)
    parts: list[str] = []
    end = 0
    for count, match in enumerate(compiled.finditer(subject)):
        if count == limit:
            break
        found = "".join(piece if type(piece) is str else match[piece] or "" for piece in pieces)
        parts += (subject[end : match.start()], found)
        end = match.end()
        allow(meter, len(found))
    return "".join((*parts, subject[end:]))


def _pieces(replacement: str, groups: int) -> list[str | int]:
    r"""Split a replacement into text and the numbers of groups (``\1``)."""
    pieces: list[str | int] = []
    end = 0
    for match in _REFERENCE.finditer(replacement):
        pieces.append(replacement[end : match.start()])
        end = match.end()
        if match[1] == "\\":
            pieces.append("\\")
        elif match[1] in "0123456789" and match[1] and int(match[1]) <= groups:
            pieces.append(int(match[1]))
        else:
            raise InvalidArgument(f"regex.replace(): {match[0]} refers to no group")
    return [*pieces, replacement[end:]]


def _group(operation: str, compiled: Any) -> int:
    if compiled.groups > 1:
        raise InvalidArgument(f"{operation}() takes a pattern of at most one group")
    return int(compiled.groups)


def _extract(meter: Meter, subject: Any, pattern: Any) -> OptionalValue:
    compiled = _compiled(meter, "regex.extract", subject, pattern)
    group = _group("regex.extract", compiled)
    match = compiled.search(subject)
    return NONE if match is None or match[group] is None else OptionalValue(match[group])


def _extract_all(meter: Meter, subject: Any, pattern: Any) -> list[str]:
    compiled = _compiled(meter, "regex.extractAll", subject, pattern)
    group = _group("regex.extractAll", compiled)
    meter.spend(len(subject))
    return [match[group] for match in compiled.finditer(subject) if match[group] is not None]


FUNCTIONS: Final[Mapping[str, Function]] = {
    "regex.replace": Function(_replace, 3, 4, Kind.STRING, is_metered=True),
    "regex.extract": Function(_extract, 2, 2, is_metered=True),
    "regex.extractAll": Function(_extract_all, 2, 2, Kind.LIST, is_metered=True),
}
