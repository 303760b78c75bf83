"""From evidence to a caller: whose credential this is, and whether it still counts.

The order of spec/data-plane.md §1.2 as amended by spec/README.md decision 5. What a caller may do
is not asked here.
"""

from __future__ import annotations

import hmac
from collections.abc import Iterable
from typing import Final, TypeAlias

from policy.decision import Denied, Reason
from policy.principal import ANONYMOUS, Caller, Principal
from protocols.api import Evidence, Peer, TunnelAddress
from vigil.identity.principals import Principals, session_end, token_end, unauthenticated
from vigil.identity.tokens import Handle, Refused, TokenVerifier, issuer_of
from vigil.telemetry.clock import Clock

MAX_KNOWN: Final = 8192
MOST_OTHERS: Final = 8
"""Credentials besides the first: each may cost a signature check, and a head holds hundreds."""

_Known: TypeAlias = tuple[Principal, float]

_NO_CREDENTIAL: Final = unauthenticated("no credential was given")
_TWO_CREDENTIALS: Final = unauthenticated("two different access tokens were given")
_TOO_MANY: Final = unauthenticated("more access tokens were given than anybody has use for")
_NOT_PRIVATE: Final = unauthenticated(
    "an access token is accepted over TLS, a tunnel, a unix socket or loopback only"
)
_REPLACED: Final = unauthenticated("the token is not the Session's current one")


class Authentication:
    """Says who is calling, for one Service of one Snapshot.

    A token that was accepted is remembered with the instant until which that holds, so that the
    hot path is one look-up and one comparison. A new Snapshot starts with an empty memory.
    """

    def __init__(
        self,
        principals: Principals,
        verifier: TokenVerifier,
        clock: Clock,
        *,
        domain: str,
        is_anonymous: bool,
    ) -> None:
        self._principals = principals
        self._verifier = verifier
        self._now = clock.now
        self._issuer = issuer_of(domain)
        self._is_anonymous = is_anonymous
        self._known: dict[bytes, _Known] = {}

    def authenticate(self, peer: Peer, evidence: Iterable[Evidence]) -> Caller | Denied:
        """Return the caller, or why nobody could be recognised."""
        if self._is_anonymous:
            return ANONYMOUS
        if peer.is_tunnel:
            return self._by_address(peer)
        first, others = b"", 0
        for given in evidence:
            if isinstance(given, TunnelAddress) or not given.token:
                continue
            if not peer.is_private:
                return _NOT_PRIVATE
            if not first:
                first = given.token
            elif given.token != first:
                others += 1
                if others > MOST_OTHERS:
                    return _TOO_MANY
                if self._verifier.is_ours(given.token):
                    return _TWO_CREDENTIALS
        return self._by_token(first) if first else _NO_CREDENTIAL

    def _by_token(self, token: bytes) -> Principal | Denied:
        now = self._now()
        known = self._known.get(token)
        if known is not None and now < known[1]:
            return known[0]
        verified = self._verifier.verify(token, self._issuer, now)
        if isinstance(verified, Refused):
            reason = Reason.ACCESS_TOKEN_EXPIRED if verified.is_expired else Reason.UNAUTHENTICATED
            return unauthenticated(verified.why, reason)
        who = self._principals.of_session(verified.session_uid)
        if isinstance(who, Denied):
            return who
        return _refusal(who, verified, now) or self._remember(token, who, verified)

    def _by_address(self, peer: Peer) -> Principal | Denied:
        who = self._principals.of_address(peer.address)
        if isinstance(who, Principal) and session_end(who.session) <= self._now():
            return unauthenticated("the Session is expired", Reason.SESSION_EXPIRED)
        return who

    def _remember(self, token: bytes, who: Principal, handle: Handle) -> Principal:
        if len(self._known) >= MAX_KNOWN:
            del self._known[next(iter(self._known))]
        session = who.session
        until = min(handle.expires_at, session_end(session), token_end(session))
        self._known[token] = (who, until)
        return who


def _refusal(who: Principal, handle: Handle, now: float) -> Denied | None:
    """Compare a good token with what its Session says of it today."""
    authentication = who.session.status.authentication
    current = authentication.token_id if authentication is not None else ""
    if not current or not hmac.compare_digest(handle.token_id.encode(), current.encode()):
        return _REPLACED
    if session_end(who.session) <= now:
        return unauthenticated("the Session is expired", Reason.SESSION_EXPIRED)
    if token_end(who.session) <= now:
        return unauthenticated("the access token is expired", Reason.ACCESS_TOKEN_EXPIRED)
    return None
