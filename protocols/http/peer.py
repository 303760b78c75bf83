"""Who is on the other end of an accepted connection, and whether anybody else can listen in."""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence

from protocols.api import Peer


def peer_of(name: object, *, is_tls: bool) -> Peer:
    """Return who is on the other end; a unix socket has no address, and nobody on the way."""
    if not isinstance(name, tuple):
        # None: the client was gone before it could be asked.
        return Peer(address="", port=0, is_private=is_tls or name is not None)
    address = ipaddress.ip_address(str(name[0]).partition("%")[0])
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None:
        address = address.ipv4_mapped
    return Peer(str(address), int(name[1]), is_private=is_tls or address.is_loopback)


def client_address(peer: Peer, forwarded_for: Sequence[str], trusted_hops: int | None) -> str:
    """Return the client's address: the peer's, or the one an ingress in front wrote down.

    An ingress is believed only on this machine, where nobody else can speak for it. It appended
    whom it saw to X-Forwarded-For; ``trusted_hops`` more proxies before it did the same. What was
    there before them anybody may have written. A list that is too short or holds no address is
    nobody's word, and the peer's own address stays.
    """
    if trusted_hops is None or not _is_loopback(peer.address):
        return peer.address
    seen = [each.strip() for value in forwarded_for for each in value.split(",")]
    if len(seen) <= trusted_hops:
        return peer.address
    try:
        return str(ipaddress.ip_address(seen[-1 - trusted_hops]))
    except ValueError:
        return peer.address


def _is_loopback(address: str) -> bool:
    return address == "::1" or address.startswith("127.")
