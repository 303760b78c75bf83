"""The ``http``, ``mcp`` and ``llm`` parts of a configuration (spec/resources.md §7.6, §7.12)."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, ClassVar, Final

from pydantic import AfterValidator, Field

from config.resources.meta import all_different
from config.resources.model import Many, Model, OneOf, Symbol, fault
from config.resources.scalars import CEL, ASCIIText, UInt
from config.resources.service_http import (
    CORS,
    BodyOptions,
    HeaderOptions,
    HTTPAuth,
    HTTPVisibility,
    LoggedNames,
    PathOptions,
    RequestPath,
    ResponseOptions,
    Retry,
)
from config.resources.service_plugins import Plugins, UncachedPlugins

MAX_EVENT: Final = 4 * 1024 * 1024


class HTTPConfig(Model):
    """Modes HTTP, WEB and GRPC."""

    auth: HTTPAuth | None = None
    """The credential sent to the upstream; the caller never sees it."""
    header: HeaderOptions | None = None
    path: PathOptions | None = None
    cors: CORS | None = None
    enable_request_buffering: bool = False
    """Read the whole body first, so that policies see it."""
    body: BodyOptions | None = None
    response: ResponseOptions | None = None
    visibility: HTTPVisibility | None = None
    retry: Retry | None = None
    is_upstream_http2: bool = False
    """Speak HTTP/2 to the upstream."""
    listen_http2: bool = False
    """Speak HTTP/2 without TLS to clients."""
    plugins: Plugins = ()
    """Steps in order."""


class MCPProtocol(Model):
    """Which versions of the protocol are spoken, and how strictly."""

    versions: Annotated[Many[ASCIIText], Field(max_length=16), AfterValidator(all_different)] = ()
    require_version: bool = False
    reject_unknown_methods: bool = False


class MCPLimits(Model):
    """Sizes of MCP messages; 0 means the default."""

    max_request_bytes: Annotated[UInt, Field(le=16 * 1024 * 1024)] = 0
    max_stream_event_bytes: Annotated[UInt, Field(le=MAX_EVENT)] = 0


class MCPVisibility(Model):
    """What the access log shows of MCP messages."""

    disable_request_body: bool = False
    disable_response_body: bool = False
    include_request_headers: LoggedNames = ()
    include_response_headers: LoggedNames = ()
    include_all_request_headers: bool = False
    include_all_response_headers: bool = False
    exclude_request_headers: LoggedNames = ()
    exclude_response_headers: LoggedNames = ()


def _check_endpoint(value: str) -> str:
    segments = value.split("/")[1:]
    if "%" in value or "." in segments or ".." in segments or "" in segments[:-1]:
        raise fault("must be a canonical path, without empty, dot or encoded segments")
    return value


class MCPConfig(Model):
    """Mode MCP."""

    endpoint: Annotated[RequestPath, Field(max_length=256), AfterValidator(_check_endpoint)] = ""
    protocol: MCPProtocol | None = None
    limits: MCPLimits | None = None
    auth: HTTPAuth | None = None
    header: HeaderOptions | None = None
    path: PathOptions | None = None
    cors: CORS | None = None
    plugins: UncachedPlugins = ()
    visibility: MCPVisibility | None = None
    is_upstream_http2: bool = False
    listen_http2: bool = False
    disable_origin_check: bool = False


class LLMProtocol(StrEnum):
    """Whose API is spoken."""

    OPENAI = "OPENAI"
    ANTHROPIC = "ANTHROPIC"


class LLMModel(Model):
    """Which model the upstream is asked for."""

    one_of: ClassVar[tuple[OneOf, ...]] = (OneOf(("value", "eval")),)

    value: ASCIIText | None = None
    eval: CEL | None = None


class LLMLimits(Model):
    """Sizes of LLM requests; 0 means the default or no limit."""

    max_request_bytes: Annotated[UInt, Field(le=64 * 1024 * 1024)] = 0
    max_stream_event_bytes: Annotated[UInt, Field(le=MAX_EVENT)] = 0
    max_estimated_input_tokens: UInt = 0
    max_output_tokens: UInt = 0
    max_tools: UInt = 0


class LLMConfig(Model):
    """Mode LLM."""

    protocol: Symbol[LLMProtocol] = LLMProtocol.OPENAI
    """Whose API is spoken."""
    model: LLMModel | None = None
    limits: LLMLimits | None = None
    auth: HTTPAuth | None = None
    header: HeaderOptions | None = None
    path: PathOptions | None = None
    cors: CORS | None = None
    plugins: UncachedPlugins = ()
    visibility: HTTPVisibility | None = None
    is_upstream_http2: bool = False
    listen_http2: bool = False
