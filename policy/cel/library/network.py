"""The network extension: ``ip()`` and ``cidr()`` values and what they can be asked."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import lru_cache
from ipaddress import IPv6Address, ip_interface
from typing import Any, Final, TypeVar

from policy.cel.library.addresses import Address, Cidr, Ip, is_prefixed, parse_exact
from policy.cel.library.text import require_text
from policy.cel.signature import Function, Kind
from policy.cel.values import InvalidArgument, NoSuchOverload

_Value = TypeVar("_Value", Ip, Cidr)
_SHOWN: Final = 64


def _require(operation: str, kind: type[_Value], value: Any) -> _Value:
    if type(value) is kind:
        return value
    raise NoSuchOverload(operation, value)


def _ip(value: Any) -> Ip:
    if type(value) is Ip:
        return value
    require_text("ip", value)
    address = parse_exact(value)
    if address is None:
        raise InvalidArgument(f"{value[:_SHOWN]!r} is no IP address")
    return Ip(address)


@lru_cache(maxsize=1024)
def _parse_cidr(text: str) -> Cidr | None:
    if not is_prefixed(text) or parse_exact(text.partition("/")[0]) is None:
        return None
    try:
        return Cidr(ip_interface(text))
    except ValueError:
        return None


def _cidr(value: Any) -> Cidr:
    if type(value) is Cidr:
        return value
    require_text("cidr", value)
    parsed = _parse_cidr(value)
    if parsed is None:
        raise InvalidArgument(f"{value[:_SHOWN]!r} is no CIDR")
    return parsed


def _is_ip(value: Any) -> bool:
    require_text("isIP", value)
    return parse_exact(value) is not None


def _is_cidr(value: Any) -> bool:
    require_text("isCIDR", value)
    return _parse_cidr(value) is not None


def _is_canonical(value: Any) -> bool:
    require_text("ip.isCanonical", value)
    return bool(str(_ip(value)) == value)


def _family(value: Any) -> int:
    return _require("family", Ip, value).address.version


def _test(name: str, test: Callable[[Address], bool]) -> Function:
    def checked(value: Any) -> bool:
        return test(_require(name, Ip, value).address)

    return Function(checked, result=Kind.BOOL)


def _is_global_unicast(address: Address) -> bool:
    is_broadcast = str(address) == "255.255.255.255"
    special = (address.is_unspecified, address.is_loopback, address.is_multicast)
    return not (is_broadcast or any(special) or address.is_link_local)


def _is_link_local_multicast(address: Address) -> bool:
    first = address.packed
    if isinstance(address, IPv6Address):
        return first[0] == 0xFF and first[1] & 0x0F == 0x02
    return first[:3] == bytes((224, 0, 0))


def _contains_ip(network: Any, address: Any) -> bool:
    held = _require("containsIP", Cidr, network)
    return _ip(address).address in held.interface.network


def _contains_cidr(network: Any, other: Any) -> bool:
    outer = _require("containsCIDR", Cidr, network).interface.network
    inner = _cidr(other).interface.network
    is_longer = inner.prefixlen >= outer.prefixlen
    return inner.version == outer.version and is_longer and inner.network_address in outer


def _address_of(network: Any) -> Ip:
    return Ip(_require("ip", Cidr, network).interface.ip)


def _masked(network: Any) -> Cidr:
    return Cidr(ip_interface(_require("masked", Cidr, network).interface.network))


def _prefix_length(network: Any) -> int:
    return int(_require("prefixLength", Cidr, network).interface.network.prefixlen)


FUNCTIONS: Final[Mapping[str, Function]] = {
    "ip": Function(_ip),
    "cidr": Function(_cidr),
    "isIP": Function(_is_ip, result=Kind.BOOL),
    "isCIDR": Function(_is_cidr, result=Kind.BOOL),
    "ip.isCanonical": Function(_is_canonical, result=Kind.BOOL),
    ".family": Function(_family, result=Kind.INT),
    ".isUnspecified": _test("isUnspecified", lambda address: address.is_unspecified),
    ".isLoopback": _test("isLoopback", lambda address: address.is_loopback),
    ".isGlobalUnicast": _test("isGlobalUnicast", _is_global_unicast),
    ".isLinkLocalUnicast": _test("isLinkLocalUnicast", lambda address: address.is_link_local),
    ".isLinkLocalMulticast": _test("isLinkLocalMulticast", _is_link_local_multicast),
    ".containsIP": Function(_contains_ip, 2, 2, Kind.BOOL),
    ".containsCIDR": Function(_contains_cidr, 2, 2, Kind.BOOL),
    ".ip": Function(_address_of),
    ".masked": Function(_masked),
    ".prefixLength": Function(_prefix_length, result=Kind.INT),
}
