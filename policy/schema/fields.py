"""What ``ctx`` may hold, field by field: derived from the models that `policy.context` shows."""

from __future__ import annotations

import types
from collections.abc import Callable, Mapping
from datetime import datetime
from enum import StrEnum
from functools import cache, partial
from typing import Annotated, Any, Final, Literal, TypeAlias, Union, get_args, get_origin

from pydantic import BaseModel

from config.resources.device import Device
from config.resources.group import Group
from config.resources.meta import Resource
from config.resources.namespace import Namespace
from config.resources.service import Service
from config.resources.session import Session
from config.resources.user import User
from config.secret import SecretBytes
from policy.context import SHOWN, fields_of
from policy.schema.kinds import FREE, TEXT, Field, Free, ListOf, MapOf, Message, Scalar, Type
from policy.schema.requests import request_fields

Path: TypeAlias = tuple[str, ...]
ELEMENT: Final = "[]"
"""The step from a list or a map to whichever of its elements."""

_CALLER: Final[Mapping[str, type[Resource]]] = {"user": User, "session": Session, "device": Device}
_TARGET: Final[Mapping[str, type[Resource]]] = {"service": Service, "namespace": Namespace}
_SCALARS: Final[Mapping[object, Type]] = {
    str: TEXT,
    bool: Scalar("a bool"),
    int: Scalar("a number"),
    float: Scalar("a number"),
    bytes: Scalar("bytes"),
    datetime: Scalar("a timestamp"),
}


def type_at(path: Path) -> Type | None:
    """Return what stands at a path, or None where no schema knows it."""
    found: Type = Message(_roots)
    for key in path:
        field = step(found, key)
        if field is None:
            return None
        found = field.type
    return found


def step(holder: Type, key: str) -> Field | None:
    """Return what a key leads to, or None where it leads nowhere."""
    match holder:
        case Free():
            return Field(FREE, is_optional=key != ELEMENT)
        case ListOf():
            return Field(holder.item) if key == ELEMENT else None
        case MapOf():
            return Field(holder.item, is_optional=key != ELEMENT)
        case Message():
            return holder.fields().get(key)
        case Scalar():
            return None


@cache
def _roots() -> Mapping[str, Field]:
    return {"ctx": Field(Message(_context)), "attrs": Field(FREE)}


@cache
def _context() -> Mapping[str, Field]:
    caller = {key: Field(_resource(kind), is_optional=True) for key, kind in _CALLER.items()}
    target = {key: Field(_resource(kind)) for key, kind in _TARGET.items()}
    groups = Field(ListOf(_resource(Group)), is_optional=True)
    request = Field(Message(request_fields), is_optional=True)
    return {**caller, "groups": groups, **target, "request": request}


def _resource(kind: type[Resource]) -> Message:
    return Message(partial(_resource_fields, kind))


@cache
def _resource_fields(kind: type[Resource]) -> Mapping[str, Field]:
    """Return what `policy.context.view` shows of a resource."""
    declared = _model_fields(kind)
    shown = {key: declared[key] for key in SHOWN if key in declared}
    return {"apiVersion": Field(TEXT), "kind": Field(TEXT), **shown}


@cache
def _model_fields(model: type[BaseModel]) -> Mapping[str, Field]:
    fields: dict[str, Field] = {}
    for seen in fields_of(model):
        annotation = model.model_fields[seen.name].annotation
        if annotation is SecretBytes:
            continue
        may_be_absent = _takes_none(annotation) and not seen.has_default
        fields[seen.key] = Field(_type(annotation), seen.is_alternative or may_be_absent)
    return fields


def _takes_none(annotation: Any) -> bool:
    if get_origin(annotation) is Annotated:
        return _takes_none(get_args(annotation)[0])
    return _is_union(annotation) and type(None) in get_args(annotation)


def _is_union(annotation: Any) -> bool:
    return get_origin(annotation) in (Union, types.UnionType)


def _type(annotation: Any) -> Type:
    if _is_union(annotation):
        options = [option for option in get_args(annotation) if option is not type(None)]
        return _type(options[0]) if len(options) == 1 else FREE
    of_origin = _ORIGINS.get(get_origin(annotation))
    if of_origin is not None:
        return of_origin(get_args(annotation))
    return _plain(annotation)


def _plain(annotation: Any) -> Type:
    if not isinstance(annotation, type):
        return FREE
    if issubclass(annotation, BaseModel):
        return Message(partial(_model_fields, annotation))
    if issubclass(annotation, StrEnum):
        return Scalar("text", tuple(member.value for member in annotation))
    return _SCALARS.get(annotation, FREE)


_ORIGINS: Final[Mapping[Any, Callable[[tuple[Any, ...]], Type]]] = {
    Annotated: lambda given: _type(given[0]),
    tuple: lambda given: ListOf(_type(given[0])),
    dict: lambda given: MapOf(_type(given[1])),
    Literal: lambda given: Scalar("text", given),
}
