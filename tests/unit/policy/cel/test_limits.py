"""Hostile expressions: none may take long, take much memory, or end in anything but a refusal."""

from __future__ import annotations

import time
import tracemalloc
from typing import Any, Final

import pytest

from policy.cel.compile import compile_expression
from policy.cel.values import CostExceeded
from tests.harness.cel import NOW, evaluate

MEGABYTE: Final = 1_000_000
BODY: Final = "x" * 4 * MEGABYTE


def doubling(seed: str, step: str, end: str) -> str:
    """Return fifty nested bindings of which each is made of the one before twice."""
    binds = "".join(f"cel.bind(a{i + 1}, {step.replace('@', f'a{i}')}, " for i in range(50))
    return f"cel.bind(a0, {seed}, {binds}{end.replace('@', 'a50')}{')' * 51}"


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("ctx.l.all(a, ctx.l.all(b, ctx.l.all(c, true)))", id="nested-loops"),
        pytest.param("ctx.l.map(a, ctx.l.map(b, ctx.l.map(c, [a, b, c])))", id="nested-lists"),
        pytest.param("lists.range(1000000000)", id="long-range"),
        pytest.param(doubling("'xxxxxxxx'", "@ + @", "size(@)"), id="doubled-text"),
        pytest.param(doubling("[1]", "@ + @", "size(@)"), id="doubled-list"),
        pytest.param(doubling("[1]", "[@, @]", "@ == @"), id="equality-of-a-shared-tree"),
        pytest.param(doubling("[1]", "[@, @]", "@ in [@]"), id="search-in-a-shared-tree"),
        pytest.param(doubling("[1]", "[@, @]", "json.marshal(@)"), id="json-of-a-shared-tree"),
        pytest.param(doubling("[1]", "[@, @]", "'%s'.format([@])"), id="format-of-a-shared-tree"),
        pytest.param(doubling("[1]", "[@, @]", "@.flatten(60)"), id="flat-shared-tree"),
        pytest.param(doubling("[1]", "[@, @]", "sets.contains(@, @)"), id="set-of-shared-trees"),
        pytest.param("strings.quote(" * 60 + "'\\\"'" + ")" * 60, id="quotes-of-quotes"),
        pytest.param("json.marshal(" * 60 + "'\\\"'" + ")" * 60, id="json-of-json"),
        pytest.param("'aaaaaaaaaa'" + ".replace('a', 'aaaaaaaaaa')" * 60, id="replace"),
        pytest.param("'a'" + ".replace('', 'aaaaaaaaaa')" * 60, id="replace-nothing"),
        pytest.param("lists.range(99).map(x, ctx.body).join()", id="join"),
        pytest.param("'%s%s%s%s'.format(lists.range(4).map(x, ctx.body))", id="format"),
        pytest.param("lists.range(300000).exists(i, ctx.body.contains('y'))", id="search-often"),
        pytest.param("lists.range(300000).exists(i, ctx.body == ctx.twin)", id="compare-often"),
        pytest.param("lists.range(300000).exists(i, ctx.body < ctx.twin)", id="order-often"),
        pytest.param("lists.range(200000).exists(i, 'a'.matches(string(i)))", id="patterns"),
        pytest.param("||".join(["ctx.body.matches('(x+x+)+y')"] * 300), id="costly-pattern"),
        pytest.param("||".join(["ctx.body.contains('xxxy')"] * 300), id="search-in-a-chain"),
        pytest.param("[" + "ctx.body.toLower()," * 500 + "]", id="copies"),
        pytest.param("[" + "ctx.body + 'a'," * 600 + "]", id="longer-copies"),
        pytest.param("ctx.body.split('').map(x, ctx.body.split(''))", id="split"),
        pytest.param("lists.range(400000).distinct()", id="distinct"),
        pytest.param("lists.range(9000).hasAll(lists.range(9000))", id="has-all"),
        pytest.param("lists.range(500000).sortBy(x, -x)", id="sort"),
        pytest.param("ctx.deep == ctx.deeper", id="deep-data"),
        pytest.param("json.marshal(ctx.deep)", id="json-of-deep-data"),
        pytest.param("'%s'.format([ctx.deep])", id="format-of-deep-data"),
    ],
)
def test_hostile_expression_is_stopped(text: str) -> None:
    deep: list[Any] = []
    deeper: list[Any] = []
    for _ in range(5000):
        deep, deeper = [deep], [deeper]
    ctx = {"l": list(range(1000)), "body": BODY, "twin": BODY[:-1] + "x", "deep": deep}
    began = time.process_time()
    with pytest.raises(CostExceeded):
        evaluate(text, {**ctx, "deeper": deeper})
    assert time.process_time() - began < 3


def test_evaluation_needs_little_memory() -> None:
    program = compile_expression("ctx.l.map(a, ctx.l.map(b, [a, b, 'x']))")
    tracemalloc.start()
    try:
        with pytest.raises(CostExceeded):
            program.evaluate({"l": list(range(100_000))}, {}, NOW)
        assert tracemalloc.get_traced_memory()[1] < 100 * MEGABYTE
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize(
    "pattern",
    [
        pytest.param("(a+)+$", id="nested-repeats"),
        pytest.param("(a|a)*b", id="ambiguous-choice"),
        pytest.param("(.*)(.*)(.*)(.*)(.*)x", id="many-stars"),
    ],
)
def test_patterns_take_linear_time(pattern: str) -> None:
    began = time.process_time()
    evaluate(f"ctx.body.matches('{pattern}')", {"body": "a" * 100_000 + "!"})
    assert time.process_time() - began < 2


def test_large_bodies_are_fine_in_ordinary_expressions() -> None:
    ctx = {"body": BODY}
    assert evaluate("ctx.body.contains('y') || ctx.body.matches('^x+$')", ctx) is True
    assert evaluate("size(ctx.body.toLower()) == 4000000", ctx) is True
