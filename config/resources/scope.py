"""Scopes narrow what a Session may reach, before any policy is asked (spec/resources.md §13.1)."""

from __future__ import annotations

import re
from typing import Annotated, Any, ClassVar, Final, TypeAlias

from pydantic import BeforeValidator

from config import names
from config.resources.model import Many, Model, OneOf, fault
from config.resources.scalars import Name, ServiceName, Text

_API: Final = re.compile(
    r"(?P<package>[a-z][a-z0-9_.]*?)(\.(?P<service>[A-Z]\w*)(/(?P<method>[A-Z]\w*))?)?", re.ASCII
)


class Everything(Model):
    """Marks a scope without a filter."""


class ServiceFilter(Model):
    """Services by full name (``web.default``) or by their Namespace's name."""

    names: Many[ServiceName] = ()
    namespaces: Many[Name] = ()


class ServiceScope(Model):
    """Which Services the Session may reach."""

    one_of: ClassVar[tuple[OneOf, ...]] = (OneOf(("all", "filter")),)

    all: Everything | None = None
    filter: ServiceFilter | None = None


class APIFilter(Model):
    """Methods by package, by ``package.Service`` or by ``package.Service/Method``."""

    packages: Many[Text] = ()
    services: Many[Text] = ()
    methods: Many[Text] = ()


class APIScope(Model):
    """Which methods of the Cluster's APIs the Session may call."""

    one_of: ClassVar[tuple[OneOf, ...]] = (OneOf(("all", "filter")),)

    all: Everything | None = None
    filter: APIFilter | None = None


class Scope(Model):
    """One thing the Session may reach; several add up."""

    one_of: ClassVar[tuple[OneOf, ...]] = (OneOf(("service", "api")),)

    service: ServiceScope | None = None
    api: APIScope | None = None


def parse_scope(text: str) -> dict[str, Any]:
    """Return the structured form of ``service:web.prod``, ``api:core.MainService`` and the like."""
    if len(text) > 256:
        raise fault("must have at most 256 characters")
    about, mark, what = text.partition(":")
    if not mark or about not in {"service", "api"}:
        raise fault("must be service:… or api:…", "like service:web.prod or service:prod/*")
    if what == "*":
        return {about: {"all": {}}}
    return {about: {"filter": _service_filter(what) if about == "service" else _api_filter(what)}}


def _service_filter(what: str) -> dict[str, list[str]]:
    namespace, mark, _ = what.partition("/*")
    is_whole_namespace = mark and what == f"{namespace}/*"
    complaint = (
        names.label_complaint(namespace) if is_whole_namespace else names.dotted_complaint(what, 2)
    )
    if complaint:
        raise fault(f"the name in it {complaint}")
    if is_whole_namespace:
        return {"namespaces": [namespace]}
    return {"names": [names.full_service_name(what)]}


def _api_filter(what: str) -> dict[str, list[str]]:
    parts = _API.fullmatch(what)
    if parts is None:
        raise fault(
            "must be api:<package>, api:<package>.<Service> or api:<package>.<Service>/<Method>"
        )
    if parts["method"]:
        return {"methods": [what]}
    return {"services": [what]} if parts["service"] else {"packages": [what]}


def _read(raw: Any) -> Any:
    return parse_scope(raw) if isinstance(raw, str) else raw


ScopeItem: TypeAlias = Annotated[Scope, BeforeValidator(_read, json_schema_input_type=Scope | str)]
