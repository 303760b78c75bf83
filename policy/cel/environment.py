"""What an expression may name: its variables, its functions, its types."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Final

from policy.cel.library.catalogue import FUNCTIONS, TYPE_VALUES
from policy.cel.signature import Function
from policy.cel.values import CelType


@dataclass(frozen=True, eq=False)
class Environment:
    """The names known to a compilation. Functions are ``name``, ``space.name`` or ``.member``.

    ``container`` is the namespace in which names are looked up first.
    """

    variables: tuple[str, ...]
    container: str = ""
    functions: Mapping[str, Function] = field(default_factory=lambda: FUNCTIONS)
    types: Mapping[str, CelType] = field(default_factory=lambda: TYPE_VALUES)

    def candidates(self, name: str) -> tuple[str, ...]:
        """Return the full names a name may stand for, innermost namespace first."""
        if name.startswith("."):
            return (name[1:],)
        spaces = self.container.split(".") if self.container else []
        prefixes = [".".join(spaces[:count]) for count in range(len(spaces), 0, -1)]
        return (*(f"{prefix}.{name}" for prefix in prefixes), name)

    def function(self, name: str) -> Function | None:
        """Return a function by its possibly unqualified name."""
        for candidate in self.candidates(name):
            if candidate in self.functions:
                return self.functions[candidate]
        return None


POLICY: Final = Environment(("ctx", "attrs"))


def nearest(name: str, known: list[str]) -> str:
    """Return a hint naming what was probably meant, or nothing."""
    close = get_close_matches(name, known, n=1)
    return f"; did you mean {close[0]!r}?" if close else ""
