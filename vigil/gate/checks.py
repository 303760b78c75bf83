"""What is checked before any policy, in its order (spec/data-plane.md §1.3); first failure wins.

``now`` is epoch seconds. A check that reads the request is asked for every request; the others
only when a caller is new or a time of theirs has come.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from config.resources.service import Service
from config.resources.session import AuthenticatorAction
from config.resources.states import SessionType, State
from policy.decision import Denied, Reason
from policy.principal import Principal
from vigil.gate.scopes import is_covered
from vigil.identity.principals import session_end, token_end


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """Everything a check may look at. ``pins_address`` is what ClusterConfig.spec.ingress says."""

    who: Principal
    service: Service
    now: float
    pins_address: bool = False
    facts: Mapping[str, Any]


def _always(_: Subject) -> bool:
    return True


@dataclass(frozen=True, slots=True)
class Check:
    """One row of the table. ``finds`` returns what is wrong, or nothing.

    ``concerns`` says, without looking at the request, whether the check can fail at all.
    """

    number: int
    name: str
    reason: Reason
    finds: Callable[[Subject], str]
    concerns: Callable[[Subject], bool] = _always
    reads_request: bool = False

    def ask(self, subject: Subject) -> Denied | None:
        """Return the refusal, where there is one."""
        wrong = self.finds(subject)
        return Denied(self.reason, detail=wrong) if wrong else None


def first_failure(checks: Iterable[Check], subject: Subject) -> Denied | None:
    """Return the refusal of the first check that fails."""
    for check in checks:
        denied = check.ask(subject)
        if denied is not None:
            return denied
    return None


def _session_state(subject: Subject) -> str:
    state = subject.who.session.spec.state
    return "" if state is State.ACTIVE else f"the Session is {_named(state)}"


def _session_time(subject: Subject) -> str:
    return "the Session is expired" if session_end(subject.who.session) <= subject.now else ""


def _token_time(subject: Subject) -> str:
    return "the access token is expired" if token_end(subject.who.session) <= subject.now else ""


def _session_lock(subject: Subject) -> str:
    return "the Session is locked" if subject.who.session.status.is_locked else ""


def _user_lock(subject: Subject) -> str:
    return "the User is locked" if subject.who.user.status.is_locked else ""


def _action_is(wanted: AuthenticatorAction, wrong: str) -> Callable[[Subject], str]:
    def finds(subject: Subject) -> str:
        return wrong if subject.who.session.status.authenticator_action is wanted else ""

    return finds


def _device_state(subject: Subject) -> str:
    device = subject.who.device
    if device is None or device.spec.state is State.ACTIVE:
        return ""
    return f"the Device is {_named(device.spec.state)}"


def _device_lock(subject: Subject) -> str:
    device = subject.who.device
    return "the Device is locked" if device is not None and device.status.is_locked else ""


def _user_disabled(subject: Subject) -> str:
    return "the User is disabled" if subject.who.user.spec.is_disabled else ""


def _client_type(subject: Subject) -> str:
    kind = subject.who.session.status.type
    if subject.service.spec.is_public or kind is SessionType.CLIENT:
        return ""
    return f"the Service is not public and the Session is {_named(kind)}"


def _is_pinned(subject: Subject) -> bool:
    return bool(_login_address(subject))


def _address(subject: Subject) -> str:
    """Compare with the address recorded at login; where none was recorded nothing is pinned."""
    pinned = _login_address(subject)
    if not pinned or subject.facts.get("ip") == pinned:
        return ""
    return "the client's address is not the one recorded at login"


def _login_address(subject: Subject) -> str:
    session = subject.who.session
    is_pinned = (
        subject.pins_address
        and subject.service.spec.is_public
        and session.status.type is SessionType.CLIENTLESS
    )
    authentication = session.status.authentication
    info = authentication.info if is_pinned and authentication is not None else None
    downstream = info.downstream if info is not None else None
    return downstream.ip_address if downstream is not None else ""


def _has_scopes(subject: Subject) -> bool:
    return bool(subject.who.session.status.scopes)


def _scopes(subject: Subject) -> str:
    scopes = subject.who.session.status.scopes
    if not scopes or is_covered(scopes, subject.service, subject.facts):
        return ""
    return "no scope of the Session covers this request"


def _named(state: object) -> str:
    return str(state) if state else "of no known state"


CHECKS: Final = (
    Check(1, "the Session is ACTIVE", Reason.SESSION_NOT_ACTIVE, _session_state),
    Check(2, "the Session is not expired", Reason.SESSION_EXPIRED, _session_time),
    Check(3, "the access token is not expired", Reason.ACCESS_TOKEN_EXPIRED, _token_time),
    Check(4, "the Session is not locked", Reason.SESSION_LOCKED, _session_lock),
    Check(5, "the User is not locked", Reason.USER_LOCKED, _user_lock),
    Check(
        6,
        "no Authenticator must be used",
        Reason.AUTHENTICATOR_AUTHENTICATION_REQUIRED,
        _action_is(
            AuthenticatorAction.AUTHENTICATION_REQUIRED, "an Authenticator must be used first"
        ),
    ),
    Check(
        7,
        "no Authenticator must be registered",
        Reason.AUTHENTICATOR_REGISTRATION_REQUIRED,
        _action_is(
            AuthenticatorAction.REGISTRATION_REQUIRED, "an Authenticator must be registered first"
        ),
    ),
    Check(8, "the Device, if any, is ACTIVE", Reason.DEVICE_NOT_ACTIVE, _device_state),
    Check(9, "the Device, if any, is not locked", Reason.DEVICE_LOCKED, _device_lock),
    Check(10, "the User is not disabled", Reason.USER_DEACTIVATED, _user_disabled),
    Check(
        11, "the Session may use such a Service", Reason.SESSION_CLIENT_TYPE_INVALID, _client_type
    ),
    Check(
        12,
        "the client's address is that of the login",
        Reason.TYPE_UNKNOWN_REASON,
        _address,
        concerns=_is_pinned,
        reads_request=True,
    ),
    Check(
        13,
        "a scope covers the request",
        Reason.SCOPE_UNAUTHORIZED,
        _scopes,
        concerns=_has_scopes,
        reads_request=True,
    ),
)
LASTING_CHECKS: Final = tuple(check for check in CHECKS if not check.reads_request)
REQUEST_CHECKS: Final = tuple(check for check in CHECKS if check.reads_request)
