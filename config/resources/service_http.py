"""How a Service of the HTTP family treats requests (spec/resources.md §7.6)."""

from __future__ import annotations

import base64
import binascii
import re
from enum import StrEnum
from typing import Annotated, ClassVar, Final, TypeAlias

from pydantic import AfterValidator, Field, field_validator

from config.resources.meta import FromSecret, ShortDuration
from config.resources.model import Many, Model, OneOf, Symbol, fault
from config.resources.scalars import (
    ASCII,
    CEL,
    ASCIIText,
    HeaderName,
    HeaderValue,
    HTTPStatus,
    UInt,
    WebURL,
)

MAX_BODY: Final = 64 * 1024 * 1024
_ORIGIN: Final = re.compile(r"[a-z][a-z0-9+.-]*://[^/?#@\s]+", re.IGNORECASE)
_PATH: Final = re.compile(r"/[\x21-\x7e]*")


class BasicAuth(Model):
    """A user name and password in ``Authorization: Basic``."""

    username: ASCII
    password: FromSecret


class CustomAuth(Model):
    """A secret in a header of any name."""

    header: HeaderName
    value: FromSecret


class OAuth2ClientCredentials(Model):
    """A token fetched with client credentials and kept until it expires."""

    client_id: ASCIIText
    client_secret: FromSecret
    token_url: WebURL
    scopes: Annotated[Many[ASCIIText], Field(max_length=64)] = ()


class SigV4(Model):
    """A signature of the request as AWS asks for."""

    access_key_id: ASCII
    secret_access_key: FromSecret
    region: ASCII
    service: ASCII


class HTTPAuth(Model):
    """The credential sent to the upstream."""

    one_of: ClassVar[tuple[OneOf, ...]] = (
        OneOf(("bearer", "basic", "custom", "oauth2ClientCredentials", "sigv4")),
    )

    bearer: FromSecret | None = None
    """`Authorization: Bearer <secret>`."""
    basic: BasicAuth | None = None
    custom: CustomAuth | None = None
    oauth2_client_credentials: OAuth2ClientCredentials | None = None
    sigv4: SigV4 | None = None


class HeaderEntry(Model):
    """A header to set, or with ``append`` to add."""

    one_of: ClassVar[tuple[OneOf, ...]] = (OneOf(("value", "eval")),)

    key: HeaderName
    value: HeaderValue | None = None
    eval: CEL | None = None
    """A CEL expression that yields text."""
    append: bool = False
    """Add to what is there instead of replacing it."""


class AuthorizationMode(StrEnum):
    """What becomes of the client's own ``Authorization`` header."""

    PASS = "PASS"  # noqa: S105 - lets a header pass
    DELETE = "DELETE"


class ForwardedMode(StrEnum):
    """What the upstream is told about where a request came from."""

    DROP = "DROP"
    OBFUSCATE = "OBFUSCATE"
    TRANSPARENT = "TRANSPARENT"


class HostHeader(Model):
    """The Host sent upstream."""

    one_of: ClassVar[tuple[OneOf, ...]] = (OneOf(("preserve", "value", "eval")),)

    preserve: bool | None = None
    """Send the public name of the Service."""
    value: Annotated[HeaderValue, Field(min_length=1, max_length=256)] | None = None
    eval: CEL | None = None


_Entries: TypeAlias = Annotated[Many[HeaderEntry], Field(max_length=256)]
_Names: TypeAlias = Annotated[Many[HeaderName], Field(max_length=256)]


class HeaderOptions(Model):
    """What changes in the headers of requests and responses."""

    add_request_headers: _Entries = ()
    add_response_headers: _Entries = ()
    remove_request_headers: _Names = ()
    remove_response_headers: _Names = ()
    authorization_mode: Symbol[AuthorizationMode] | None = None
    """The client's own Authorization header; absent means DELETE."""
    forwarded_mode: Symbol[ForwardedMode] | None = None
    """Forwarded, X-Forwarded-* and X-Real-IP; absent means DROP."""
    host: HostHeader | None = None
    """Absent means the upstream's own name."""


def _check_path(value: str) -> str:
    if not _PATH.fullmatch(value) or "?" in value or "#" in value:
        raise fault("must be a path that starts with /")
    return value


RequestPath: TypeAlias = Annotated[str, Field(max_length=512), AfterValidator(_check_path)]


