"""What the access log may show of header fields (spec/resources.md §7.6, §20)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from config.resources.service_http import HTTPVisibility
from protocols.http.wire.head import Fields
from protocols.permit import HeaderLogin, Login

LONGEST: Final = 1024
"""Characters of a text that a client chose."""

_NEVER: Final = frozenset(
    {
        "authorization",
        "cookie",
        "cookie2",
        "proxy-authorization",
        "grpc-metadata-authorization",
        "referer",
        "sec-websocket-protocol",
        "x-api-key",
        "x-auth-token",
        "set-cookie",
        "set-cookie2",
        "location",
        "refresh",
        "authentication-info",
        "proxy-authentication-info",
    }
)


@dataclass(frozen=True, slots=True)
class Shown:
    """One direction's rule. A name on no list is shown only where ``is_all``."""

    names: frozenset[str] = frozenset()
    hidden: frozenset[str] = frozenset()
    is_all: bool = False

    def pick(self, headers: Mapping[str, list[str]]) -> dict[str, str]:
        """Return what may be logged; repeated fields are joined by commas."""
        return {
            name: ",".join(values)
            for name, values in headers.items()
            if (self.is_all or name in self.names) and not self._is_hidden(name)
        }

    @property
    def is_empty(self) -> bool:
        """Whether nothing is shown at all."""
        return not (self.is_all or self.names)

    def _is_hidden(self, name: str) -> bool:
        plain = name.replace("_", "-")
        return plain in _NEVER or plain in self.hidden or plain.startswith("x-octelium-")


@dataclass(frozen=True, slots=True)
class Visibility:
    """Both directions."""

    request: Shown = Shown()
    response: Shown = Shown()

    @classmethod
    def of(cls, declared: HTTPVisibility | None, login: Login) -> Visibility:
        """Settle what is declared; the header that carries the upstream login is never shown."""
        if declared is None:
            return cls()
        secret = (login.name,) if isinstance(login, HeaderLogin) else ()
        return cls(
            Shown(
                _lower(declared.include_request_headers),
                _lower((*declared.exclude_request_headers, *secret)),
                declared.include_all_request_headers,
            ),
            Shown(
                _lower(declared.include_response_headers),
                _lower((*declared.exclude_response_headers, *secret)),
                declared.include_all_response_headers,
            ),
        )

    def of_request(self, fields: Fields) -> dict[str, Any]:
        """Return what the log says of a request's fields."""
        first, every = fields.maps()
        told: dict[str, Any] = {}
        for key, name in (("userAgent", "user-agent"), ("origin", "origin")):
            if value := first.get(name):
                told[key] = value[:LONGEST]
        if referer := first.get("referer"):
            told["referer"] = _bare(referer)[:LONGEST]
        if not self.request.is_empty:
            told["headers"] = self.request.pick(every)
        return told


def _lower(names: Iterable[str]) -> frozenset[str]:
    return frozenset(name.lower() for name in names)


def _bare(url: str) -> str:
    """Return a URL without user name, query and fragment, whatever it looks like."""
    url = url.partition("#")[0].partition("?")[0]
    scheme, mark, rest = url.partition("://")
    if not mark:
        return url
    authority, slash, path = rest.partition("/")
    return f"{scheme}://{authority.rpartition('@')[2]}{slash}{path}"
