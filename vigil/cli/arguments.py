"""What is typed on a command line, read strictly."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import typer

DATA_DIRECTORY: Final = ".vigil"
_ADDRESS: Final = re.compile(r"(?:\[([0-9A-Fa-f:.]+)\]|([^\s:\[\]/]+)):([0-9]{1,5})")


@dataclass(frozen=True, slots=True)
class Address:
    """Where to listen; port 0 lets the system choose."""

    host: str
    port: int


def address(text: str) -> Address:
    """Read ``HOST:PORT`` or ``[IPv6]:PORT``."""
    found = _ADDRESS.fullmatch(text)
    if found is None or int(found[3]) > 65_535:
        raise typer.BadParameter(f"{text!r} is not HOST:PORT, like 127.0.0.1:8080 or [::1]:8080")
    return Address(found[1] or found[2], int(found[3]))


def request_facts(text: str) -> dict[str, Any]:
    """Read a JSON object."""
    try:
        facts = json.loads(text)
    except ValueError as error:
        raise typer.BadParameter(f"is not JSON: {error}") from None
    if not isinstance(facts, dict):
        raise typer.BadParameter('is not a JSON object, like {"http": {"method": "GET"}}')
    return facts


def data_directory(resources: Path, given: Path | None) -> Path:
    """Return where the signing key is kept."""
    if given is not None:
        return given
    return (resources if resources.is_dir() else resources.parent) / DATA_DIRECTORY
