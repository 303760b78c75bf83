"""The Generation in force. Read once per request and then passed down."""

from __future__ import annotations

import ssl
from typing import final

from protocols.api import Gate
from vigil.gate.gate import ServiceGate
from vigil.proxy.generation import Generation, ListenerTLS


@final
class Current:
    """Holds one Generation and is given the next one whole."""

    __slots__ = ("_gate", "_generation", "_tls")

    def __init__(self, generation: Generation) -> None:
        self._tls: ListenerTLS | None = None
        self.swap(generation)

    @property
    def generation(self) -> Generation:
        """The Generation in force now."""
        return self._generation

    def swap(self, generation: Generation) -> None:
        """Put the next Generation in force, for every request from now on."""
        self._generation = generation
        self._gate = generation.gate
        self._tls = generation.tls or self._tls

    def gate(self) -> Gate:
        """Return the gate to pin. Hot."""
        return self._gate

    @property
    def service_gate(self) -> ServiceGate:
        """The same gate, for those who ask again."""
        return self._gate

    def tls_context(self) -> ssl.SSLContext:
        """Return how the next handshake speaks TLS.

        One that began just before its Service stopped to speak TLS ends as it would have then.
        """
        assert self._tls is not None, "only a listener that speaks TLS asks"
        return self._tls.context
