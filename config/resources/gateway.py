"""Gateway: a machine that clients' tunnels end at (spec/resources.md §18)."""

from __future__ import annotations

from typing import ClassVar

from config.resources.meta import ObjectReference, Resource
from config.resources.model import Many, Model
from config.resources.network import Address, AddressPair
from config.resources.scalars import Port, Text, Timestamp, UInt


class GatewaySpec(Model):
    """Nothing is declared of a Gateway but its name."""


class GatewayWireguard(Model):
    """Where and with which key the Gateway speaks WireGuard."""

    port: Port = 0
    public_key: Text = ""
    key_rotated_at: Timestamp | None = None


class GatewayQUICv0(Model):
    """Where the Gateway speaks QUIC."""

    port: Port = 0


class GatewayStatus(Model):
    """What the gateway daemon says of itself."""

    region_ref: ObjectReference | None = None
    node_ref: ObjectReference | None = None
    id: Text = ""
    index: UInt = 0
    cidr: AddressPair | None = None
    public_ips: Many[Address] = ()
    hostname: Text = ""
    wireguard: GatewayWireguard | None = None
    quicv0: GatewayQUICv0 | None = None


class Gateway(Resource):
    """One node of the data plane."""

    kind: ClassVar = "Gateway"

    spec: GatewaySpec
    status: GatewayStatus = GatewayStatus()
