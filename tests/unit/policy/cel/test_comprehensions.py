from __future__ import annotations

from typing import Any

import pytest

from policy.cel.values import (
    CostExceeded,
    DivisionByZero,
    EvaluationError,
    InvalidArgument,
    MissingKey,
    NoSuchOverload,
)
from tests.harness.cel import evaluate

CTX: dict[str, Any] = {
    "groups": [{"name": "dev", "size": 3}, {"name": "ops"}],
    "names": ["dev", "ops"],
    "map": {"a": 1, "b": 2},
}


@pytest.mark.parametrize(
    ("text", "value"),
    [
        pytest.param("ctx.names.exists(n, n == 'ops')", True, id="exists"),
        pytest.param("ctx.names.exists(n, n == 'qa')", False, id="exists-not"),
        pytest.param("[].exists(n, true)", False, id="exists-in-nothing"),
        pytest.param("ctx.names.all(n, size(n) == 3)", True, id="all"),
        pytest.param("ctx.names.all(n, n == 'ops')", False, id="all-not"),
        pytest.param("[].all(n, false)", True, id="all-of-nothing"),
        pytest.param("ctx.names.exists_one(n, n == 'ops')", True, id="exists-one"),
        pytest.param("ctx.names.existsOne(n, size(n) == 3)", False, id="exists-two"),
        pytest.param("ctx.names.map(n, n + '!')", ["dev!", "ops!"], id="map"),
        pytest.param("ctx.names.map(n, n != 'dev', n + '!')", ["ops!"], id="map-filtered"),
        pytest.param("ctx.names.filter(n, n != 'dev')", ["ops"], id="filter"),
        pytest.param("ctx.map.filter(k, k == 'b')", ["b"], id="keys-of-a-map"),
        pytest.param("ctx.map.all(k, ctx.map[k] > 0)", True, id="values-through-keys"),
        pytest.param("ctx.groups.exists(g, g.size > 2)", True, id="error-outweighed"),
        pytest.param("ctx.groups.all(g, g.size > 5)", False, id="error-outweighed-in-all"),
        pytest.param("[[1, 2], [3]].map(l, l.map(x, x * 10))", [[10, 20], [30]], id="nested"),
        pytest.param("[1, 2].map(x, [1].map(x, x + 1))", [[2], [2]], id="inner-variable-hides"),
        pytest.param("[1, 2].map(x, [x].exists(y, y == 2))", [False, True], id="nested-exists"),
        pytest.param("ctx.names.exists(i, n, i == 1 && n == 'ops')", True, id="index-and-element"),
        pytest.param("ctx.map.all(k, v, k == 'a' ? v == 1 : v == 2)", True, id="key-and-value"),
        pytest.param("ctx.map.existsOne(k, v, v == 2)", True, id="one-value"),
        pytest.param("ctx.names.transformList(i, n, [i, n])", [[0, "dev"], [1, "ops"]], id="list"),
        pytest.param("ctx.names.transformList(i, n, i > 0, n)", ["ops"], id="list-filtered"),
        pytest.param("ctx.map.transformMap(k, v, v * 2)", {"a": 2, "b": 4}, id="transform-map"),
        pytest.param("ctx.map.transformMap(k, v, k == 'a', v)", {"a": 1}, id="map-part"),
        pytest.param("ctx.names.transformMap(i, n, n)", {0: "dev", 1: "ops"}, id="list-to-map"),
        pytest.param("ctx.map.transformMapEntry(k, v, {v: k})", {1: "a", 2: "b"}, id="entries"),
        pytest.param("cel.bind(x, ctx.map.a, x + x)", 2, id="bind"),
        pytest.param("cel.bind(x, 1, cel.bind(y, x + 1, [x, y]))", [1, 2], id="nested-bind"),
        pytest.param(
            "ctx.groups.sortBy(g, g.name == 'dev').map(g, g.name)", ["ops", "dev"], id="by"
        ),
        pytest.param("optional.of(2).optMap(x, x * 2).value()", 4, id="opt-map"),
        pytest.param("optional.none().optMap(x, 1 / 0).hasValue()", False, id="opt-map-of-none"),
        pytest.param("optional.of(ctx).optFlatMap(c, c.?map).hasValue()", True, id="opt-flat-map"),
        pytest.param("optional.of(1).orValue(1 / 0)", 1, id="alternative-not-needed"),
        pytest.param("optional.of(1).or(1 / 0).value()", 1, id="optional-alternative-not-needed"),
        pytest.param("optional.none().orValue(2)", 2, id="alternative"),
        pytest.param("optional.none().or(optional.of(3)).value()", 3, id="optional-alternative"),
        pytest.param("optional.ofNonZeroValue('').hasValue()", False, id="zero-value"),
        pytest.param("[?ctx.?none, ?optional.of(1), 2]", [1, 2], id="optional-elements"),
        pytest.param("{?'a': ctx.?none, ?'b': optional.of(1)}", {"b": 1}, id="optional-entries"),
        pytest.param("optional.of(1) == optional.of(1u)", True, id="equal-optionals"),
        pytest.param("optional.of(1) != optional.none()", True, id="unequal-optionals"),
    ],
)
def test_macros(text: str, value: Any) -> None:
    assert evaluate(text, CTX) == value


