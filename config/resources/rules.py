"""What a policy says: conditions, rules and enforcement rules (spec/resources.md §2.5, §2.6).

The text of an expression is only measured here; ``policy`` compiles it.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Any, ClassVar, Final, Self, TypeAlias

from pydantic import BeforeValidator, Field, model_validator

from config.resources.model import Many, Model, OneOf, Symbol, fault
from config.resources.scalars import CEL, Attrs, Name

MAX_DEPTH: Final = 16
MAX_POLICY_BYTES: Final = 100_000


class Effect(StrEnum):
    """What a matching rule decides."""

    ALLOW = "ALLOW"
    DENY = "DENY"


class Enforcement(StrEnum):
    """What a matching enforcement rule says about the whole policy."""

    ENFORCE = "ENFORCE"
    IGNORE = "IGNORE"


class OPA(Model):
    """A condition in Rego."""

    inline: Annotated[str, Field(min_length=1, max_length=100_000)]
    """Rego in package `octelium.condition`; `match` must be true."""


class Conditions(Model):
    """The children of ``all``, ``any`` and ``none``."""

    of: Annotated[Many[Condition], Field(min_length=1, max_length=100)]


class Condition(Model):
    """When something applies. The keys are alternatives, so absent ones are None."""

    one_of: ClassVar[tuple[OneOf, ...]] = (
        OneOf(("matchAny", "match", "not", "all", "any", "none", "opa")),
    )

    match_any: bool | None = None
    """true matches everything, false nothing."""
    match: CEL | None = None
    """A CEL expression over `ctx` (and, in policies, `attrs`) that must be true."""
    not_: Annotated[CEL | None, Field(alias="not")] = None
    """A CEL expression that must be false; it also matches where a path it reads is absent."""
    all: Conditions | None = None
    """Every child matches."""
    any: Conditions | None = None
    """At least one child matches."""
    none: Conditions | None = None
    """No child matches."""
    opa: OPA | None = None
    """A condition in Rego; needs the extra `opa`."""


def _refuse_deep(raw: Any) -> Any:
    """Measure the tree before it is decoded, so that no depth reaches the recursive decoder."""
    level = [raw]
    for _ in range(MAX_DEPTH):
        level = [child for condition in level for child in _children(condition)]
        if not level:
            return raw
    raise fault(f"must not be nested deeper than {MAX_DEPTH}")


def _children(condition: Any) -> list[Any]:
    if not isinstance(condition, dict):
        return []
    groups = (condition.get(key) for key in ("all", "any", "none"))
    lists = (group.get("of") for group in groups if isinstance(group, dict))
    return [child for children in lists if isinstance(children, list) for child in children]


ConditionTree: TypeAlias = Annotated[Condition, BeforeValidator(_refuse_deep)]


class Rule(Model):
    """One rule of a policy; -4 is the strongest priority."""

    name: Name = ""
    """Shown in the access log as the rule that decided."""
    effect: Symbol[Effect]
    """What happens when the condition matches."""
    priority: Annotated[int, Field(ge=-4, le=4)] = 0
    """-4 is asked first, 4 last; within one priority DENY comes before ALLOW."""
    condition: ConditionTree


class EnforcementRule(Model):
    """Says whether the policy takes part at all."""

    effect: Symbol[Enforcement]
    """ENFORCE lets the policy take part, IGNORE leaves it out; ENFORCE wins."""
    condition: ConditionTree


class PolicySpec(Model):
    """The content of a Policy, standalone or inline."""

    rules: Annotated[Many[Rule], Field(max_length=100)] = ()
    """The first rule that matches decides, over all policies that take part."""
    enforcement_rules: Annotated[Many[EnforcementRule], Field(max_length=100)] = ()
    """Whether this policy takes part; without any it does."""
    attrs: Attrs = Field(default_factory=dict)
    """Free JSON that conditions of this policy see as `attrs`."""
    is_disabled: bool = False
    """The policy contributes nothing."""
    is_shadow: bool = False
    """The policy decides nothing: what it would have changed is counted and logged."""

    @model_validator(mode="after")
    def _refuse_large(self) -> Self:
        if len(self.model_dump_json(by_alias=True, exclude_unset=True)) > MAX_POLICY_BYTES:
            raise fault(f"must have at most {MAX_POLICY_BYTES} bytes")
        return self
