"""The one table of kinds."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from config.resources.authenticator import Authenticator
from config.resources.cluster_config import ClusterConfig
from config.resources.credential import Credential
from config.resources.device import Device
from config.resources.gateway import Gateway
from config.resources.group import Group
from config.resources.identity_provider import IdentityProvider
from config.resources.meta import Resource
from config.resources.namespace import Namespace
from config.resources.policy import Policy
from config.resources.region import Region
from config.resources.secret import Secret
from config.resources.service import Service
from config.resources.session import Session
from config.resources.user import User

KINDS: Final[Mapping[str, type[Resource]]] = {
    kind.kind: kind
    for kind in (
        ClusterConfig,
        Namespace,
        Region,
        Gateway,
        Policy,
        Secret,
        IdentityProvider,
        Group,
        User,
        Service,
        Credential,
        Session,
        Device,
        Authenticator,
    )
}
