"""Namespace: groups Services and is the parent domain of their names (spec/resources.md §4)."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field

from config import names
from config.resources.meta import Authorization, Metadata, Resource, refuse_name
from config.resources.model import Model
from config.resources.scalars import Attrs


class NamespaceSpec(Model):
    """What is declared of a Namespace."""

    authorization: Authorization | None = None
    """Applies to every Service of the Namespace."""
    attrs: Attrs = Field(default_factory=dict)
    """Free JSON, `ctx.namespace.spec.attrs`."""


class NamespaceStatus(Model):
    """Nothing is known of a Namespace beyond what is declared."""


class Namespace(Resource):
    """A group of Services."""

    kind: ClassVar = "Namespace"

    spec: NamespaceSpec
    status: NamespaceStatus = NamespaceStatus()

    @classmethod
    def admit_name(cls, metadata: Metadata) -> Metadata:
        """Keep the Cluster's own prefixes for the Cluster's own Namespaces."""
        super().admit_name(metadata)
        if metadata.is_system:
            return metadata
        return refuse_name(metadata, names.reserved_complaint(metadata.name))
