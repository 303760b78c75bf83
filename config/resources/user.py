"""User: a person or a machine that calls Services (spec/resources.md §5)."""

from __future__ import annotations

import re
from enum import StrEnum
from typing import Annotated, ClassVar, Final

from pydantic import AfterValidator, Field, ValidationInfo, field_validator

from config.resources.meta import (
    Authorization,
    LongDuration,
    ObjectReference,
    Resource,
    all_different,
)
from config.resources.model import Many, Model, Symbol, fault
from config.resources.scalars import Attrs, Name, Text, UInt
from config.resources.states import DefaultState

_EMAIL: Final = re.compile(
    r"[a-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@([a-z0-9-]{1,63}\.)+[a-z0-9-]{2,63}"
)


class UserType(StrEnum):
    """Whether a User is a person."""

    HUMAN = "HUMAN"
    WORKLOAD = "WORKLOAD"


class Identity(Model):
    """How an IdentityProvider knows the User."""

    identity_provider: Name
    identifier: Annotated[str, Field(min_length=1, max_length=256)]
    """What the provider calls the User: a login, an e-mail address or a subject."""


class UserAuthentication(Model):
    """How the User logs in."""

    identities: Annotated[Many[Identity], Field(max_length=100), AfterValidator(all_different)] = ()
    authenticator_default_state: DefaultState | None = None


class UserSession(Model):
    """Overrides of the Cluster's settings for this User's Sessions."""

    client_duration: LongDuration | None = None
    """Total life of a CLIENT Session."""
    clientless_duration: LongDuration | None = None
    """Total life of a CLIENTLESS Session."""
    access_token_duration: LongDuration | None = None
    """Less than 30 minutes is ignored."""
    refresh_token_duration: LongDuration | None = None
    """Less than 30 minutes is ignored."""
    max_per_user: Annotated[UInt, Field(le=10_000)] = 0
    """0 takes the setting of the Cluster."""
    default_state: DefaultState | None = None
    """State of new Sessions."""


class UserDevice(Model):
    """Overrides of the Cluster's settings for this User's Devices."""

    default_state: DefaultState | None = None
    """State of this User's new Devices; ACTIVE approves them at once."""
    max_per_user: Annotated[UInt, Field(le=1_000)] = 0
    """0 takes the setting of the Cluster."""


class UserInfo(Model):
    """What is known of a person; nothing is decided by it."""

    locale: Text = ""
    phone: Text = ""
    first_name: Text = ""
    middle_name: Text = ""
    last_name: Text = ""
    website: Text = ""
    country: Text = ""


class UserSpec(Model):
    """What is declared of a User."""

    type: Symbol[UserType]
    """HUMAN for a person, WORKLOAD for everything else."""
    groups: Many[Name] = ()
    """Names of Groups."""
    email: Annotated[str, Field(max_length=150)] = ""
    """Lower-case ASCII, for a HUMAN only."""
    is_disabled: bool = False
    """Every request is denied and every login refused."""
    authorization: Authorization | None = None
    attrs: Attrs = Field(default_factory=dict)
    """Free JSON, `ctx.user.spec.attrs`."""
    session: UserSession | None = None
    device: UserDevice | None = None
    authentication: UserAuthentication | None = None
    info: UserInfo | None = None

    @field_validator("email")
    @classmethod
    def _check_email(cls, email: str, others: ValidationInfo) -> str:
        if not _EMAIL.fullmatch(email):
            raise fault("must be an e-mail address in lower-case ASCII")
        if others.data.get("type") is UserType.WORKLOAD:
            raise fault("is for a HUMAN only")
        return email


class UserStatus(Model):
    """What the Cluster knows about a User."""

    is_locked: bool = False
    """As disabled, but done by the Cluster."""
    identity_provider_ref: ObjectReference | None = None
    ext: Attrs = Field(default_factory=dict)


class User(Resource):
    """Somebody or something that may hold Sessions."""

    kind: ClassVar = "User"

    spec: UserSpec
    status: UserStatus = UserStatus()
