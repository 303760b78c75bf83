"""The ``request`` of a case beside what a real one holds: nothing unknown, nothing left out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final, TypeAlias

from config.paths import joined
from config.resources.mode import Mode
from config.resources.model import nearest
from policy.schema.kinds import Field, Free, ListOf, MapOf, Message, Scalar, Type
from policy.schema.requests import KEY_OF, request_fields

Fault: TypeAlias = tuple[str, str, str]
"""Where in the case, what is wrong there, and what was probably meant."""

_ROOT: Final = "request"
_SCALARS: Final[Mapping[str, tuple[type, ...]]] = {
    "text": (str,),
    "a number": (int, float),
    "a bool": (bool,),
}
_ZEROS: Final[Mapping[str, object]] = {"text": "", "a number": 0, "a bool": False}


def faults(facts: Mapping[str, Any], mode: Mode) -> Iterator[Fault]:
    """Yield what cannot be there in a request to a Service of this mode."""
    own = KEY_OF.get(mode)
    fields = {key: field for key, field in request_fields().items() if key in {"ip", own}}
    others = request_fields().keys() - fields.keys()
    for key in facts.keys() & others:
        yield (
            joined(_ROOT, key),
            f"is not there in mode {mode}",
            f"give {own}" if own else "give nothing",
        )
    known = {key: value for key, value in facts.items() if key not in others}
    yield from _faults(known, Message(lambda: fields), _ROOT)


def completed(facts: Mapping[str, Any]) -> dict[str, Any]:
    """Return the request with the zero value of whatever is not given of a message in it.

    So it is with resources (spec/README.md, decision 4); a real request leaves nothing out.
    """
    fields = request_fields()
    return {key: _completed(value, fields[key].type) for key, value in facts.items()}


def _faults(value: Any, kind: Type, at: str) -> Iterator[Fault]:
    match kind:
        case Message():
            yield from _message_faults(value, kind.fields(), at)
        case MapOf() | ListOf():
            yield from _collection_faults(value, kind, at)
        case Scalar(words=words):
            types = _SCALARS.get(words, ())
            is_bool = isinstance(value, bool) and bool not in types
            if types and (is_bool or not isinstance(value, types)):
                yield at, f"must be {words}", ""
        case Free():
            pass


def _collection_faults(value: Any, kind: MapOf | ListOf, at: str) -> Iterator[Fault]:
    wanted, words = (dict, "a mapping") if isinstance(kind, MapOf) else (list, "a list")
    if not isinstance(value, wanted):
        yield at, f"must be {words}", ""
        return
    items = value.items() if isinstance(value, dict) else enumerate(value)
    for key, item in items:
        yield from _faults(item, kind.item, joined(at, key))


def _message_faults(value: Any, fields: Mapping[str, Field], at: str) -> Iterator[Fault]:
    if not isinstance(value, dict):
        yield at, "must be a mapping", ""
        return
    for key, item in value.items():
        field = fields.get(key)
        if field is not None:
            yield from _faults(item, field.type, joined(at, key))
            continue
        meant = nearest(key, fields)
        hint = f'did you mean "{meant}"?' if meant else f"known keys: {', '.join(fields)}"
        yield joined(at, key), "no request has this key", hint


def _completed(value: Any, kind: Type) -> Any:
    if not isinstance(kind, Message) or not isinstance(value, dict):
        return value
    shown = {
        key: _zero(field.type) for key, field in kind.fields().items() if not field.is_optional
    }
    for key, given in value.items():
        shown[key] = _completed(given, kind.fields()[key].type)
    return {key: item for key, item in shown.items() if item is not None}


def _zero(kind: Type) -> Any:
    match kind:
        case Scalar(words=words):
            return _ZEROS.get(words)
        case ListOf():
            return []
        case MapOf():
            return {}
        case Message():
            return _completed({}, kind)
        case Free():
            return None
