"""``vigil token``: an access token of any declared Session. Refusing it is the gate's work."""

from __future__ import annotations

from pathlib import Path

from config.errors import ConfigError
from config.resources.session import Session
from config.resources.user import User
from config.sources.files import load
from vigil.cli.arguments import data_directory
from vigil.identity.keys import open_key
from vigil.identity.tokens import issuer_of, mint
from vigil.identity.validity import token_life
from vigil.telemetry.clock import SystemClock


def token_of(name: str, resources: Path, data: Path | None) -> str:
    """Mint; raises ConfigError where there is no such Session or the resources are wrong."""
    snapshot = load(resources).snapshot
    session = snapshot.get(Session, name)
    if session is None:
        known = ", ".join(known.metadata.name for known in snapshot.all(Session)) or "none"
        raise ConfigError.at("", f"there is no Session {name!r}", f"declared: {known}")
    owner = session.status.user_ref
    authentication = session.status.authentication
    cluster = snapshot.cluster_config
    life = token_life(
        session,
        snapshot.get(User, owner.name) if owner is not None else None,
        cluster,
        SystemClock().now(),
    )
    return mint(
        open_key(data_directory(resources, data)),
        issuer_of(cluster.status.domain),
        session.metadata.uid,
        authentication.token_id if authentication is not None else "",
        life,
    )
