"""How a function of CEL is declared: its Python callable, how many operands, what it gives."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum, auto
from typing import Any


class Kind(Enum):
    """A type known before evaluation; DYN is any."""

    DYN = auto()
    NULL = auto()
    BOOL = auto()
    INT = auto()
    UINT = auto()
    DOUBLE = auto()
    STRING = auto()
    BYTES = auto()
    LIST = auto()
    MAP = auto()


@dataclass(frozen=True, slots=True)
class Function:
    """A function of the library; a receiver counts as the first operand.

    A metered function takes the evaluation's Meter first: its work grows with its operands.
    A foldable one is evaluated at compile time when every operand is a literal.
    """

    call: Callable[..., Any]
    least: int = 1
    most: int = 1
    result: Kind = Kind.DYN
    is_metered: bool = False
    is_foldable: bool = False
