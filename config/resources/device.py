"""Device: one machine of one User (spec/resources.md §14)."""

from __future__ import annotations

import re
from enum import StrEnum
from typing import Annotated, ClassVar, Final, TypeAlias

from pydantic import AfterValidator, Field, field_validator

from config.resources.meta import (
    Authorization,
    GeneratedName,
    ObjectReference,
    reference_to,
)
from config.resources.model import Many, Model, OneOf, Symbol, fault
from config.resources.scalars import UID, Attrs, Text, Timestamp, UInt
from config.resources.states import State

__all__ = [
    "Device",
    "DeviceSpec",
    "DeviceStatus",
    "Finding",
    "OSType",
    "Posture",
    "RiskLevel",
    "State",
]

_ID: Final = re.compile(r"[a-f0-9]{64}")
_MAC: Final = re.compile(r"[0-9a-f]{2}([:-]?)(?:[0-9a-f]{2}\1){4}[0-9a-f]{2}")
_NO_SERIAL: Final = frozenset({"0", "default string", "null", "nil"})


class OSType(StrEnum):
    """The operating system of a Device."""

    OS_TYPE_UNKNOWN = "OS_TYPE_UNKNOWN"
    LINUX = "LINUX"
    WINDOWS = "WINDOWS"
    MAC = "MAC"
    ANDROID = "ANDROID"
    IOS = "IOS"


class RiskLevel(StrEnum):
    """How risky an external manager thinks the Device is."""

    LOW = "LOW"
    MEDIUM = "MEDIUM"
    HIGH = "HIGH"
    CRITICAL = "CRITICAL"


class Finding(StrEnum):
    """The outcome of one check of a Device's posture."""

    PASS = "PASS"  # noqa: S105 - the outcome of a check, not a password
    FAIL = "FAIL"
    NOT_APPLICABLE = "NOT_APPLICABLE"


class BindingState(StrEnum):
    """How far a device manager has got in recognising the Device."""

    WAITING_APPROVAL = "WAITING_APPROVAL"
    ACCEPTED = "ACCEPTED"
    REJECTED = "REJECTED"
    AMBIGUOUS = "AMBIGUOUS"


class AcceptanceMethod(StrEnum):
    """Who accepted a binding."""

    AUTOMATIC = "AUTOMATIC"
    EMAIL = "EMAIL"
    MANUAL = "MANUAL"


class DeviceSpec(Model):
    """What an administrator declares of a Device; nobody uses one before it is approved."""

    state: Symbol[State] = State.PENDING
    """Only an ACTIVE Device may be used."""
    authorization: Authorization | None = None


class Posture(Model):
    """What an external manager reports; past ``expires_at`` it counts as absent."""

    risk_level: Symbol[RiskLevel] | None = None
    disk_encryption: Symbol[Finding] | None = None
    compliant: Symbol[Finding] | None = None
    threat_free: Symbol[Finding] | None = None
    signals: dict[str, Symbol[Finding]] = Field(default_factory=dict)
    attrs: Attrs = Field(default_factory=dict)
    last_sync_at: Timestamp | None = None
    last_seen_at: Timestamp | None = None
    expires_at: Timestamp | None = None
    """After this the posture counts as absent."""


class Binding(Model):
    """Which record of a device manager this Device is."""

    uid: UID = ""
    owner_ref: ObjectReference | None = None
    external_id: Text = ""
    state: Symbol[BindingState] | None = None
    acceptance_method: Symbol[AcceptanceMethod] | None = None
    accepted_at: Timestamp | None = None
    expires_at: Timestamp | None = None
    last_verified_at: Timestamp | None = None
    verification_failures: UInt = 0


class ProbeResult(Model):
    """What one probe of the Device returned."""

    one_of: ClassVar[tuple[OneOf, ...]] = (OneOf(("output", "error")),)

    probe_id: Text = ""
    output: Annotated[str, Field(max_length=65_536)] | None = None
    error: Text | None = None


class ProbeAttempt(Model):
    """One round of asking the Device about itself."""

    uid: UID = ""
    started_at: Timestamp | None = None
    probes: Annotated[Many[Text], Field(max_length=100)] = ()
    results: Annotated[Many[ProbeResult], Field(max_length=100)] = ()


def _normal_mac(value: str) -> str:
    lower = value.lower()
    if not _MAC.fullmatch(lower):
        raise fault("must be a MAC address, like 3c:6a:9d:12:34:56")
    digits = lower.replace(":", "").replace("-", "")
    return ":".join(digits[at : at + 2] for at in range(0, 12, 2))


MACAddress: TypeAlias = Annotated[str, AfterValidator(_normal_mac)]


class DeviceStatus(Model):
    """What the Cluster knows about a Device."""

    user_ref: Annotated[ObjectReference, reference_to("User")] | None = None
    """The one owner; it never changes."""
    os_type: Symbol[OSType] | None = None
    hostname: Annotated[str, Field(max_length=253)] = ""
    id: str = ""
    """SHA-256 of the machine id of the operating system, unique in the Cluster."""
    serial_number: Annotated[str, Field(min_length=6, max_length=128)] = ""
    mac_addresses: Annotated[Many[MACAddress], Field(max_length=16)] = ()
    is_locked: bool = False
    """Locked by the Cluster: every request is denied."""
    posture: Posture | None = None
    binding: Binding | None = None
    probe_attempt: ProbeAttempt | None = None
    ext: Attrs = Field(default_factory=dict)

    @field_validator("id")
    @classmethod
    def _check_id(cls, value: str) -> str:
        if not _ID.fullmatch(value):
            raise fault("must be 64 lower-case hexadecimal digits")
        return value

    @field_validator("serial_number")
    @classmethod
    def _refuse_placeholder(cls, value: str) -> str:
        if value.lower() in _NO_SERIAL:
            raise fault("is a placeholder of the vendor, not a serial number")
        return value


class Device(GeneratedName):
    """A User's machine; optional for a Session."""

    kind: ClassVar = "Device"

    spec: DeviceSpec
    status: DeviceStatus = DeviceStatus()
