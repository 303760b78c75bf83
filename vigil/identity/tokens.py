"""Access tokens: minted, and verified in one fixed order; what they name is looked up elsewhere.

A token is a signed handle of a Session (spec/control-plane.md §1.3). PyJWT signs and checks
signatures; every strictness rule around it is here.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from jwt import InvalidTokenError, PyJWS

from vigil.identity.keys import SigningKey

ACCESS_TOKEN: Final = "oct+at"  # noqa: S105 - a type's name, not a secret
MAX_TOKEN: Final = 1024
MAX_REMEMBERED: Final = 8192
_ALGORITHM: Final = "EdDSA"
_CHARACTERS: Final = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_."
_HEADER_KEYS: Final = frozenset({"typ", "kid", "alg"})
_CLAIM_TYPES: Final[Mapping[str, type]] = {
    "iss": str, "aud": str, "sub": str, "jti": str, "iat": int, "exp": int,
}  # fmt: skip
_JWS: Final = PyJWS(algorithms=[_ALGORITHM])


@dataclass(frozen=True, slots=True)
class Handle:
    """What a token that this Cluster signed says: a Session, and which of its tokens it is."""

    issuer: str
    audience: str
    session_uid: str
    token_id: str
    expires_at: int


@dataclass(frozen=True, slots=True)
class Refused:
    """Why a token does not count. For the log; the client hears the same whatever it is.

    ``is_expired`` marks a token that was ours and good, until its time was over.
    """

    why: str
    is_expired: bool = False


Verified: TypeAlias = Handle | Refused


def issuer_of(domain: str) -> str:
    """Return the ``iss`` and ``aud`` of a Cluster's tokens."""
    return f"https://{domain}"


def mint(key: SigningKey, issuer: str, session_uid: str, token_id: str, life: range) -> str:
    """Sign a token of a Session, good from ``life.start`` until ``life.stop`` (epoch seconds)."""
    claims = {
        "iss": issuer,
        "aud": issuer,
        "sub": session_uid,
        "jti": token_id,
        "iat": life.start,
        "exp": life.stop,
    }
    payload = json.dumps(claims, separators=(",", ":")).encode()
    header = {"typ": ACCESS_TOKEN, "kid": key.kid}
    return _JWS.encode(payload, key.private, algorithm=_ALGORITHM, headers=header)


class TokenVerifier:
    """Verifies access tokens against known keys and remembers good signatures by their bytes.

    A signature costs eighty microseconds and never changes its mind, so it is checked once per
    token; issuer and expiry are compared every time.
    """

    def __init__(self, keys: Mapping[str, Ed25519PublicKey]) -> None:
        self._keys = dict(keys)
        self._remembered: dict[bytes, Handle] = {}

    def verify(self, token: bytes, issuer: str, now: float) -> Verified:
        """Return the token's Handle, or the first thing that is wrong with it."""
        handle = self._remembered.get(token)
        if handle is None:
            checked = self._check_signature(token)
            if isinstance(checked, Refused):
                return checked
            handle = checked
            self._remember(token, handle)
        if handle.issuer != issuer or handle.audience != issuer:
            return Refused("issued by or for another Cluster")
        if handle.expires_at <= now:
            return Refused("the access token is expired", is_expired=True)
        return handle

    def is_ours(self, token: bytes) -> bool:
        """Say whether this Cluster signed the token, however old it is."""
        return token in self._remembered or isinstance(self._check_signature(token), Handle)

    def _check_signature(self, token: bytes) -> Verified:
        parts = _split(token)
        if isinstance(parts, Refused):
            return parts
        kid = _key_id(parts[0])
        if isinstance(kid, Refused):
            return kid
        key = self._keys.get(kid)
        if key is None:
            return Refused("signed by an unknown key")
        try:
            payload = _JWS.decode(token, key, algorithms=[_ALGORITHM])
        except InvalidTokenError:
            return Refused("the signature is wrong")
        return _handle(payload)

    def _remember(self, token: bytes, handle: Handle) -> None:
        if len(self._remembered) >= MAX_REMEMBERED:
            del self._remembered[next(iter(self._remembered))]
        self._remembered[token] = handle


def _split(token: bytes) -> list[bytes] | Refused:
    if not 0 < len(token) <= MAX_TOKEN:
        return Refused("empty or too long")
    if token.translate(None, _CHARACTERS):
        return Refused("holds a character no token has")
    parts = token.split(b".")
    if len(parts) != 3:
        return Refused("not three parts")
    if any(_decoded(part) is None for part in parts):
        return Refused("not canonical base64url")
    return parts


def _decoded(part: bytes) -> bytes | None:
    """Decode unpadded base64url in its one canonical spelling: unused bits must be zero."""
    try:
        value = base64.urlsafe_b64decode(part + b"=" * (-len(part) % 4))
    except binascii.Error:
        return None
    return value if base64.urlsafe_b64encode(value).rstrip(b"=") == part else None


def _key_id(part: bytes) -> str | Refused:
    header = _json_object(_decoded(part) or b"")
    if header is None or header.keys() != _HEADER_KEYS:
        return Refused("the header has not exactly typ, kid and alg")
    if header["alg"] != _ALGORITHM:
        return Refused("the algorithm is not EdDSA")
    if header["typ"] != ACCESS_TOKEN:
        return Refused("not an access token")
    kid = header["kid"]
    return kid if isinstance(kid, str) else Refused("the key id is not text")


def _handle(payload: bytes) -> Verified:
    claims = _json_object(payload)
    if claims is None or {name: type(value) for name, value in claims.items()} != _CLAIM_TYPES:
        return Refused("the claims are not those of an access token")
    return Handle(claims["iss"], claims["aud"], claims["sub"], claims["jti"], claims["exp"])


def _json_object(text: bytes) -> dict[str, Any] | None:
    try:
        value = json.loads(text, object_pairs_hook=_without_duplicates)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def _without_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) != len(pairs):
        raise ValueError("a key is given twice")
    return value
