"""How a refusal looks to the client (spec/data-plane.md §3.1.2)."""

from __future__ import annotations

from typing import Final
from urllib.parse import quote

from config.resources.user import UserType
from policy.decision import Denied
from policy.principal import Caller, Principal
from protocols.api import Gate
from protocols.http.answer import Answer, explained
from protocols.http.request import HttpRequest

DISABLED: Final = Answer(503)
CLEARTEXT: Final = explained(
    401,
    "An access token was sent over a connection that others can read, so it was not looked at."
    " Use TLS, a tunnel or loopback, and have this token replaced.",
    is_last=True,
)

_UNAUTHORIZED: Final = b"X-Octelium-Unauthorized: true"
_CHALLENGE: Final = b'WWW-Authenticate: Bearer realm="octelium"'
_BROWSER: Final = "Mozilla/"
_VARY: Final = b"Cache-Control: no-store"


def refusal(denied: Denied, who: Caller | None, gate: Gate, request: HttpRequest) -> Answer:
    """Return 401 or 403, or for a person in a browser the page that explains it."""
    if denied.is_authenticated:
        if isinstance(who, Principal) and _is_human(who) and _wants_page(request):
            return _redirect(f"https://{gate.domain}/denied")
        return Answer(403, (_UNAUTHORIZED,))
    if _wants_page(request) and request.header("user-agent").startswith(_BROWSER):
        return _redirect(f"https://{gate.domain}/login?redirect={_own_url(gate, request)}")
    return Answer(401, (_UNAUTHORIZED, _CHALLENGE))


def _is_human(who: Principal) -> bool:
    return who.user.spec.type is UserType.HUMAN


def _wants_page(request: HttpRequest) -> bool:
    return request.head.method == b"GET" and "text/html" in request.header("accept").lower()


def _own_url(gate: Gate, request: HttpRequest) -> str:
    host = gate.service.public_hostname(gate.domain)
    return quote(f"https://{host}{request.target.decode('ascii')}", safe="")


def _redirect(location: str) -> Answer:
    return Answer(303, (_UNAUTHORIZED, _VARY, b"Location: " + location.encode()))
