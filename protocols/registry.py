"""Which protocol serves which mode. A new protocol is one line here."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import Final

from config.resources.service import Mode
from protocols.api import ProtocolSpec

PROTOCOLS: Final[Mapping[Mode, str]] = {
    Mode.HTTP: "protocols.http.spec:SPEC",
    Mode.WEB: "protocols.http.spec:SPEC",
}


def protocol_for(mode: Mode) -> ProtocolSpec | None:
    """Return what serves this mode, loading it on first use; None where nothing does yet."""
    place = PROTOCOLS.get(mode)
    if place is None:
        return None
    module, _, name = place.partition(":")
    spec = getattr(import_module(module), name)
    assert isinstance(spec, ProtocolSpec)
    return spec
