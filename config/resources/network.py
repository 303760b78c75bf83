"""The private networks of the Cluster, chosen when it is installed (spec/resources.md §3)."""

from __future__ import annotations

import ipaddress
from enum import StrEnum
from typing import Annotated, TypeAlias

from pydantic import AfterValidator, Field

from config.resources.model import Model, Symbol, fault
from config.resources.scalars import Port, Text, UInt


def _check_address(value: str) -> str:
    try:
        ipaddress.ip_interface(value)
    except ValueError:
        value = ""
    if not value:
        raise fault("must be an IP address or a network")
    return value


Address: TypeAlias = Annotated[str, AfterValidator(_check_address)]


class AddressPair(Model):
    """The same thing in both versions of IP."""

    v4: Address = ""
    v6: Address = ""


class ClusterNetworks(Model):
    """The networks derived at installation."""

    cluster_network: AddressPair | None = None
    service_subnet: AddressPair | None = None
    wg_conn_subnet: AddressPair | None = None
    quic_conn_subnet: AddressPair | None = None
    v6_range_prefix: Text = ""


class NetworkMode(StrEnum):
    """Which versions of IP the Cluster uses inside."""

    DUAL_STACK = "DUAL_STACK"
    V4_ONLY = "V4_ONLY"
    V6_ONLY = "V6_ONLY"


class V4Config(Model):
    """How the IPv4 network is divided."""

    cluster_network: Address = ""
    gateway_bits: Annotated[UInt, Field(le=32)] = 0
    region_bits: Annotated[UInt, Field(le=32)] = 0


class V6Config(Model):
    """How the IPv6 network is divided."""

    cluster_network: Address = ""


class WireguardConfig(Model):
    """The tunnel over WireGuard; None means 53820 and 1280."""

    gateway_port: Port = 0
    mtu: Annotated[int, Field(ge=576, le=65_535)] | None = None


class QUICv0Config(Model):
    """The tunnel over QUIC; None means 8443 and 1280."""

    enable: bool = False
    gateway_port: Port = 0
    mtu: Annotated[int, Field(ge=576, le=1_280)] | None = None


class NetworkConfig(Model):
    """What may be chosen at installation."""

    mode: Symbol[NetworkMode] | None = None
    v4: V4Config | None = None
    v6: V6Config | None = None
    wireguard: WireguardConfig | None = None
    quicv0: QUICv0Config | None = None
