"""The Generation in force. Read once per request and then passed down."""

from __future__ import annotations

import ssl
from typing import final

from protocols.api import Gate
from vigil.gate.gate import ServiceGate
from vigil.proxy.generation import Generation


@final
class Current:
    """Holds one Generation and is given the next one whole."""

    __slots__ = ("_gate", "_generation")

    def __init__(self, generation: Generation) -> None:
        self.swap(generation)

    @property
    def generation(self) -> Generation:
        """The Generation in force now."""
        return self._generation

    def swap(self, generation: Generation) -> None:
        """Put the next Generation in force, for every request from now on."""
        self._generation = generation
        self._gate = generation.gate

    def gate(self) -> Gate:
        """Return the gate to pin. Hot."""
        return self._gate

    @property
    def service_gate(self) -> ServiceGate:
        """The same gate, for those who ask again."""
        return self._gate

    def tls_context(self) -> ssl.SSLContext:
        """Return how the next handshake speaks TLS."""
        tls = self._generation.tls
        assert tls is not None, "a listener is replaced before its Service stops to speak TLS"
        return tls.context
