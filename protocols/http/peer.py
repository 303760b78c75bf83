"""Who is on the other end of an accepted connection, and whether anybody else can listen in."""

from __future__ import annotations

import ipaddress

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
