"""The strings, numbers and free JSON that resources hold, each with its limits."""

from __future__ import annotations

import ipaddress
import json
import re
import uuid
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Annotated, Any, Final, TypeAlias
from urllib.parse import urlsplit

from cryptography import x509
from pydantic import AfterValidator, BeforeValidator, Field, WithJsonSchema

from config import names
from config.resources.model import Place, fault, fault_at

MAX_ATTRS_BYTES: Final = 20_000
MAX_ATTRS_DEPTH: Final = 32
_MAX_KEY: Final = 100
_MAX_UNSIGNED: Final = (1 << 64) - 1
_MIN_SIGNED: Final = -(1 << 63)
_RFC3339: Final = re.compile(
    r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(\.\d{1,9})?([Zz]|[+-]\d\d:\d\d)", re.ASCII
)
_HEADER_NAME: Final = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+", re.ASCII)
_HEADER_VALUE: Final = re.compile(r"[\t\x20-\x7e\x80-\xff]*")
_SCHEME: Final = re.compile(r"[a-z][a-z0-9+.-]*", re.ASCII | re.IGNORECASE)
# urlsplit passes over whatever stands between a closing bracket and the port.
_HOST_AND_PORT: Final = re.compile(r"(\[[^\[\]]*\]|[^:\[\]]*)(:[0-9]*)?")
_HOST_LABEL: Final = re.compile(r"[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?", re.ASCII | re.IGNORECASE)


def _refusing(complaint: Callable[[str], str]) -> AfterValidator:
    def check(value: str) -> str:
        if text := complaint(value):
            raise fault(text)
        return value

    return AfterValidator(check)


def _blank(value: str) -> str:
    return "" if value.strip() else "must not be blank"


def _ascii(value: str) -> str:
    return "" if value.isascii() and value.isprintable() else "must be printable ASCII"


def _plain(value: str) -> str:
    return "" if value.isprintable() else "must not hold control characters"


def _header_name(value: str) -> str:
    return "" if _HEADER_NAME.fullmatch(value) else "is not a valid HTTP header name"


def _header_value(value: str) -> str:
    if not _HEADER_VALUE.fullmatch(value):
        return "must hold only Latin characters, without control characters"
    return "" if value == value.strip() else "must not begin or end with a space"


def _uuid(value: str) -> str:
    try:
        return "" if str(uuid.UUID(value)) == value.lower() else "must be a UUID"
    except ValueError:
        return "must be a UUID"


def url_complaint(value: str) -> str:
    """Say why a text is no URL with a scheme and a host, or return an empty string."""
    if not value.isascii() or not value.isprintable() or " " in value:
        return "must be a URL of printable ASCII without spaces"
    scheme, mark, _ = value.partition("://")
    if not mark or not _SCHEME.fullmatch(scheme):
        return "must be a URL with a scheme, like https://host"
    try:
        parts = urlsplit(value)
        port = parts.port
    except ValueError:
        return "has a host or port that cannot be read"
    if not _HOST_AND_PORT.fullmatch(parts.netloc.rpartition("@")[2]):
        return "has a host or port that cannot be read"
    if not host_is_valid(parts.hostname or ""):
        return "has no valid host"
    return "has port 0" if port == 0 else ""


def host_is_valid(host: str) -> bool:
    """Tell whether a text is an IP address or a DNS name."""
    if is_ip(host):
        return True
    labels = host.removesuffix(".").split(".")
    return len(host) <= 253 and all(_HOST_LABEL.fullmatch(label) for label in labels)


def is_ip(host: str) -> bool:
    """Tell whether a text is an IPv4 or IPv6 address."""
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def _web_url(value: str) -> str:
    is_web = urlsplit(value).scheme in {"http", "https"}
    return "" if is_web else "must be an http or https URL"


def _https_url(value: str) -> str:
    return "" if urlsplit(value).scheme == "https" else "must be an https URL"


def _pem(value: str) -> str:
    try:
        x509.load_pem_x509_certificates(value.encode())
    except ValueError:
        return "must hold PEM certificates"
    return ""


def _read_time(raw: Any) -> Any:
    if isinstance(raw, datetime):
        if raw.utcoffset() is None:
            raise fault("needs a time zone", "like 2027-01-01T00:00:00Z")
        return raw
    if not isinstance(raw, str):
        raise fault("must be a time", "like 2027-01-01T00:00:00Z")
    try:
        if not _RFC3339.fullmatch(raw):
            raise fault("must be an RFC 3339 time", "like 2027-01-01T00:00:00Z")
        return datetime.fromisoformat(raw.upper())
    except ValueError:
        raise fault("must be an RFC 3339 time", "like 2027-01-01T00:00:00Z") from None


