"""The tunnel a Session is connected by (spec/resources.md §13)."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

from pydantic import AfterValidator, Field

from config.resources.meta import ObjectReference
from config.resources.model import Many, Model, Symbol, fault
from config.resources.network import AddressPair
from config.resources.scalars import Port, Text, Timestamp, is_ip


class ConnectionType(StrEnum):
    """What the tunnel is made of."""

    WIREGUARD = "WIREGUARD"
    QUICV0 = "QUICV0"


class L3Mode(StrEnum):
    """Which versions of IP go through the tunnel."""

    BOTH = "BOTH"
    V4 = "V4"
    V6 = "V6"


class L4Type(StrEnum):
    """The transport of a Service."""

    TCP = "TCP"
    UDP = "UDP"


class ServedMode(StrEnum):
    """How the client serves a Service."""

    DEFAULT = "DEFAULT"
    ESSH = "ESSH"


def _check_local(value: str) -> str:
    if value != "localhost" and not is_ip(value):
        raise fault("must be an IP address or localhost")
    return value


class PublishedService(Model):
    """A Service the client makes reachable on its own machine."""

    service_ref: ObjectReference | None = None
    port: Port = 0
    address: Annotated[str, AfterValidator(_check_local)] = ""


class ServiceOptions(Model):
    """What the client agreed to serve."""

    serve_all: bool = False
    requested_services: Annotated[Many[ObjectReference], Field(max_length=256)] = ()
    port_start: Port = 0


class ServedBackend(Model):
    """Where the client finds what it serves."""

    host: Text = ""
    port: Port = 0


class ServedUpstream(Model):
    """A Service the client serves, as the Cluster worked it out."""

    service_ref: ObjectReference | None = None
    namespace_ref: ObjectReference | None = None
    port: Port = 0
    l4_type: Symbol[L4Type] | None = None
    backend: ServedBackend | None = None
    mode: Symbol[ServedMode] | None = None


class Connection(Model):
    """The one live tunnel of a Session."""

    started_at: Timestamp | None = None
    last_seen_at: Timestamp | None = None
    type: Symbol[ConnectionType] | None = None
    l3_mode: Symbol[L3Mode] | None = None
    addresses: Many[AddressPair] = ()
    x25519_public_key: Text = ""
    ed25519_public_key: Text = ""
    ignore_dns: bool = False
    published_services: Annotated[Many[PublishedService], Field(max_length=128)] = ()
    service_options: ServiceOptions | None = None
    upstreams: Many[ServedUpstream] = ()
    e_ssh_enable: bool = False
    e_ssh_port: Port = 0
    e_socks5_enable: bool = False
    e_socks5_port: Port = 0


class PastConnection(Model):
    """A tunnel that has ended."""

    started_at: Timestamp | None = None
    ended_at: Timestamp | None = None
