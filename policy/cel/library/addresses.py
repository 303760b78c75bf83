"""The ``net`` functions: what an IP address is and where it lies. IPv4 in IPv6 counts as IPv4."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from ipaddress import (
    IPv4Address,
    IPv4Interface,
    IPv4Network,
    IPv6Address,
    IPv6Interface,
    IPv6Network,
    ip_address,
    ip_network,
)
from typing import Any, ClassVar, Final, TypeAlias

from policy.cel.library.text import require_text
from policy.cel.signature import Function, Kind
from policy.cel.values import InvalidArgument

Address: TypeAlias = IPv4Address | IPv6Address
Network: TypeAlias = IPv4Network | IPv6Network
Interface: TypeAlias = IPv4Interface | IPv6Interface

_PRIVATE: Final = tuple(
    map(ip_network, ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7"))
)
_CIDR: Final = re.compile(r"[0-9a-fA-F.:]+/[0-9]{1,3}")
_LONGEST: Final = 64


@dataclass(frozen=True, slots=True)
class Ip:
    """An address as a value of CEL."""

    address: Address
    cel_type: ClassVar[str] = "net.IP"

    def __str__(self) -> str:
        return str(self.address)


@dataclass(frozen=True, slots=True)
class Cidr:
    """An address with a prefix length as a value of CEL."""

    interface: Interface
    cel_type: ClassVar[str] = "net.CIDR"

    def __str__(self) -> str:
        return str(self.interface)


@lru_cache(maxsize=4096)
def parse_address(text: str) -> Address | None:
    """Return an address without scope, or None."""
    if len(text) > _LONGEST or "%" in text:
        return None
    try:
        address = ip_address(text)
    except ValueError:
        return None
    if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
        return address.ipv4_mapped
    return address


def parse_exact(text: str) -> Address | None:
    """Return an address of the family it is written in; IPv4 in IPv6 is refused."""
    address = parse_address(text)
    return None if isinstance(address, IPv4Address) and ":" in text else address


def is_prefixed(text: str) -> bool:
    """Whether a text looks like an address and a prefix length."""
    return len(text) <= _LONGEST and _CIDR.fullmatch(text) is not None


@lru_cache(maxsize=1024)
def parse_network(text: str) -> Network:
    """Return a network; bits below the prefix are ignored."""
    if is_prefixed(text):
        try:
            return ip_network(text, strict=False)
        except ValueError:
            pass
    raise InvalidArgument(f"{text[:_LONGEST]!r} is no CIDR")


def _address(operation: str, text: Any) -> Address:
    require_text(operation, text)
    address = parse_address(text)
    if address is None:
        raise InvalidArgument(f"{text[:_LONGEST]!r} is no IP address")
    return address


def _is_ip(text: Any) -> bool:
    require_text("net.isIP", text)
    return parse_address(text) is not None


def _is_ipv4(text: Any) -> bool:
    require_text("net.isIPv4", text)
    return isinstance(parse_address(text), IPv4Address)


def _is_ipv6(text: Any) -> bool:
    require_text("net.isIPv6", text)
    return isinstance(parse_address(text), IPv6Address)


def _is_private_ip(text: Any) -> bool:
    address = _address("net.isPrivateIP", text)
    return any(address in network for network in _PRIVATE)


@lru_cache(maxsize=4096)
def _lies_within(text: str, cidr: str) -> bool:
    return _address("net.isIPInRange", text) in parse_network(cidr)


def _is_ip_in_range(text: Any, cidr: Any) -> bool:
    require_text("net.isIPInRange", text, cidr)
    return _lies_within(text, cidr)


FUNCTIONS: Final[Mapping[str, Function]] = {
    "net.isIP": Function(_is_ip, result=Kind.BOOL),
    "net.isIPv4": Function(_is_ipv4, result=Kind.BOOL),
    "net.isIPv6": Function(_is_ipv6, result=Kind.BOOL),
    "net.isPrivateIP": Function(_is_private_ip, result=Kind.BOOL),
    "net.isIPInRange": Function(_is_ip_in_range, 2, 2, Kind.BOOL),
}
