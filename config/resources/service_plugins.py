"""Plugins: conditional steps a request passes, in their listed order (spec/resources.md §7.7)."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, ClassVar, Final, TypeAlias

from pydantic import AfterValidator, Field

from config.resources.meta import LongDuration, ShortDuration
from config.resources.model import Many, Model, OneOf, Symbol, fault, fault_at
from config.resources.rules import ConditionTree
from config.resources.scalars import (
    CEL,
    HeaderName,
    HeaderValue,
    HTTPStatus,
    Name,
    Port,
    host_is_valid,
)
from config.resources.service_http import Body, PathOptions

MAX_CACHED: Final = 256 * 1024 * 1024
MAX_WAIT_MILLISECONDS: Final = 6_000


class Phase(StrEnum):
    """Whether a plugin runs before the caller is known or after it was allowed."""

    PRE_AUTH = "PRE_AUTH"
    POST_AUTH = "POST_AUTH"


class PluginHeader(Model):
    """A header of a plugin's own answer."""

    key: HeaderName
    value: HeaderValue = ""


_Headers: TypeAlias = Annotated[Many[PluginHeader], Field(max_length=100)]


class DirectPlugin(Model):
    """Answers the request itself."""

    status_code: HTTPStatus = 200
    headers: _Headers = ()
    body: Body | None = None


class RateLimitKey(Model):
    """Who shares a limit."""

    one_of: ClassVar[tuple[OneOf, ...]] = (OneOf(("perSession", "perUser", "eval")),)

    per_session: bool | None = None
    per_user: bool | None = None
    eval: CEL | None = None


class RateLimitPlugin(Model):
    """Allows so many requests in a sliding window."""

    limit: Annotated[int, Field(ge=1)]
    window: LongDuration
    key: RateLimitKey | None = None
    """Absent means one limit for each Session."""
    status_code: HTTPStatus = 429
    headers: _Headers = ()
    body: Body | None = None


class JSONSchemaPlugin(Model):
    """Refuses bodies that do not fit a JSON Schema."""

    inline: Annotated[str, Field(min_length=1, max_length=30_000)]
    status_code: HTTPStatus = 400
    headers: _Headers = ()
    body: Body | None = None


class CacheKey(Model):
    """What tells cached answers apart."""

    one_of: ClassVar[tuple[OneOf, ...]] = (OneOf(("eval",)),)

    eval: CEL | None = None


class CachePlugin(Model):
    """Answers again what was answered before; zero and None mean the defaults."""

    key: CacheKey | None = None
    ttl: LongDuration | None = None
    max_size: Annotated[int, Field(ge=0, le=MAX_CACHED)] = 0
    use_x_cache_header: bool = False
    allow_unsafe_methods: bool = False


class LuaPlugin(Model):
    """Runs a script."""

    inline: Annotated[str, Field(min_length=1, max_length=20_000)]


class HeaderSending(StrEnum):
    """Whether an external processor sees the headers."""

    SEND = "SEND"
    SKIP = "SKIP"


class BodySending(StrEnum):
    """Whether an external processor sees the body."""

    NONE = "NONE"
    BUFFERED = "BUFFERED"


class ProcessingMode(Model):
    """What an external processor sees."""

    request_header_mode: Symbol[HeaderSending] | None = None
    response_header_mode: Symbol[HeaderSending] | None = None
    request_body_mode: Symbol[BodySending] | None = None
    response_body_mode: Symbol[BodySending] | None = None


class ProcessorContainer(Model):
    """An external processor the Cluster runs itself."""

    image: Annotated[str, Field(min_length=1, max_length=256)]
    port: Port


def _check_address(value: str) -> str:
    host, mark, port = value.rpartition(":")
    is_port = port.isascii() and port.isdecimal() and 1 <= int(port[:6]) <= 65_535
    if not mark or not is_port or not host_is_valid(host.removeprefix("[").removesuffix("]")):
        raise fault("must be host:port")
    return value


def _check_wait(duration: ShortDuration) -> ShortDuration:
    if duration.milliseconds_total > MAX_WAIT_MILLISECONDS:
        raise fault("must be at most 6 seconds")
    return duration


class ExtProcPlugin(Model):
    """Asks an external processor."""

    one_of: ClassVar[tuple[OneOf, ...]] = (OneOf(("address", "container")),)

    address: Annotated[str, Field(max_length=300), AfterValidator(_check_address)] | None = None
    container: ProcessorContainer | None = None
    processing_mode: ProcessingMode | None = None
    message_timeout: Annotated[ShortDuration, AfterValidator(_check_wait)] | None = None


class Plugin(Model):
    """One step, taken when its condition holds."""

    one_of: ClassVar[tuple[OneOf, ...]] = (
        OneOf(("direct", "rateLimit", "path", "jsonSchema", "cache", "lua", "extProc")),
    )

    name: Name
    condition: ConditionTree
    phase: Symbol[Phase] = Phase.POST_AUTH
    """PRE_AUTH conditions know nobody yet."""
    is_disabled: bool = False
    direct: DirectPlugin | None = None
    rate_limit: RateLimitPlugin | None = None
    path: PathOptions | None = None
    json_schema: JSONSchemaPlugin | None = None
    cache: CachePlugin | None = None
    lua: LuaPlugin | None = None
    ext_proc: ExtProcPlugin | None = None


def _refuse_twins(plugins: tuple[Plugin, ...]) -> tuple[Plugin, ...]:
    seen: set[str] = set()
    for index, plugin in enumerate(plugins):
        if plugin.name in seen:
            raise fault_at((index, "name"), "is there twice")
        seen.add(plugin.name)
    return plugins


def _refuse_cache(plugins: tuple[Plugin, ...]) -> tuple[Plugin, ...]:
    for index, plugin in enumerate(plugins):
        if plugin.cache is not None:
            raise fault_at((index, "cache"), "is not for modes MCP and LLM")
    return plugins


Plugins: TypeAlias = Annotated[Many[Plugin], Field(max_length=256), AfterValidator(_refuse_twins)]
UncachedPlugins: TypeAlias = Annotated[Plugins, AfterValidator(_refuse_cache)]
