"""What every resource has, and the small types that many kinds share (spec/resources.md §1, §2)."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Final, Literal, TypeVar

from pydantic import AfterValidator, Field, field_validator
from pydantic_core import InitErrorDetails

from config import names
from config.resources.model import Many, Model, OneOf, about, fault, fault_at
from config.resources.rules import PolicySpec
from config.resources.scalars import UID, LabelValue, Name, PolicyName, Timestamp, UInt

API_VERSION: Final = "core/v1"
_Value = TypeVar("_Value")
_UNIT_MILLISECONDS: Final = {
    "milliseconds": 1,
    "seconds": 1_000,
    "minutes": 60_000,
    "hours": 3_600_000,
    "days": 86_400_000,
    "weeks": 7 * 86_400_000,
    "months": 30 * 86_400_000,
}
_MAX_DURATION: Final = 36_000 * 86_400_000


class ObjectReference(Model):
    """Points at another resource; a name alone is enough where resources come from files."""

    api_version: str = ""
    kind: str = ""
    uid: UID = ""
    """Wins over the name where both are given."""
    name: str = ""
    resource_version: str = ""


def reference_to(kind: str) -> AfterValidator:
    """Build the check that a reference names something, and something of this kind."""

    def check(reference: ObjectReference) -> ObjectReference:
        if reference.kind not in {"", kind}:
            raise fault_at(("kind",), f"must be {kind}")
        if not (reference.name or reference.uid):
            raise fault("needs a name or a uid")
        return reference

    return AfterValidator(check)


class FromSecret(Model):
    """Names the Secret that holds a value."""

    from_secret: Name
    """The name of a Secret."""


class Duration(Model):
    """A length of time in exactly one unit; the others are None."""

    one_of: ClassVar[tuple[OneOf, ...]] = (OneOf(tuple(_UNIT_MILLISECONDS)),)

    milliseconds: UInt | None = None
    seconds: UInt | None = None
    minutes: UInt | None = None
    hours: UInt | None = None
    days: UInt | None = None
    weeks: UInt | None = None
    months: UInt | None = None
    """A month has 30 days."""

    @property
    def milliseconds_total(self) -> int:
        """Return the length in milliseconds; a month has 30 days."""
        return sum((getattr(self, unit) or 0) * size for unit, size in _UNIT_MILLISECONDS.items())

    @property
    def seconds_total(self) -> int:
        """Return the length in whole seconds."""
        return self.milliseconds_total // 1_000


def _between(shortest: int, longest: int, words: str) -> AfterValidator:
    def check(duration: Duration) -> Duration:
        if not shortest <= duration.milliseconds_total <= longest:
            raise fault(f"must be {words}")
        return duration

    return AfterValidator(check)


LongDuration = Annotated[Duration, _between(1_000, _MAX_DURATION, "from 1 second to 36000 days")]
ShortDuration = Annotated[Duration, _between(1, _MAX_DURATION, "from 1 millisecond to 36000 days")]


class InlinePolicy(Model):
    """A policy written where it is attached."""

    name: Name = ""
    """Shown in the access log as the policy that decided."""
    spec: PolicySpec


class Authorization(Model):
    """The policies attached to a resource."""

    policies: Annotated[Many[PolicyName], Field(max_length=100)] = ()
    """Names of Policies; `leaf.base` brings `base` along."""
    inline_policies: Annotated[Many[InlinePolicy], Field(max_length=100)] = ()
    """Policies written here, without a name of their own to attach elsewhere."""


def all_different(values: tuple[_Value, ...]) -> tuple[_Value, ...]:
    """Return the values, or refuse the first that is there twice; for short lists."""
    for index, value in enumerate(values):
        if value in values[:index]:
            raise fault_at((index,), "is there twice")
    return values


class Metadata(Model):
    """What a resource is called, and what the store knows about it."""

    name: str = ""
    """2 to 40 characters: lower case letters, digits and hyphens. A Service is `name` or
    `name.namespace`, a Policy may have up to five parents.
    """
    uid: UID = ""
    """Unique in the whole Cluster; derived from kind and name where none is given."""
    created_at: Timestamp | None = None
    updated_at: Timestamp | None = None
    display_name: Annotated[str, Field(max_length=100)] = ""
    """A name for people."""
    description: Annotated[str, Field(max_length=1024)] = ""
    labels: Annotated[dict[Name, LabelValue], Field(max_length=64)] = Field(default_factory=dict)
    """For selecting; at most 64."""
    annotations: Annotated[
        dict[Name, Annotated[str, Field(max_length=63)]], Field(max_length=64)
    ] = Field(default_factory=dict)
    """For people and tools; at most 64."""
    tags: Annotated[Many[Name], Field(max_length=64), AfterValidator(all_different)] = ()
    pic_url: Annotated[str, Field(max_length=2048)] = ""
    resource_version: Annotated[str, Field(max_length=64)] = ""
    """Changes with every write."""
    last_resource_version: Annotated[str, Field(max_length=64)] = ""
    actor_ref: ObjectReference | None = None
    actor_operation: str = ""
    is_system: bool = False
    """Made by the Cluster: nobody may change or delete it."""
    is_user_hidden: bool = False
    """Not listed to end users."""
    is_system_hidden: bool = False
    """Not listed by any API."""
    spec_labels: dict[str, str] = Field(default_factory=dict)
    system_labels: dict[str, str] = Field(default_factory=dict)


class Resource(Model):
    """One declared object. A kind adds ``spec`` and ``status``."""

    kind: ClassVar[str]

    api_version: Literal["core/v1"] = API_VERSION
    metadata: Metadata

    @classmethod
    def _sift(cls, raw: dict[Any, Any]) -> tuple[dict[str, Any], list[InitErrorDetails]]:
        """Take ``kind`` out: it chose this class and is no field of it."""
        rest = {key: value for key, value in raw.items() if key != "kind"}
        known, faults = super()._sift(rest)
        if raw.get("kind", cls.kind) != cls.kind:
            faults.append(about("kind", f"must be {cls.kind}"))
        return known, faults

    @field_validator("metadata")
    @classmethod
    def _check_name(cls, metadata: Metadata) -> Metadata:
        return cls.admit_name(metadata)

    @classmethod
    def admit_name(cls, metadata: Metadata) -> Metadata:
        """Return the metadata under the name as stored, or refuse the name."""
        return refuse_name(metadata, names.label_complaint(metadata.name))


class GeneratedName(Resource):
    """A resource the Cluster names after its owner, which makes the name longer."""

    @classmethod
    def admit_name(cls, metadata: Metadata) -> Metadata:
        """Allow the length of a User's name and a random tail."""
        longest = names.MAX_GENERATED_LABEL
        return refuse_name(metadata, names.label_complaint(metadata.name, longest))


def refuse_name(metadata: Metadata, complaint: str) -> Metadata:
    """Return the metadata, or raise the complaint where there is one."""
    if not metadata.name:
        raise fault_at(("name",), "is required")
    if complaint:
        raise fault_at(("name",), complaint)
    return metadata
