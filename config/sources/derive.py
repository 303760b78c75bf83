"""What the Cluster would have filled in, for resources that come from files.

Everything follows from kind and name alone, so every process that reads the same files agrees. No
expiry and no lifetime is made up: what is not declared does not end.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any, Final

from config import names
from config.resources.authentication import Authentication
from config.resources.cluster_config import ClusterConfig, ClusterConfigSpec
from config.resources.meta import Metadata, Resource
from config.resources.namespace import Namespace, NamespaceSpec
from config.resources.region import Region, RegionSpec
from config.resources.session import Session

EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_OURS: Final = uuid.UUID("5ab0f2c4-9d1e-4c3b-8a67-2f1d0e6b7c98")


def derived_uid(*parts: str) -> str:
    """Return the same UUID for the same parts, everywhere and always."""
    return str(uuid.uuid5(_OURS, "/".join(parts)))


def complete(resource: Resource) -> Resource:
    """Return the resource with its uid, times and token, each only where none is declared."""
    metadata = resource.metadata
    filled = metadata.model_copy(
        update={
            "uid": metadata.uid or derived_uid(resource.kind, metadata.name),
            "created_at": metadata.created_at or EPOCH,
        }
    )
    update: dict[str, Any] = {"metadata": filled}
    if isinstance(resource, Session):
        update["status"] = resource.status.model_copy(
            update={"authentication": _authentication(resource)}
        )
    return resource.model_copy(update=update)


def _authentication(session: Session) -> Authentication:
    declared = session.status.authentication or Authentication()
    token = derived_uid(session.kind, session.metadata.name, "tokenID")
    # A lifetime without a beginning is that of each token minted; a made-up beginning would
    # have ended it long ago.
    set_at = declared.set_at or (EPOCH if declared.access_token_duration is None else None)
    return declared.model_copy(update={"token_id": declared.token_id or token, "set_at": set_at})


def undeclared() -> Iterator[Resource]:
    """Yield what every Cluster has, whether its files say so or not."""
    default = Metadata(name=names.DEFAULT_NAMESPACE)
    yield Namespace(metadata=default, spec=NamespaceSpec())
    yield Region(metadata=default, spec=RegionSpec())
    yield ClusterConfig(spec=ClusterConfigSpec())
