"""Authenticator: a second factor of a User (spec/resources.md §15)."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, ClassVar

from pydantic import Field

from config.resources.authentication import AuthenticatorType
from config.resources.meta import GeneratedName, ObjectReference
from config.resources.model import Many, Model, OneOf, Symbol
from config.resources.scalars import Attrs, Text, Timestamp, UInt
from config.resources.states import State


class FIDOType(StrEnum):
    """Whether a FIDO authenticator can be carried to another machine."""

    ROAMING = "ROAMING"
    PLATFORM = "PLATFORM"


class TOTPAlgorithm(StrEnum):
    """The hash of a one-time password."""

    SHA1 = "SHA1"
    SHA256 = "SHA256"
    SHA512 = "SHA512"


class FIDOInfo(Model):
    """A registered FIDO key."""

    id: Text = ""
    id_hash: Text = ""
    public_key: Annotated[str, Field(max_length=8192)] = ""
    type: Symbol[FIDOType] | None = None
    aaguid: Text = ""
    is_passkey: bool = False
    backup_eligible: bool = False
    is_attestation_verified: bool = False
    is_software: bool = False
    is_hardware: bool = False
    sign_count: UInt = 0


class TOTPInfo(Model):
    """A shared secret for one-time passwords; sealed, and kept out of every repr all the same."""

    shared_secret: Annotated[str, Field(max_length=8192, repr=False)] = ""
    period_seconds: UInt = 0
    digits: UInt = 0
    algorithm: Symbol[TOTPAlgorithm] | None = None
    last_accepted_time_step: UInt = 0
    last_accepted_at: Timestamp | None = None


class TPMInfo(Model):
    """A registered TPM."""

    ak_bytes: Annotated[str, Field(max_length=8192)] = ""
    attestation_parameters: Annotated[str, Field(max_length=65_536)] = ""
    ek_public_key: Annotated[str, Field(max_length=8192)] = ""


class AuthenticatorInfo(Model):
    """What was registered."""

    one_of: ClassVar[tuple[OneOf, ...]] = (OneOf(("fido", "totp", "tpm")),)

    fido: FIDOInfo | None = None
    totp: TOTPInfo | None = None
    tpm: TPMInfo | None = None


class AuthenticationAttempt(Model):
    """One try to log in with it."""

    created_at: Timestamp | None = None
    completed_at: Timestamp | None = None
    session_ref: ObjectReference | None = None
    encrypted_challenge_request: Annotated[str, Field(max_length=65_536, repr=False)] = ""
    encrypted_data_map: dict[str, str] = Field(default_factory=dict, repr=False)
    data_map: Attrs = Field(default_factory=dict)


class AuthenticatorSpec(Model):
    """What is declared of an Authenticator."""

    display_name: Annotated[str, Field(max_length=120, pattern=r"^[\x20-\x7e]*$")] = ""
    state: Symbol[State]


class AuthenticatorStatus(Model):
    """What the Cluster knows about an Authenticator."""

    user_ref: ObjectReference | None = None
    device_ref: ObjectReference | None = None
    type: Symbol[AuthenticatorType] | None = None
    info: AuthenticatorInfo | None = None
    is_registered: bool = False
    description: Text = ""
    successful_authentications: UInt = 0
    failed_authentications: UInt = 0
    total_authentication_attempts: UInt = 0
    authentication_attempt: AuthenticationAttempt | None = None
    last_authentication_attempts: Many[AuthenticationAttempt] = ()


class Authenticator(GeneratedName):
    """A second factor of one User."""

    kind: ClassVar = "Authenticator"

    spec: AuthenticatorSpec
    status: AuthenticatorStatus = AuthenticatorStatus()
