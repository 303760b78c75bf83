"""Group: gives many Users the same policies (spec/resources.md §6)."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field

from config.resources.meta import Authorization, Resource
from config.resources.model import Model
from config.resources.scalars import Attrs


class GroupSpec(Model):
    """What is declared of a Group."""

    authorization: Authorization | None = None
    """Applies to every member."""
    attrs: Attrs = Field(default_factory=dict)
    """Free JSON, `ctx.groups[i].spec.attrs`."""


class GroupStatus(Model):
    """Nothing is known of a Group beyond what is declared."""


class Group(Resource):
    """A set of Users; membership is declared on the User."""

    kind: ClassVar = "Group"

    spec: GroupSpec
    status: GroupStatus = GroupStatus()
