"""The project's own source, parsed: what the architecture tests look at."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parents[2]
PACKAGES: Final = ("config", "policy", "protocols", "vigil")


def modules(*packages: str) -> Iterator[tuple[str, ast.Module]]:
    """Yield (path relative to the root, parsed module) for each file of the packages."""
    for package in packages or PACKAGES:
        for path in sorted((ROOT / package).rglob("*.py")):
            yield path.relative_to(ROOT).as_posix(), ast.parse(path.read_text())


def callers(function: str) -> set[str]:
    """Return the modules that call ``function`` by this bare name or as an attribute."""
    return {
        path
        for path, tree in modules()
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and _called(node.func) == function
    }


def _called(func: ast.expr) -> str:
    if isinstance(func, ast.Attribute):
        return func.attr
    return func.id if isinstance(func, ast.Name) else ""
