"""How the place of a value is written: ``spec.rules[2].name``, ``data["odd key"]``."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Final

_PLAIN_KEY: Final = re.compile(r"[\w:/-]+")
_STEP: Final = re.compile(
    r'\.?(?P<key>[\w:/-]+)|\[(?P<index>\d{1,9})\]|\[(?P<odd>"(?:[^"\\]|\\.)*")\]'
)


def joined(path: str, step: str | int) -> str:
    """Return the path of what ``step`` leads to from ``path``."""
    if isinstance(step, int):
        return f"{path}[{step}]"
    if not _PLAIN_KEY.fullmatch(step):
        return f"{path}[{json.dumps(step)}]"
    return f"{path}.{step}" if path else step


def steps(path: str) -> Iterator[str | int]:
    """Yield the keys and indexes of a path, up to the first that cannot be read."""
    end = 0
    while found := _STEP.match(path, end):
        end = found.end()
        match found.lastgroup:
            case "key":
                yield found["key"]
            case "index":
                yield int(found["index"])
            case _:
                yield json.loads(found["odd"])
