"""Session: one login of one User, from at most one Device (spec/resources.md §13)."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, ClassVar

from pydantic import AfterValidator, Field

from config.resources.authentication import Authentication, AuthenticationInfo
from config.resources.connection import Connection, PastConnection
from config.resources.meta import (
    Authorization,
    GeneratedName,
    ObjectReference,
    all_different,
    reference_to,
)
from config.resources.model import Many, Model, Symbol
from config.resources.scalars import Attrs, Timestamp, UInt
from config.resources.scope import Scope, ScopeItem
from config.resources.states import SessionType, State

__all__ = [
    "Authentication",
    "AuthenticationInfo",
    "AuthenticatorAction",
    "Scope",
    "Session",
    "SessionSpec",
    "SessionStatus",
    "SessionType",
    "State",
]


class AuthenticatorAction(StrEnum):
    """What the Session is asked to do about a second factor; REQUIRED ones block it."""

    AUTHENTICATION_REQUIRED = "AUTHENTICATION_REQUIRED"
    REGISTRATION_REQUIRED = "REGISTRATION_REQUIRED"
    AUTHENTICATION_RECOMMENDED = "AUTHENTICATION_RECOMMENDED"
    REGISTRATION_RECOMMENDED = "REGISTRATION_RECOMMENDED"


class SessionSpec(Model):
    """What an administrator declares of a Session."""

    state: Symbol[State] = State.ACTIVE
    """Only an ACTIVE Session may do anything."""
    expires_at: Timestamp | None = None
    """Absent means never, where resources come from files."""
    authorization: Authorization | None = None
    """Policies for this Session alone."""


class SessionStatus(Model):
    """What the Cluster knows about a Session."""

    user_ref: Annotated[ObjectReference, reference_to("User")] | None = None
    device_ref: Annotated[ObjectReference, reference_to("Device")] | None = None
    credential_ref: Annotated[ObjectReference, reference_to("Credential")] | None = None
    type: Symbol[SessionType] | None = None
    """CLIENT comes by tunnel or command line, CLIENTLESS by browser or bare token."""
    is_browser: bool = False
    authentication: Authentication | None = None
    initial_authentication: Authentication | None = None
    last_authentications: Annotated[Many[Authentication], Field(max_length=100)] = ()
    total_authentications: UInt = 0
    scopes: Annotated[Many[ScopeItem], Field(max_length=128), AfterValidator(all_different)] = ()
    """What the Session may reach at most; empty means everything its policies allow.
    `service:web.prod`, `service:prod/*`, `api:core.MainService`.
    """
    is_connected: bool = False
    """Whether a tunnel is up."""
    connection: Connection | None = None
    total_connections: UInt = 0
    last_connections: Annotated[Many[PastConnection], Field(max_length=100)] = ()
    is_locked: bool = False
    """Locked by the Cluster: every request is denied."""
    authenticator_action: Symbol[AuthenticatorAction] | None = None
    required_authenticator_ref: ObjectReference | None = None
    ext: Attrs = Field(default_factory=dict)


class Session(GeneratedName):
    """A User who has logged in."""

    kind: ClassVar = "Session"

    spec: SessionSpec
    status: SessionStatus = SessionStatus()