class PathOptions(Model):
    """How the path changes on its way upstream: first remove, then add."""

    remove_prefix: RequestPath = ""
    add_prefix: RequestPath = ""


def _check_origin(value: str) -> str:
    if value != "*" and not _ORIGIN.fullmatch(value):
        raise fault("must be an origin like https://app.example.com, or *")
    return value


class CORS(Model):
    """Which other sites may call the Service from a browser."""

    allow_origin_string_match: Annotated[
        Many[Annotated[str, Field(max_length=256), AfterValidator(_check_origin)]],
        Field(max_length=64),
    ] = ()
    """Origins like `https://app.example.com`, or `*`."""
    allow_methods: HeaderValue = ""
    allow_headers: HeaderValue = ""
    expose_headers: HeaderValue = ""
    max_age: Annotated[str, Field(pattern=r"^[0-9]{1,9}$")] = ""
    """Seconds, as text."""
    allow_credentials: bool = False
    allow_cluster_services: bool = False


class BodyMode(StrEnum):
    """What a buffered body is parsed as."""

    JSON = "JSON"


class JSONSchema(Model):
    """A JSON Schema as text."""

    inline: Annotated[str, Field(min_length=1, max_length=30_000)]


class BodyValidation(Model):
    """What a body must look like."""

    one_of: ClassVar[tuple[OneOf, ...]] = (OneOf(("jsonSchema",)),)

    json_schema: JSONSchema | None = Field(default=None)


class BodyOptions(Model):
    """What happens to buffered bodies; a size of 0 means the default."""

    mode: Symbol[BodyMode] | None = None
    """JSON parses the body for policies; what does not parse is answered 400."""
    max_request_size: Annotated[UInt, Field(le=MAX_BODY)] = 0
    """In bytes; 0 means 32 MiB."""
    validation: BodyValidation | None = None


class Body(Model):
    """A body written in the configuration."""

    one_of: ClassVar[tuple[OneOf, ...]] = (OneOf(("inline", "inlineBytes")),)

    inline: Annotated[str, Field(max_length=50_000)] | None = None
    inline_bytes: Annotated[str, Field(max_length=50_000)] | None = None

    @field_validator("inline_bytes")
    @classmethod
    def _check_bytes(cls, value: str) -> str:
        try:
            size = len(base64.b64decode(value, validate=True))
        except (binascii.Error, ValueError):
            size = -1
        if size < 0:
            raise fault("must be base64")
        if size > 35_000:
            raise fault("must have at most 35000 bytes")
        return value

    @property
    def content(self) -> bytes:
        """Return the body as sent."""
        if self.inline_bytes is not None:
            return base64.b64decode(self.inline_bytes)
        return (self.inline or "").encode()


class DirectResponse(Body):
    """An answer without an upstream."""

    status_code: HTTPStatus = 200
    content_type: Annotated[HeaderValue, Field(max_length=128)] = ""


class ResponseOptions(Model):
    """Where responses come from, if not from the upstream."""

    one_of: ClassVar[tuple[OneOf, ...]] = (OneOf(("direct",)),)

    direct: DirectResponse | None = None


LoggedNames: TypeAlias = Annotated[Many[HeaderName], Field(max_length=128)]


class HTTPVisibility(Model):
    """What the access log shows of requests and responses."""

    enable_request_body: bool = False
    enable_request_body_map: bool = False
    enable_response_body: bool = False
    enable_response_body_map: bool = False
    include_request_headers: LoggedNames = ()
    include_response_headers: LoggedNames = ()
    include_all_request_headers: bool = False
    include_all_response_headers: bool = False
    exclude_request_headers: LoggedNames = ()
    exclude_response_headers: LoggedNames = ()


class Retry(Model):
    """How a failed request is tried again; zero and None mean the defaults."""

    max_retries: Annotated[UInt, Field(le=100)] = 0
    """0 means 12."""
    initial_interval: ShortDuration | None = None
    max_interval: ShortDuration | None = None
    max_elapsed_time: ShortDuration | None = None
    """Absent means 10 seconds."""
    multiplier: Annotated[float, Field(ge=0, le=100)] = 0.0
    status_codes: Annotated[Many[HTTPStatus], Field(max_length=64)] = ()
    retry_on_server_errors: bool = False
