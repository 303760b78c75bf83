"""Opening upstream connections: the only place that does, and only for a Permit."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable
from typing import Final, TypeVar

from protocols.api import Gate
from protocols.net.keepalive import watch_for_death
from protocols.net.tls import context_for
from protocols.permit import Permit, Upstream

DIAL_SECONDS: Final = 10.0

_AnyProtocol = TypeVar("_AnyProtocol", bound=asyncio.BaseProtocol)


class DialError(Exception):
    """No upstream of the Permit could be reached; ``is_timeout``: the last one gave no sign."""

    def __init__(self, reason: str, *, is_timeout: bool) -> None:
        super().__init__(reason)
        self.is_timeout = is_timeout


async def dial(
    gate: Gate, permit: Permit, make: Callable[[Upstream], _AnyProtocol]
) -> _AnyProtocol:
    """Connect to the first upstream of the Permit that answers, telling the gate which did not."""
    error = DialError("the Service has no upstream", is_timeout=False)
    for upstream in permit.upstreams:
        try:
            async with asyncio.timeout(DIAL_SECONDS):
                protocol = await _connect(upstream, make)
        except (OSError, UnicodeError) as cause:
            gate.failed(upstream)
            error = DialError(_reason(cause), is_timeout=isinstance(cause, TimeoutError))
            continue
        gate.reached(upstream)
        return protocol
    raise error


async def _connect(upstream: Upstream, make: Callable[[Upstream], _AnyProtocol]) -> _AnyProtocol:
    loop = asyncio.get_running_loop()
    context: ssl.SSLContext | None = None
    if upstream.tls is not None:
        context = await loop.run_in_executor(None, context_for, upstream.tls)
    transport, protocol = await loop.create_connection(
        lambda: make(upstream),
        upstream.host,
        upstream.port,
        ssl=context,
        server_hostname=(upstream.tls.server_name or upstream.host) if upstream.tls else None,
    )
    watch_for_death(transport)
    return protocol


def _reason(cause: Exception) -> str:
    """Say what failed by its kind: an address or a certificate's text stays out of the log."""
    if isinstance(cause, TimeoutError):
        return "the upstream did not answer in time"
    if isinstance(cause, ssl.SSLError):
        return (
            f"TLS with the upstream failed: {getattr(cause, 'reason', None) or 'no reason given'}"
        )
    return f"the upstream cannot be reached: {type(cause).__name__}"