def _attrs(raw: Any) -> Any:
    """Check a free JSON object; its depth comes first, because json would recurse into it."""
    if not isinstance(raw, dict):
        raise fault("must be a mapping")
    for place, depth, value in _walk(raw):
        if depth > MAX_ATTRS_DEPTH:
            raise fault(f"must not be nested deeper than {MAX_ATTRS_DEPTH}")
        if text := _json_complaint(value):
            raise fault_at(place, text)
    if len(json.dumps(raw, ensure_ascii=False).encode(errors="replace")) > MAX_ATTRS_BYTES:
        raise fault(f"must have at most {MAX_ATTRS_BYTES} bytes as JSON")
    return raw


def _walk(raw: Any) -> Iterator[tuple[Place, int, Any]]:
    waiting: list[tuple[Place, int, Any, bool]] = [((), 0, raw, True)]
    while waiting:
        place, depth, value, is_map_of_names = waiting.pop()
        yield place, depth, value
        if isinstance(value, dict):
            for key, item in value.items():
                if text := _key_complaint(key, is_map_of_names=is_map_of_names):
                    raise fault_at((*place, str(key)), text)
                waiting.append(((*place, key), depth + 1, item, is_map_of_names))
        elif isinstance(value, list):
            items = enumerate(value)
            waiting.extend(((*place, index), depth + 1, item, False) for index, item in items)


def _key_complaint(key: Any, *, is_map_of_names: bool) -> str:
    if not isinstance(key, str):
        return "a key must be text"
    if len(key) > _MAX_KEY:
        return f"a key must have at most {_MAX_KEY} characters"
    if is_map_of_names and not (key.isalnum() and key[0].isalpha() and not key[0].isupper()):
        return "a key must be camelCase"
    return ""


def _json_complaint(value: Any) -> str:
    match value:
        case None | bool() | str() | list() | dict():
            return ""
        case int():
            is_small = _MIN_SIGNED <= value <= _MAX_UNSIGNED
            return "" if is_small else "must fit 64 bits"
        case float():
            is_finite = value - value == 0
            return "" if is_finite else "must be a finite number"
        case _:
            return "must be JSON: text, number, true, false, list or mapping"


def _at_most(longest: int) -> Any:
    return Field(max_length=longest)


Name: TypeAlias = Annotated[
    str,
    _refusing(names.label_complaint),
    Field(json_schema_extra={"pattern": "^[a-z][a-z0-9-]{0,38}[a-z0-9]$"}),
]
PolicyName: TypeAlias = Annotated[
    str, _refusing(lambda value: names.dotted_complaint(value, names.MAX_POLICY_LABELS))
]
ServiceName: TypeAlias = Annotated[
    str,
    _refusing(lambda value: names.dotted_complaint(value, 2)),
    AfterValidator(names.full_service_name),
]
LabelValue: TypeAlias = Annotated[
    str, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,31}$", description="lower case letters, digits, -")
]
UID: TypeAlias = Annotated[str, _refusing(_uuid)]
Port: TypeAlias = Annotated[int, Field(ge=1, le=65535)]
UInt: TypeAlias = Annotated[int, Field(ge=0)]
Text: TypeAlias = Annotated[str, _at_most(256)]
ASCII: TypeAlias = Annotated[str, Field(min_length=1, max_length=150), _refusing(_ascii)]
ASCIIText: TypeAlias = Annotated[str, Field(min_length=1, max_length=256), _refusing(_ascii)]
PlainText: TypeAlias = Annotated[str, _at_most(256), _refusing(_plain)]
URL: TypeAlias = Annotated[str, _at_most(2048), _refusing(url_complaint)]
WebURL: TypeAlias = Annotated[URL, _refusing(_web_url)]
HTTPSURL: TypeAlias = Annotated[URL, _refusing(_https_url)]
HeaderName: TypeAlias = Annotated[str, _at_most(256), _refusing(_header_name)]
HeaderValue: TypeAlias = Annotated[str, _at_most(8192), _refusing(_header_value)]
PEM: TypeAlias = Annotated[str, _at_most(100_000), _refusing(_pem)]
CEL: TypeAlias = Annotated[str, _at_most(10_000), _refusing(_blank)]
HTTPStatus: TypeAlias = Annotated[int, Field(ge=200, le=599)]
Timestamp: TypeAlias = Annotated[
    datetime, BeforeValidator(_read_time), WithJsonSchema({"type": "string", "format": "date-time"})
]
Attrs: TypeAlias = Annotated[
    dict[str, Any], BeforeValidator(_attrs), WithJsonSchema({"type": "object"})
]
