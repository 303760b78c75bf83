"""The ``net`` functions: what an IP address is and where it lies. IPv4 in IPv6 counts as IPv4."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from ipaddress import (
    IPv4Address,
    IPv4Network,
    IPv6Address,
    IPv6Network,
    ip_address,
    ip_network,
)
from typing import Any, Final, TypeAlias

from policy.cel.library.text import require_text
from policy.cel.signature import Function, Kind
from policy.cel.values import InvalidArgument

Address: TypeAlias = IPv4Address | IPv6Address
Network: TypeAlias = IPv4Network | IPv6Network

_PRIVATE: Final = tuple(
    map(ip_network, ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7"))
)
_CIDR: Final = re.compile(r"[0-9a-fA-F.:]+/[0-9]{1,3}")
_LONGEST: Final = 64


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


@lru_cache(maxsize=1024)
def parse_network(text: str) -> Network:
    """Return a network; bits below the prefix are ignored."""
    if _CIDR.fullmatch(text):
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
