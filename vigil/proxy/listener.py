"""Where a Service is listened for: a bound socket, and the server that accepts on it."""

from __future__ import annotations

import asyncio
import errno
import os
import socket
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, final

from config.errors import ConfigError
from protocols.api import Handler

BACKLOG: Final = 1024
HANDSHAKE_SECONDS: Final = 10.0
OFFSET: Final = 10_000
_TRIES: Final = 200
_LAST_PORT: Final = 65_535
_TAKEN: Final = frozenset({errno.EADDRINUSE, errno.EACCES, errno.EPERM})


@dataclass(frozen=True, slots=True)
class Place:
    """Where to listen. ``is_flexible`` allows a port offset where this one cannot be had."""

    host: str
    port: int
    is_flexible: bool = False


def bind(place: Place) -> socket.socket:
    """Return a bound socket; raises ConfigError, with a way out, where the place cannot be had."""
    wanted = (place.port, *_others(place.port)) if place.is_flexible else (place.port,)
    for port in wanted:
        try:
            return _bound(place.host, port)
        except OSError as error:
            if error.errno not in _TAKEN or port == wanted[-1]:
                raise _refused(place, error) from error
    raise AssertionError("a place has at least one port")


def _others(port: int) -> range:
    first = port + OFFSET if port + OFFSET <= _LAST_PORT else 1024
    return range(first, min(first + _TRIES, _LAST_PORT + 1))


def _bound(host: str, port: int) -> socket.socket:
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    family, _, _, _, address = found[0]
    bound = socket.create_server(address[:2], family=family, backlog=BACKLOG)
    bound.settimeout(0)
    return bound


def _refused(place: Place, error: OSError) -> ConfigError:
    hint = "choose another with --listen HOST:PORT"
    if error.errno in {errno.EACCES, errno.EPERM}:
        hint = f"ports below 1024 need privileges: {hint}"
    message = f"cannot listen on {place.host}:{place.port}: {reason(error)}"
    return ConfigError.at("", message, hint)


def reason(error: OSError) -> str:
    """Say what the system said, without what libraries add to it."""
    if error.errno is None or isinstance(error, socket.gaierror):
        return error.strerror or type(error).__name__
    return os.strerror(error.errno)


@final
class Listener:
    """Accepts connections on a bound socket until it is closed.

    ``tls`` is asked at each handshake, so that a renewed certificate needs no new listener.
    """

    def __init__(self, bound: socket.socket, server: asyncio.Server) -> None:
        self._bound = bound
        self._server = server
        self.address: Final[tuple[str, int]] = bound.getsockname()[:2]

    @classmethod
    async def open(
        cls, bound: socket.socket, handler: Handler, tls: Callable[[], ssl.SSLContext] | None
    ) -> Listener:
        """Start to accept. The socket belongs to the listener from now on."""
        context = _following(tls) if tls is not None else None
        server = await asyncio.get_running_loop().create_server(
            lambda: handler.connection(is_tls=context is not None),
            sock=bound.dup(),
            backlog=BACKLOG,
            ssl=context,
            ssl_handshake_timeout=HANDSHAKE_SECONDS if context is not None else None,
        )
        return cls(bound, server)

    def duplicate(self) -> socket.socket:
        """Return the same bound socket for a successor, so that no connection is refused."""
        return self._bound.dup()

    def close(self) -> None:
        """Accept no more; what was accepted is the handler's."""
        self._server.close()
        self._bound.close()


def _following(tls: Callable[[], ssl.SSLContext]) -> ssl.SSLContext:
    """Return a context that hands each handshake over to the one in force then."""

    def hand_over(
        handshake: ssl.SSLObject | ssl.SSLSocket, _name: str | None, _: ssl.SSLContext
    ) -> None:
        handshake.context = tls()

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_alpn_protocols(["http/1.1"])
    context.sni_callback = hand_over
    return context
