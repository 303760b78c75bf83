"""How long an access token minted from files is good for (spec/control-plane.md §1.3, §1.4)."""

from __future__ import annotations

from typing import Final

from config.resources.cluster_config import ClusterConfig
from config.resources.meta import Duration
from config.resources.session import Session
from config.resources.user import User, UserType
from vigil.identity.principals import NEVER, session_end, token_end

DEFAULT_SECONDS: Final = 4 * 3600
SHORTEST_SECONDS: Final = 30 * 60


def token_life(session: Session, user: User | None, cluster: ClusterConfig, now: float) -> range:
    """Return from when until when a token minted now is good, in epoch seconds.

    What the Session declares of its token decides: its end, or where ``setAt`` is not declared its
    life from now. Otherwise the default applies. The token does not outlive its Session.
    """
    declared = token_end(session)
    if declared != NEVER:
        return range(int(now), int(declared))
    authentication = session.status.authentication
    own = authentication.access_token_duration if authentication is not None else None
    end = now + (own.seconds_total if own is not None else default_seconds(user, cluster))
    if now < session_end(session) < end:
        end = session_end(session)
    return range(int(now), int(end))


def default_seconds(user: User | None, cluster: ClusterConfig) -> int:
    """Return the User's setting, else the Cluster's for that type of User, else four hours."""
    for wanted in _settings(user, cluster):
        if wanted is not None and wanted.seconds_total >= SHORTEST_SECONDS:
            return wanted.seconds_total
    return DEFAULT_SECONDS


def _settings(user: User | None, cluster: ClusterConfig) -> tuple[Duration | None, ...]:
    if user is None:
        return ()
    own = user.spec.session.access_token_duration if user.spec.session is not None else None
    settings = cluster.spec.session
    if settings is None:
        return (own,)
    by_type = settings.human if user.spec.type is UserType.HUMAN else settings.workload
    return (own, by_type.access_token_duration if by_type is not None else None)
