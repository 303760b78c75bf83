"""Reads the public CEL conformance suite out of its npm package, a JavaScript object literal."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from policy.cel.library.times import parse_duration, parse_timestamp
from policy.cel.values import CelType, UInt

PACKAGE: Final = Path(__file__).parent / "node_modules" / "@bufbuild" / "cel-spec"
_DATA: Final = PACKAGE / "dist" / "esm" / "testdata" / "conformance.js"
_OPENING: Final = "export const tests ="
_FIX: Final = re.compile(
    r""""(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|[A-Za-z_$][\w$]*(?=\s*:)|,(?=\s*[}\]])"""
)
_NAMED: Final = {"NaN": "nan", "Infinity": "inf", "-Infinity": "-inf"}
_TIME: Final = "type.googleapis.com/google.protobuf."


class NeedsMessages(Exception):  # noqa: N818 - it is a reason to leave a test out, not a failure
    """A test's data holds a protobuf message."""


@dataclass(frozen=True)
class Case:
    """One test of the suite."""

    section: str
    name: str
    expression: str
    data: dict[str, Any]

    @property
    def id(self) -> str:
        return f"{self.section}/{self.name}"


def cases() -> Iterator[Case]:
    """Yield every test of the suite."""
    text = _DATA.read_text()
    literal = text[text.index(_OPENING) + len(_OPENING) :].strip().removesuffix(";")
    yield from _cases(json.loads(_FIX.sub(_as_json, literal)), ())


def _as_json(match: re.Match[str]) -> str:
    text = match[0]
    if text.startswith('"'):
        return text
    if text.startswith("'"):
        return '"' + text[1:-1].replace("\\'", "'").replace('"', '\\"') + '"'
    return "" if text == "," else f'"{text}"'


def _cases(suite: dict[str, Any], path: tuple[str, ...]) -> Iterator[Case]:
    for inner in suite.get("suites", ()):
        yield from _cases(inner, (*path, inner["name"]))
    for test in suite.get("tests", ()):
        data = test["original"]
        yield Case("/".join(path), data["name"], data["expr"], data)


def value_of(encoded: dict[str, Any]) -> Any:
    """Return the CEL value a ``cel.expr.Value`` stands for."""
    ((kind, data),) = encoded.items()
    match kind:
        case "objectValue":
            return _object(data)
        case "enumValue":
            raise NeedsMessages
        case "listValue":
            return [value_of(element) for element in data.get("values", ())]
        case "mapValue":
            entries = data.get("entries", ())
            return {value_of(entry["key"]): value_of(entry["value"]) for entry in entries}
    return _SCALARS[kind](data)


_SCALARS: Final = {
    "nullValue": lambda _: None,
    "boolValue": bool,
    "int64Value": int,
    "uint64Value": UInt,
    "doubleValue": lambda data: float(_NAMED.get(str(data), data)),
    "stringValue": str,
    "bytesValue": base64.b64decode,
    "typeValue": CelType,
}


def _object(data: dict[str, Any]) -> Any:
    match data["@type"].removeprefix(_TIME):
        case "Timestamp":
            return parse_timestamp(data["value"])
        case "Duration":
            return parse_duration(data["value"])
    raise NeedsMessages
