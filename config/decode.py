"""From a parsed document to a resource, or to every reason why not, in plain words."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import reduce
from typing import Any, Final, TypeVar

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from config.errors import ConfigError, Problem
from config.kinds import KINDS
from config.paths import joined
from config.resources.meta import Resource
from config.resources.model import REFUSED, Model, nearest

_M = TypeVar("_M", bound=Model)
_QUOTED: Final = re.compile(r"'([^']*)'")


def decode(model: type[_M], raw: object, *, at: str = "") -> _M:
    """Return ``raw`` as a ``model``, or raise ConfigError with every problem found.

    ``at`` is the path of ``raw`` in its document. No message repeats a value that was given.
    """
    try:
        return model.model_validate(raw)
    except ValidationError as error:
        lines = _relevant(error.errors(include_url=False))
    # Raised out of reach of the ValidationError, which holds the document with its secrets.
    raise ConfigError({_problem(line, at) for line in lines})


def decode_resource(raw: object) -> Resource:
    """Return a document as the resource its ``kind`` says it is."""
    if not isinstance(raw, dict):
        raise ConfigError.at("", f"a resource must be a mapping, not {_named(raw)}")
    kind = raw.get("kind")
    if not isinstance(kind, str):
        raise ConfigError.at("kind", "is required and must be text", f"one of {', '.join(KINDS)}")
    if kind not in KINDS:
        raise ConfigError.at("kind", "is no kind of resource", _suggestion(kind, KINDS))
    return decode(KINDS[kind], raw)


def _relevant(lines: list[ErrorDetails]) -> list[ErrorDetails]:
    """Leave out what only follows from another line: a list too short, a null key missing."""
    broken = {line["loc"][:depth] for line in lines for depth in range(len(line["loc"]))}
    refused = {line["loc"] for line in lines if line["type"] == REFUSED}
    follows = {"too_short": broken, "missing": refused}
    return [line for line in lines if line["loc"] not in follows.get(line["type"], ())]


def _problem(line: ErrorDetails, at: str) -> Problem:
    context = line.get("ctx", {})
    if line["type"] == REFUSED:
        message, hint = context["message"], context["hint"]
    else:
        message, hint = _words(line, context), _hint(line, context)
    return Problem("", 0, _path(at, line["loc"]), message, hint)


def _words(line: ErrorDetails, context: Mapping[str, Any]) -> str:
    expected = _EXPECTED.get(line["type"])
    if expected is not None:
        return f"must be {expected}, not {_named(line['input'])}"
    say = _SAYINGS.get(line["type"])
    return say(context) if say else "is not valid"


def _hint(line: ErrorDetails, context: Mapping[str, Any]) -> str:
    given = line["input"]
    if line["type"] == "string_type" and isinstance(given, int | float):
        return "write it in quotes"
    if line["type"] not in {"enum", "literal_error"} or not isinstance(given, str):
        return ""
    meant = nearest(given, _QUOTED.findall(context["expected"]))
    return f'did you mean "{meant}"?' if meant else ""


def _suggestion(given: str, known: Mapping[str, object]) -> str:
    meant = nearest(given, known)
    return f'did you mean "{meant}"?' if meant else f"one of {', '.join(known)}"


def _named(value: object) -> str:
    words = (word for kinds, word in _INPUTS if isinstance(value, kinds))
    return next(words, f"a {type(value).__name__}")


def _path(at: str, places: tuple[int | str, ...]) -> str:
    # pydantic appends "[key]" to the place of a mapping's key; the key itself comes before it.
    return reduce(joined, (place for place in places if place != "[key]"), at)


def _counted(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


# A truth value is an int to Python, so it comes first.
_INPUTS: Final = (
    (type(None), "nothing"),
    (bool, "true or false"),
    ((int, float), "a number"),
    (str, "text"),
    ((list, tuple), "a list"),
    (dict, "a mapping"),
)
_EXPECTED: Final = {
    "bool_type": "true or false",
    "dict_type": "a mapping",
    "float_type": "a number",
    "int_type": "a whole number",
    "model_type": "a mapping",
    "string_type": "text",
    "tuple_type": "a list",
}
_SAYINGS: Final[Mapping[str, Callable[[Mapping[str, Any]], str]]] = {
    "enum": lambda context: f"must be {context['expected'].replace(chr(39), '')}",
    "extra_forbidden": lambda _: "unknown key",
    "finite_number": lambda _: "must be a finite number",
    "greater_than_equal": lambda context: f"must be at least {context['ge']}",
    "less_than_equal": lambda context: f"must be at most {context['le']}",
    "literal_error": lambda context: f"must be {context['expected'].replace(chr(39), '')}",
    "missing": lambda _: "is required",
    "recursion_loop": lambda _: "contains itself",
    "string_pattern_mismatch": lambda _: "has characters that are not allowed here",
    "string_too_long": lambda context: (
        f"must have at most {_counted(context['max_length'], 'character')}"
    ),
    "string_too_short": lambda context: (
        f"must have at least {_counted(context['min_length'], 'character')}"
    ),
    "string_unicode": lambda _: "must be valid Unicode text",
    "too_long": lambda context: f"must have at most {_counted(context['max_length'], 'item')}",
    "too_short": lambda context: f"must have at least {_counted(context['min_length'], 'item')}",
}
