"""What a request shows of who is calling, and how that is kept from the upstream."""

from __future__ import annotations

import binascii
from base64 import urlsafe_b64decode
from collections.abc import Iterable
from typing import Final

from protocols.api import BearerToken, CookieToken, Evidence, Peer, TunnelAddress
from protocols.http.wire.head import Fields

AUTH_HEADER: Final = b"x-octelium-auth"
AUTH_COOKIE: Final = b"octelium_auth"
OWN_COOKIES: Final = frozenset((AUTH_COOKIE, b"octelium_rt"))
_OWN_TOKEN_TYPE: Final = b'"oct+'
_LONGEST_TOKEN_HEADER: Final = 512
_TUNNEL: Final = TunnelAddress()


def evidence_of(fields: Fields, peer: Peer) -> list[Evidence]:
    """Return all evidence in the order in which it counts (spec/data-plane.md §1.2)."""
    found: list[Evidence] = [_TUNNEL] if peer.is_tunnel else []
    taken = fields.taken
    if AUTH_HEADER in taken:
        found += [BearerToken(value) for value in taken[AUTH_HEADER] if value]
    if b"cookie" in taken:
        found += [CookieToken(token) for token in _cookie_tokens(taken[b"cookie"])]
    if b"authorization" in taken:
        found += [
            BearerToken(token) for value in taken[b"authorization"] if (token := bearer(value))
        ]
    return found


def bearer(authorization: bytes) -> bytes:
    """Return the token of an ``Authorization: Bearer`` value, or nothing."""
    scheme, _, token = authorization.partition(b" ")
    return token.strip(b" \t") if scheme.lower() == b"bearer" else b""


def is_own_token(token: bytes) -> bool:
    """Whether this is a token of ours in form, whoever signed it and however old it is.

    Deciding by form is stricter than by signature, so that a stale token is kept back too.
    """
    encoded = token.partition(b".")[0]
    if len(encoded) > _LONGEST_TOKEN_HEADER:
        return False
    try:
        header = urlsafe_b64decode(encoded + b"=" * (-len(encoded) % 4))
    except binascii.Error:
        return False
    return _OWN_TOKEN_TYPE in header.replace(b" ", b"")


def without_own_cookies(values: Iterable[bytes]) -> list[bytes]:
    """Return Cookie values without our cookies; all others keep their bytes."""
    return [kept for value in values if (kept := _without_own(value))]


def _without_own(value: bytes) -> bytes:
    if b"octelium_" not in value:
        return value
    kept = [pair for pair in value.split(b";") if _name(pair) not in OWN_COOKIES]
    return b";".join(kept).strip(b" \t")


def _cookie_tokens(values: Iterable[bytes]) -> list[bytes]:
    return [
        token
        for value in values
        if AUTH_COOKIE in value
        for pair in value.split(b";")
        if _name(pair) == AUTH_COOKIE and (token := pair.partition(b"=")[2].strip(b' \t"'))
    ]


def _name(pair: bytes) -> bytes:
    return pair.partition(b"=")[0].strip(b" \t")
