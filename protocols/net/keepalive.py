"""Finding out that the other end is gone although it never said so."""

from __future__ import annotations

import asyncio
import socket
from typing import Final

_IDLE_SECONDS: Final = 30
_INTERVAL_SECONDS: Final = 15
_PROBES: Final = 4
_TCP_OPTIONS: Final = (
    ("TCP_KEEPIDLE", _IDLE_SECONDS),
    ("TCP_KEEPINTVL", _INTERVAL_SECONDS),
    ("TCP_KEEPCNT", _PROBES),
)


def watch_for_death(transport: asyncio.BaseTransport) -> None:
    """Have the kernel probe a silent TCP connection; it ends after about a minute and a half."""
    sock = transport.get_extra_info("socket")
    if sock is None or sock.family not in {socket.AF_INET, socket.AF_INET6}:
        return
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for name, value in _TCP_OPTIONS:
        option = getattr(socket, name, None)  # not every platform has each
        if option is not None:
            sock.setsockopt(socket.IPPROTO_TCP, option, value)
