"""``&&``, ``||``, ``?:`` and what becomes of errors in them."""

from __future__ import annotations

import gc
from typing import Any

import pytest

from policy.cel.compile import compile_expression
from policy.cel.values import (
    DivisionByZero,
    EvaluationError,
    MissingKey,
    NoSuchOverload,
)
from tests.harness.cel import NOW, evaluate


@pytest.mark.parametrize(
    ("text", "value"),
    [
        pytest.param("ctx.a.b == 1 || true", True, id="or-after-an-error"),
        pytest.param("true || ctx.a.b == 1", True, id="or-before-an-error"),
        pytest.param("ctx.a.b == 1 && false", False, id="and-after-an-error"),
        pytest.param("false && 1 / 0 == 1", False, id="and-before-an-error"),
        pytest.param("1 / 0 == 1 || ctx.x || 2 == 2", True, id="or-after-two-errors"),
        pytest.param("'x' && false", False, id="and-after-no-bool"),
        pytest.param("1 || true", True, id="or-after-no-bool"),
        pytest.param("(ctx.a || true) && !(ctx.b && false)", True, id="nested"),
        pytest.param("(ctx.a && false) || (ctx.b || true)", True, id="nested-the-other-way"),
        pytest.param("[1, 2, 3].exists(x, x / 0 == 1 || x == 3)", True, id="inside-a-macro"),
        pytest.param("[ctx.list.exists(x, x > 1) || true][0]", True, id="inside-a-list"),
        pytest.param("true ? 1 : 1 / 0", 1, id="branch-not-taken"),
        pytest.param("false ? ctx.nope : 2", 2, id="other-branch-not-taken"),
        pytest.param("(true ? ctx.list : ctx.nope).size()", 2, id="ternary-as-operand"),
        pytest.param("ctx.list.size() == 2 ? 'two' : 'other'", "two", id="ternary-of-fields"),
    ],
)
def test_decided_logic_ignores_errors(text: str, value: Any) -> None:
    assert evaluate(text, {"list": [1, 2]}) == value


@pytest.mark.parametrize(
    ("text", "error"),
    [
        pytest.param("ctx.a || false", MissingKey, id="or-undecided"),
        pytest.param("ctx.a && true", MissingKey, id="and-undecided"),
        pytest.param("true && ctx.a", MissingKey, id="and-ends-in-an-error"),
        pytest.param("1 && true", NoSuchOverload, id="and-of-an-int"),
        pytest.param("true && 1", NoSuchOverload, id="and-ends-in-an-int"),
        pytest.param("false || 'x'", NoSuchOverload, id="or-ends-in-a-string"),
        pytest.param("ctx.a || 1 / 0 == 1", MissingKey, id="first-error-missing"),
        pytest.param("1 / 0 == 1 || ctx.a", DivisionByZero, id="first-error-division"),
        pytest.param("!1", NoSuchOverload, id="not-of-an-int"),
        pytest.param("!ctx.a", MissingKey, id="not-of-missing"),
        pytest.param("1 ? 2 : 3", NoSuchOverload, id="ternary-of-an-int"),
        pytest.param("ctx.a ? 2 : 3", MissingKey, id="ternary-of-missing"),
        pytest.param("[ctx.a || false]", MissingKey, id="inside-a-list"),
        pytest.param("[1 / 0, ctx.a]", DivisionByZero, id="operands-from-the-left"),
        pytest.param("[ctx.a, 1 / 0]", MissingKey, id="operands-from-the-left-too"),
        pytest.param("1 / 0 == (ctx.a ? 1 : 2)", DivisionByZero, id="before-a-statement"),
    ],
)
def test_undecided_logic_raises_the_first_error(text: str, error: type[EvaluationError]) -> None:
    with pytest.raises(error):
        evaluate(text)


def test_an_absorbed_error_leaves_no_cycle_behind() -> None:
    program = compile_expression("ctx.a.b == 1 || ctx.c == 2 || [1].exists(x, ctx.d) || true")
    program.evaluate({}, {}, NOW)
    gc.collect()
    gc.disable()
    try:
        for _ in range(20):
            assert program.evaluate({}, {}, NOW) is True
        assert gc.collect() == 0
    finally:
        gc.enable()