@pytest.mark.parametrize(
    ("text", "error"),
    [
        pytest.param("ctx.groups.all(g, g.size > 2)", MissingKey, id="all-undecided"),
        pytest.param("ctx.groups.exists(g, g.size > 5)", MissingKey, id="exists-undecided"),
        pytest.param("ctx.groups.exists_one(g, g.size > 2)", MissingKey, id="exists-one-is-strict"),
        pytest.param("[1, 0].map(x, 1 / x)", DivisionByZero, id="map"),
        pytest.param("ctx.groups.filter(g, g.size > 1)", MissingKey, id="filter"),
        pytest.param("[1].all(x, x)", NoSuchOverload, id="all-of-an-int"),
        pytest.param("[1].filter(x, x)", NoSuchOverload, id="filter-by-an-int"),
        pytest.param("'abc'.all(c, true)", NoSuchOverload, id="over-a-string"),
        pytest.param("1.map(c, true)", NoSuchOverload, id="over-an-int"),
        pytest.param("ctx.nope.exists(x, true)", MissingKey, id="over-missing-data"),
        pytest.param(
            "ctx.map.transformMapEntry(k, v, {'x': v})", InvalidArgument, id="entry-twice"
        ),
        pytest.param("ctx.map.transformMapEntry(k, v, v)", NoSuchOverload, id="entry-is-no-map"),
        pytest.param("optional.none().value()", InvalidArgument, id="value-of-none"),
        pytest.param("(1).hasValue()", NoSuchOverload, id="value-of-no-optional"),
        pytest.param("[?1]", NoSuchOverload, id="element-is-no-optional"),
        pytest.param("[1, 'a'].sortBy(x, x)", NoSuchOverload, id="keys-without-order"),
    ],
)
def test_macros_that_have_no_value(text: str, error: type[EvaluationError]) -> None:
    with pytest.raises(error):
        evaluate(text, CTX)


def test_steps_of_nested_loops_add_up() -> None:
    ctx = {"list": list(range(110))}
    nested = "ctx.list.all(a, ctx.list.all(b, {} b >= 0))"
    assert evaluate(nested.format(""), ctx) is True
    with pytest.raises(CostExceeded):
        evaluate(nested.format("ctx.list.all(c, true) &&"), ctx)


def test_steps_of_loops_side_by_side_add_up() -> None:
    ctx = {"list": list(range(100_000))}
    assert evaluate("ctx.list.all(a, a >= 0)", ctx) is True
    with pytest.raises(CostExceeded):
        evaluate(" && ".join(["ctx.list.all(a, a >= 0)"] * 10), ctx)


def test_cost_starts_anew_with_each_evaluation() -> None:
    ctx = {"list": list(range(100_000))}
    for _ in range(5):
        assert evaluate("ctx.list.all(a, a >= 0)", ctx) is True
