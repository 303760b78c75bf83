"""Refuses to start where one of our packages would be taken from somewhere else."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import Final

PACKAGES: Final = ("config", "policy", "protocols", "vigil")


def require_one_house() -> None:
    """Exit unless all packages lie side by side: their names are words others use as well."""
    house = Path(__file__).resolve().parents[1]
    for name in PACKAGES:
        found = find_spec(name)
        origin = found.origin if found is not None else None
        if origin is None or Path(origin).resolve().parents[1] != house:
            raise SystemExit(
                f"vigil: the package {name!r} is not the one in {house} but {origin or 'missing'};"
                " run vigil from its own environment"
            )
