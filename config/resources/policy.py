"""Policy: rules under a name, to be attached to other resources (spec/resources.md §8)."""

from __future__ import annotations

from typing import ClassVar

from config import names
from config.resources.meta import Metadata, ObjectReference, Resource, refuse_name
from config.resources.model import Model
from config.resources.rules import (
    Condition,
    Conditions,
    Effect,
    Enforcement,
    EnforcementRule,
    PolicySpec,
    Rule,
)

__all__ = [
    "Condition",
    "Conditions",
    "Effect",
    "Enforcement",
    "EnforcementRule",
    "Policy",
    "PolicySpec",
    "PolicyStatus",
    "Rule",
]


class PolicyStatus(Model):
    """What the Cluster knows about a Policy."""

    parent_policy_ref: ObjectReference | None = None


class Policy(Resource):
    """A policy; ``read.base`` is a child of ``base`` and brings it along when attached."""

    kind: ClassVar = "Policy"

    spec: PolicySpec
    status: PolicyStatus = PolicyStatus()

    @classmethod
    def admit_name(cls, metadata: Metadata) -> Metadata:
        """Allow up to five parents in the name."""
        most = names.MAX_POLICY_LABELS
        return refuse_name(metadata, names.dotted_complaint(metadata.name, most))
