"""The outcome of a decision, as values. A refusal is never an exception."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import TypeAlias


class Reason(IntEnum):
    """Why a request was decided as it was (spec/data-plane.md §1.3; 15 and above are ours)."""

    TYPE_UNKNOWN_REASON = 0
    SESSION_NOT_ACTIVE = 1
    DEVICE_NOT_ACTIVE = 2
    USER_DEACTIVATED = 3
    SCOPE_UNAUTHORIZED = 4
    POLICY_MATCH = 5
    NO_POLICY_MATCH = 6
    SESSION_CLIENT_TYPE_INVALID = 7
    SESSION_LOCKED = 8
    USER_LOCKED = 9
    DEVICE_LOCKED = 10
    AUTHENTICATOR_AUTHENTICATION_REQUIRED = 11
    AUTHENTICATOR_REGISTRATION_REQUIRED = 12
    SESSION_EXPIRED = 13
    ACCESS_TOKEN_EXPIRED = 14
    EVALUATION_ERROR = 15
    UNAUTHENTICATED = 16


@dataclass(frozen=True, slots=True)
class RuleRef:
    """Which rule decided: its place in a Policy or in a resource's inline policy.

    ``owner_kind``/``owner_name`` say where the policy is attached; ``policy`` is the standalone
    Policy's name or, when ``inline``, the inline policy's own name (may be empty).
    """

    rule: str
    priority: int
    policy: str
    inline: bool
    owner_kind: str
    owner_name: str


@dataclass(frozen=True, slots=True)
class Allowed:
    """A rule said ALLOW. ``rule`` is None only for an anonymous Service without authorization.

    ``shadow`` is what shadow policies would have made of it, None where none is attached.
    """

    rule: RuleRef | None
    shadow: Allowed | Denied | None = None


@dataclass(frozen=True, slots=True)
class Denied:
    """The request is refused, and why.

    ``detail`` is for the log and for ``vigil explain``, never for the client; ``shadow`` is as
    for Allowed.
    """

    reason: Reason
    rule: RuleRef | None = None
    detail: str = ""
    is_authenticated: bool = True
    shadow: Allowed | Denied | None = None


Decision: TypeAlias = Allowed | Denied
