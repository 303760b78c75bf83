"""What ``ctx.request`` holds in each mode (spec/resources.md §19)."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Final

from config.resources.mode import Mode
from policy.schema.kinds import FREE, TEXT, Field, ListOf, MapOf, Message, Scalar, Type

_BOOL: Final = Scalar("a bool")
_NUMBER: Final = Scalar("a number")
_TEXTS: Final = ListOf(TEXT)

KEY_OF: Final[Mapping[Mode, str]] = {
    Mode.HTTP: "http",
    Mode.WEB: "http",
    Mode.RDP_WEB: "http",
    Mode.GRPC: "grpc",
    Mode.KUBERNETES: "kubernetes",
    Mode.MCP: "mcp",
    Mode.LLM: "llm",
    Mode.SSH: "ssh",
    Mode.POSTGRES: "postgres",
    Mode.MYSQL: "mysql",
    Mode.DNS: "dns",
    Mode.SOCKS5: "socks5",
}
"""The key of each mode; modes that are not here have none."""


@cache
def request_fields() -> Mapping[str, Field]:
    """Return the fields of ``ctx.request``: its modes, each absent in the others."""
    modes = {key: Field(_PER_MODE[key], is_optional=True) for key in dict.fromkeys(KEY_OF.values())}
    return {"ip": Field(TEXT), **modes}


def _of(**fields: Type) -> Message:
    table = {key: Field(kind) for key, kind in fields.items()}
    return Message(lambda: table)


def _one_of(**fields: Type) -> Message:
    """Return a message of which each request has one field."""
    table = {key: Field(kind, is_optional=True) for key, kind in fields.items()}
    return Message(lambda: table)


def _http() -> Message:
    always = dict.fromkeys(("method", "path", "uri", "host", "scheme", "protocol"), Field(TEXT))
    table = {
        **always,
        "size": Field(_NUMBER),
        "headers": Field(MapOf(TEXT)),
        "headersAll": Field(MapOf(_TEXTS)),
        "queryParams": Field(MapOf(TEXT)),
        "queryParamsAll": Field(MapOf(_TEXTS)),
        "body": Field(Scalar("bytes"), is_optional=True),
        "bodyMap": Field(FREE, is_optional=True),
    }
    return Message(lambda: table)


_HTTP: Final = _http()
_RESOURCE: Final = ("verb", "apiPrefix", "apiGroup", "apiVersion", "namespace", "resource")
_PER_MODE: Final[Mapping[str, Message]] = {
    "http": _HTTP,
    "grpc": _of(http=_HTTP, package=TEXT, service=TEXT, serviceFullName=TEXT, method=TEXT),
    "kubernetes": _of(http=_HTTP, **dict.fromkeys((*_RESOURCE, "subresource", "name"), TEXT)),
    "mcp": _of(
        http=_HTTP,
        protocolVersion=TEXT,
        method=TEXT,
        name=TEXT,
        requestID=FREE,
        isNotification=_BOOL,
        client=_of(name=TEXT, version=TEXT, title=TEXT),
        capabilities=_TEXTS,
        sessionID=TEXT,
    ),
    "llm": _of(
        http=_HTTP,
        protocol=TEXT,
        operation=TEXT,
        model=TEXT,
        stream=_BOOL,
        estimatedInputTokens=_NUMBER,
        estimateQuality=TEXT,
        maxOutputTokens=_NUMBER,
        hasTools=_BOOL,
        toolCount=_NUMBER,
        toolNames=_TEXTS,
        inputItemCount=_NUMBER,
        hasImageInput=_BOOL,
        hasAudioInput=_BOOL,
    ),
    "ssh": _one_of(
        connect=_of(user=TEXT),
        exec=FREE,
        shell=FREE,
        subsystem=FREE,
        sftp=FREE,
        forward=FREE,
    ),
    "postgres": _one_of(
        connect=_of(user=TEXT, database=TEXT, applicationName=TEXT),
        query=_of(query=TEXT),
        parse=_of(name=TEXT, query=TEXT),
    ),
    "mysql": _one_of(
        connect=_of(user=TEXT, database=TEXT),
        statement=FREE,
        query=_of(query=TEXT),
        prepare=_of(query=TEXT),
        initDB=_of(database=TEXT),
        changeUser=FREE,
    ),
    "dns": _of(name=TEXT, typeID=_NUMBER),
    "socks5": _one_of(connect=_of(host=TEXT, port=_NUMBER, addressType=TEXT)),
}
