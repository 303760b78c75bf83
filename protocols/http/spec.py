"""HTTP as the registry knows it."""

from __future__ import annotations

from typing import Final

from config.resources.service import Mode
from protocols.api import ProtocolSpec
from protocols.http.handler import make
from protocols.http.options import prepare
from protocols.http.record import LABELS

SPEC: Final = ProtocolSpec(
    modes=frozenset({Mode.HTTP, Mode.WEB}), labels=LABELS, prepare=prepare, make=make
)
