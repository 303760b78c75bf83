"""What ``ctx`` holds: resources as CEL sees them (spec/README.md, decision 4).

Keys are spelt as in YAML. A scalar of a present message is always there, an absent message and an
alternative not chosen never are, and nothing secret ever is.
"""

from __future__ import annotations

import types
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from functools import cache
from typing import Annotated, Any, Final, Protocol, Union, get_args, get_origin

from pydantic import BaseModel

from config.resources.meta import Resource
from config.resources.model import Model
from config.secret import SecretBytes
from policy.cel.values import INT_MOST, Timestamp, UInt

_ABSENT: Final = object()
_ZERO: Final[Mapping[type, object]] = {str: "", bool: False, int: 0, float: 0.0}
SHOWN: Final = ("metadata", "spec", "status")


class Viewed(Protocol):
    """A caller, as far as ``ctx`` is concerned."""

    @property
    def view(self) -> Mapping[str, Any]:
        """The caller's part of ``ctx``."""
        ...


def view(resource: Resource) -> dict[str, Any]:
    """Return what ``ctx`` holds of a resource. Besides these five keys nothing leaves it."""
    shown: dict[str, Any] = {"apiVersion": resource.api_version, "kind": resource.kind}
    shown.update((key, seen(getattr(resource, key))) for key in SHOWN)
    return shown


def build(
    caller: Viewed,
    service_view: Mapping[str, Any],
    namespace_view: Mapping[str, Any],
    request_facts: Mapping[str, Any],
) -> dict[str, Any]:
    """Return ``ctx`` for one request; a protocol without facts has no ``ctx.request``."""
    ctx = {**caller.view, "service": service_view, "namespace": namespace_view}
    if request_facts:
        ctx["request"] = request_facts
    return ctx


@dataclass(frozen=True, slots=True)
class SeenField:
    """How one field of a model is seen. ``unset`` stands for None."""

    name: str
    key: str
    unset: object
    is_alternative: bool

    @property
    def has_default(self) -> bool:
        """Whether the key is there where the field is unset."""
        return self.unset is not _ABSENT


def seen(value: Any) -> Any:
    """Return a declared value, such as ``attrs``, as CEL sees it."""
    match value:
        case BaseModel():
            return _message(value)
        case dict():
            items = ((key, seen(item)) for key, item in value.items())
            return {key: item for key, item in items if item is not _ABSENT}
        case list() | tuple():
            return [item for item in map(seen, value) if item is not _ABSENT]
        case _:
            return _scalar(value)


def _scalar(value: Any) -> Any:
    match value:
        case StrEnum():
            return value.value
        case datetime():
            return Timestamp.from_datetime(value)
        case int() if value > INT_MOST:
            return UInt(value)
        case SecretBytes():
            return _ABSENT
        case _:
            return value


def _message(model: BaseModel) -> dict[str, Any]:
    shown: dict[str, Any] = {}
    for field in fields_of(type(model)):
        value = getattr(model, field.name)
        if field.is_alternative and field.name not in model.model_fields_set:
            continue
        item = field.unset if value is None else seen(value)
        if item is not _ABSENT:
            shown[field.key] = item
    return shown


@cache
def fields_of(model: type[BaseModel]) -> tuple[SeenField, ...]:
    """Return how each field of a model is seen."""
    groups = model.one_of if issubclass(model, Model) else ()
    alternatives = {key for group in groups for key in group.keys}
    fields = []
    for name, field in model.model_fields.items():
        key = field.alias or name
        is_alternative = key in alternatives
        unset = _ABSENT if is_alternative else _zero(field.annotation)
        fields.append(SeenField(name, key, unset, is_alternative))
    return tuple(fields)


def _zero(annotation: Any) -> object:
    """Return what a scalar that may be None is when it is unset; a message is absent then."""
    origin = get_origin(annotation)
    if origin in (Union, types.UnionType):
        zeros = {_zero(option) for option in get_args(annotation) if option is not type(None)}
        return zeros.pop() if len(zeros) == 1 else _ABSENT
    if origin is Annotated:
        return _zero(get_args(annotation)[0])
    if isinstance(annotation, type) and issubclass(annotation, StrEnum):
        return ""
    return _ZERO.get(annotation, _ABSENT)
