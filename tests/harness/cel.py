"""Evaluates CEL for tests."""

from __future__ import annotations

from typing import Any, Final

from policy.cel.compile import compile_expression
from policy.cel.library.times import parse_timestamp
from policy.cel.values import Timestamp

NOW: Final = parse_timestamp("2026-03-04T05:06:07Z")


def evaluate(text: str, ctx: Any = None, *, attrs: Any = None, now: Timestamp = NOW) -> Any:
    """Return the value of an expression."""
    return compile_expression(text).evaluate(
        {} if ctx is None else ctx, {} if attrs is None else attrs, now
    )
