"""The public conformance suite of CEL against our engine; each test left out has its reason."""

from __future__ import annotations

import math
import re
from collections import Counter
from typing import Any, Final

import pytest

from policy.cel.compile import compile_expression
from policy.cel.environment import Environment
from policy.cel.operators import equals
from policy.cel.values import CompileError, EvaluationError, Timestamp, type_name
from tests.conformance.suite import PACKAGE, Case, NeedsMessages, cases, value_of

NOW: Final = Timestamp(0)
_MESSAGE: Final = re.compile(
    r"[A-Za-z_]\s*\{|TestAllTypes|NestedTestAllTypes|GlobalEnum|proto\.(?:get|has)Ext"
    r"|google\.protobuf\.(?!Timestamp|Duration)"
)
# An unknown name is refused when the policy is read, not when it is evaluated.
_REFUSED_EARLIER: Final = (
    "basic/variables/unbound_is_runtime_error",
    "basic/functions/unbound_is_runtime_error",
    "parse/receiver_function_names/",
)


def reason_to_leave_out(case: Case) -> str | None:
    """Return why a test says nothing about this engine, None when it does."""
    if case.id.startswith(_REFUSED_EARLIER):
        return "unknown names are refused at compile time"
    if _MESSAGE.search(case.expression) or needs_messages(case):
        return "protobuf messages"
    if case.data.get("checkOnly"):
        return "asks the type checker only"
    if case.section.startswith("block_ext/"):
        return "cel.block is what optimisers write, not people"
    return None


def needs_messages(case: Case) -> bool:
    values = [binding["value"] for binding in case.data.get("bindings", {}).values()]
    try:
        for value in (*values, *filter(None, [case.data.get("value")])):
            value_of(value)
    except NeedsMessages:
        return True
    return False


def chosen() -> list[Any]:
    if not PACKAGE.exists():
        return []
    return [pytest.param(case, id=case.id) for case in cases() if reason_to_leave_out(case) is None]


def is_same(value: Any, expected: Any) -> bool:
    if isinstance(value, float) and isinstance(expected, float) and math.isnan(expected):
        return math.isnan(value)
    return equals(value, expected) and type_name(value) == type_name(expected)


@pytest.mark.parametrize("case", chosen())
def test_expression_means_what_the_suite_says(case: Case) -> None:
    bindings = {
        name: value_of(binding["value"]) for name, binding in case.data.get("bindings", {}).items()
    }
    expected = value_of(case.data.get("value") or {"boolValue": True})
    environment = Environment(tuple(bindings), case.data.get("container", ""))
    try:
        program = compile_expression(case.expression, environment)
        value = program.evaluate(*bindings.values(), NOW)
    except (CompileError, EvaluationError):
        if "evalError" not in case.data:
            raise
        return
    assert "evalError" not in case.data, value
    if "typedResult" in case.data:
        expected = value_of(case.data["typedResult"]["result"])
    assert is_same(value, expected), (value, expected)


def test_what_is_left_out_is_known() -> None:
    """A new release of the suite, or a looser reason, shows up here."""
    reasons = Counter(filter(None, map(reason_to_leave_out, cases())))
    assert reasons == {
        "protobuf messages": 695,
        "asks the type checker only": 25,
        "cel.block is what optimisers write, not people": 25,
        "unknown names are refused at compile time": 19,
    }
