"""What is made of one set of request fields, kept while a client repeats them byte by byte."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, final

from protocols.api import Gate, Peer
from protocols.http.evidence import bearer, evidence_of, is_own_token, without_own_cookies
from protocols.http.options import HttpOptions
from protocols.http.peer import client_address
from protocols.http.wire.head import Fields

_USER_AGENT: Final = b"User-Agent: octelium"


@final
class Headers:
    """Who the client says it is and where it is, and what the upstream gets of its fields.

    It belongs to one Generation, because ``fields`` do: they were sorted by its table of names.
    """

    __slots__ = ("_told", "_visibility", "address", "evidence", "fields", "passing")

    def __init__(self, fields: Fields, peer: Peer, gate: Gate) -> None:
        options: HttpOptions = gate.options
        self.fields: Final = fields
        self.address: Final = _address(fields, peer, gate.trusted_hops)
        self.evidence: Final = evidence_of(fields, peer)
        self.passing: Final = _passing(fields, options)
        self._visibility = options.visibility
        self._told: Mapping[str, Any] | None = None

    def told(self) -> Mapping[str, Any]:
        """Return what the access log says of them."""
        if self._told is None:
            self._told = self._visibility.of_request(self.fields)
        return self._told


def _address(fields: Fields, peer: Peer, trusted_hops: int | None) -> str:
    if trusted_hops is None:
        return peer.address
    forwarded_for = fields.maps()[1].get("x-forwarded-for", ())
    return client_address(peer, forwarded_for, trusted_hops)


def _passing(fields: Fields, options: HttpOptions) -> bytes:
    """Return the lines that go upstream as they are, up to the empty line that ends the head."""
    taken = fields.taken
    lines = list(fields.kept)
    if b"cookie" in taken:
        lines += [b"Cookie: " + value for value in without_own_cookies(taken[b"cookie"])]
    if options.passes_authorization and b"authorization" in taken:
        lines += [
            b"Authorization: " + value
            for value in taken[b"authorization"]
            if not is_own_token(bearer(value))
        ]
    if b"user-agent" not in taken:
        lines.append(_USER_AGENT)
    lines += options.request_lines
    if fields.is_chunked:
        lines.append(b"Transfer-Encoding: chunked")
    elif fields.length is not None:
        lines.append(b"Content-Length: %d" % fields.length)
    lines += (b"", b"")
    return b"\r\n".join(lines)
