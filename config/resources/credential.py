"""Credential: what a User logs in with, other than an identity provider (spec/resources.md §12)."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, ClassVar

from pydantic import Field, ValidationInfo, field_validator

from config.resources.meta import Authorization, ObjectReference, Resource
from config.resources.model import Model, Symbol, fault
from config.resources.scalars import UID, Name, Text, Timestamp, UInt
from config.resources.states import SessionType


class CredentialType(StrEnum):
    """What a Credential is exchanged for."""

    AUTH_TOKEN = "AUTH_TOKEN"  # noqa: S105 - the name of a type
    OAUTH2 = "OAUTH2"
    ACCESS_TOKEN = "ACCESS_TOKEN"  # noqa: S105 - the name of a type


class CredentialSpec(Model):
    """What is declared of a Credential."""

    type: Symbol[CredentialType]
    """What it is exchanged for; OAUTH2 and ACCESS_TOKEN are for WORKLOAD Users."""
    user: Name
    """The name of a User."""
    session_type: Symbol[SessionType] | None = None
    """Type of the Sessions it creates."""
    expires_at: Timestamp | None = None
    max_authentications: Annotated[UInt, Field(le=1_000_000)] = 0
    """0 means without limit."""
    auto_delete: bool = False
    """Delete it when `maxAuthentications` is reached."""
    is_disabled: bool = False
    authorization: Authorization | None = None
    """Copied into each Session it creates."""

    @field_validator("auto_delete")
    @classmethod
    def _needs_a_count(cls, value: bool, others: ValidationInfo) -> bool:  # noqa: FBT001 - a field
        if value and others.data.get("max_authentications") == 0:
            raise fault("needs maxAuthentications")
        return value


class PKCE(Model):
    """Ties a login in the browser to the command that began it."""

    code_challenge: Text = ""


class CredentialStatus(Model):
    """What the Cluster knows about a Credential."""

    user_ref: ObjectReference | None = None
    id: Text = ""
    token_id: UID = ""
    last_rotation_at: Timestamp | None = None
    total_rotations: UInt = 0
    total_authentications: UInt = 0
    is_locked: bool = False
    pkce: PKCE | None = None


class Credential(Resource):
    """A way for a User to obtain Sessions."""

    kind: ClassVar = "Credential"

    spec: CredentialSpec
    status: CredentialStatus = CredentialStatus()
