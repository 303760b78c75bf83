"""One HTTP request as policy sees it (spec/resources.md §19)."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any, Final
from urllib.parse import parse_qsl

from protocols.http.headers import Headers
from protocols.http.path import canonical, decoded
from protocols.http.wire.request import RequestHead

_MOST_TARGETS: Final = 4096
_LONGEST_TARGET: Final = 256


class HttpRequest:
    """The facts of one request, made when somebody asks for them and then kept.

    ``target`` is what policy judged and therefore what the upstream gets. ``;`` between
    parameters is rewritten to ``&`` in both, or the two could count different parameters.
    """

    __slots__ = ("_facts", "head", "headers", "is_tls", "path", "target")

    def __init__(self, head: RequestHead, headers: Headers, *, is_tls: bool) -> None:
        target = head.target
        resolve = _known if len(target) <= _LONGEST_TARGET else _resolve
        self.head = head
        self.headers = headers
        self.is_tls = is_tls
        self.path, self.target = resolve(target)
        self._facts: Mapping[str, Any] | None = None

    @property
    def scheme(self) -> str:
        """The scheme the client used."""
        return "https" if self.is_tls else "http"

    @property
    def size(self) -> int:
        """The body's declared length, -1 where it is unknown."""
        fields = self.head.fields
        return -1 if fields.is_chunked else fields.length or 0

    def facts(self) -> Mapping[str, Any]:
        """Return ``ctx.request``."""
        facts = self._facts
        if facts is None:
            facts = self._facts = {"ip": self.headers.address, "http": self._http()}
        return facts

    def header(self, name: str) -> str:
        """Return a header's first value, or an empty string; the name is in lower case."""
        value: str = self.facts()["http"]["headers"].get(name, "")
        return value

    def _http(self) -> dict[str, Any]:
        head = self.head
        headers, headers_all = head.fields.maps()
        query = self.target.partition(b"?")[2]
        params, params_all = _parameters(query) if query else ({}, {})
        return {
            "method": head.method.decode("ascii"),
            "path": self.path,
            "uri": self.target.decode("ascii"),
            "host": head.host,
            "scheme": self.scheme,
            "protocol": "HTTP/1.0" if head.is_http10 else "HTTP/1.1",
            "size": self.size,
            "headers": headers,
            "headersAll": headers_all,
            "queryParams": params,
            "queryParamsAll": params_all,
        }


def _resolve(target: bytes) -> tuple[str, bytes]:
    path, mark, query = target.partition(b"?")
    if path != b"*":
        path = canonical(path)
    if b";" in query:
        query = query.replace(b";", b"&")
    return decoded(path), path + mark + query


_known: Final = lru_cache(_MOST_TARGETS)(_resolve)


def _parameters(query: bytes) -> tuple[dict[str, str], dict[str, list[str]]]:
    first: dict[str, str] = {}
    every: dict[str, list[str]] = {}
    for name, value in _pairs(query):
        first.setdefault(name, value)
        every.setdefault(name, []).append(value)
    return first, every


def _pairs(query: bytes) -> list[tuple[str, str]]:
    text = query.decode("ascii")
    if "%" in text or "+" in text:
        return parse_qsl(text, keep_blank_values=True)
    # Nothing to decode, which is most queries: a fifth of what the general way costs.
    parts = (part.partition("=") for part in text.split("&") if part)
    return [(name, value) for name, _, value in parts]
