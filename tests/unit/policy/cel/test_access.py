"""Selection, ``has``, indexing, optional access, and the map keys of CEL."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Any

import pytest

from policy.cel.values import (
    EvaluationError,
    IndexRange,
    InvalidArgument,
    MissingData,
    MissingKey,
    NoSuchOverload,
    NullSelect,
)
from tests.harness.cel import evaluate

CTX: dict[str, Any] = {
    "user": {"spec": {"groups": ["dev", "ops"], "isDisabled": False}, "nick": None},
    "request": {"http": {"headers": {"x-a": "1"}, "path": "/api"}},
    "numbers": {1: "one", 2: "two"},
    "flags": {True: "yes"},
}


@pytest.mark.parametrize(
    ("text", "value"),
    [
        pytest.param("ctx.user.spec.groups", ["dev", "ops"], id="fields"),
        pytest.param("ctx.request.http.headers['x-a']", "1", id="key"),
        pytest.param("ctx['request']['http'].path", "/api", id="keys-and-fields"),
        pytest.param("ctx.user.spec.groups[1]", "ops", id="list-index"),
        pytest.param("ctx.user.spec.groups[1u]", "ops", id="list-index-uint"),
        pytest.param("ctx.user.spec.groups[1.0]", "ops", id="list-index-double"),
        pytest.param("ctx.numbers[1]", "one", id="int-key"),
        pytest.param("ctx.numbers[2u]", "two", id="uint-for-int-key"),
        pytest.param("ctx.numbers[2.0]", "two", id="double-for-int-key"),
        pytest.param("ctx.flags[true]", "yes", id="bool-key"),
        pytest.param("{true: 'a', 1: 'b'}[true]", "a", id="true-beside-one"),
        pytest.param("{true: 'a', 1: 'b'}[1]", "b", id="one-beside-true"),
        pytest.param("{1u: 'a'}[1]", "a", id="int-for-uint-key"),
        pytest.param("has(ctx.user)", True, id="has"),
        pytest.param("has(ctx.device)", False, id="has-not"),
        pytest.param("has(ctx.user.spec.isDisabled)", True, id="has-of-a-false"),
        pytest.param("has(ctx.user.nick)", True, id="has-of-a-null"),
        pytest.param("!has(ctx.user.spec.email)", True, id="has-not-deeper"),
        pytest.param("ctx.?user.?spec.?email.orValue('none')", "none", id="optional-absent"),
        pytest.param("ctx.?user.?spec.groups[?1].value()", "ops", id="optional-present"),
        pytest.param("ctx.user.spec.groups[?7].hasValue()", False, id="optional-index-absent"),
        pytest.param("has(ctx.?user.spec)", True, id="has-through-an-optional"),
        pytest.param(".ctx.user.nick == null", True, id="leading-dot"),
        pytest.param("[1].map(ctx, ctx)", [1], id="variable-hides-ctx"),
        pytest.param("[{'user': 1}].map(ctx, ctx.user)", [1], id="hidden-ctx-selected"),
        pytest.param("[1].map(ctx, .ctx.request.http.path)", ["/api"], id="dot-reaches-past"),
        pytest.param("'x-a' in ctx.request.http.headers", True, id="in-map"),
        pytest.param("1.0 in ctx.numbers", True, id="double-in-int-keys"),
        pytest.param("true in ctx.numbers", False, id="bool-in-int-keys"),
        pytest.param("1 in ctx.flags", False, id="int-in-bool-keys"),
        pytest.param("'ops' in ctx.user.spec.groups", True, id="in-list"),
        pytest.param("1 in ctx.user.spec.groups", False, id="in-list-of-another-type"),
        pytest.param("1u in [1, 2]", True, id="uint-in-ints"),
        pytest.param("true in [1]", False, id="bool-in-ints"),
        pytest.param("ctx.user.nick in ['a', 'b']", False, id="null-in-strings"),
        pytest.param("ctx.user.spec.groups in ['a', 'b']", False, id="list-in-strings"),
        pytest.param(
            "ctx.user.spec in ['1', '2', '3', '4', '5', '6', '7', '8', '9']",
            False,
            id="map-in-many",
        ),
        pytest.param("'9' in ['1', '2', '3', '4', '5', '6', '7', '8', '9']", True, id="in-many"),
    ],
)
def test_what_is_there_is_found(text: str, value: Any) -> None:
    assert evaluate(text, CTX) == value


@pytest.mark.parametrize(
    ("text", "error", "message"),
    [
        pytest.param(
            "ctx.device.status.osType == 'LINUX'",
            MissingKey,
            "no such key: device in ctx.device.status.osType",
            id="first-field",
        ),
        pytest.param(
            "ctx.user.spec.email",
            MissingKey,
            "no such key: email in ctx.user.spec.email",
            id="last-field",
        ),
        pytest.param(
            "ctx.request.http.headers['x-b']",
            MissingKey,
            "no such key: x-b in ctx.request.http.headers.x-b",
            id="string-key",
        ),
        pytest.param("ctx.numbers[3]", MissingKey, "no such key: 3", id="int-key"),
        pytest.param("ctx.numbers[true]", MissingKey, "no such key: True", id="bool-for-int-key"),
        pytest.param("ctx.numbers[1.5]", MissingKey, "no such key: 1.5", id="fraction-for-int-key"),
        pytest.param(
            "ctx.user.nick.short",
            NullSelect,
            "short selected from null in ctx.user.nick.short",
            id="null",
        ),
        pytest.param("ctx.user.nick['short']", NullSelect, "selected from null", id="null-key"),
        pytest.param("has(ctx.device.status)", MissingKey, "device", id="has-below-the-missing"),
        pytest.param("has(ctx.user.nick.short)", NullSelect, "short", id="has-below-null"),
        pytest.param(
            "ctx.user.spec.groups[2]",
            IndexRange,
            "index 2 out of range: the size is 2",
            id="index",
        ),
        pytest.param("ctx.user.spec.groups[-1]", IndexRange, "index -1", id="negative-index"),
        pytest.param("{'a': 1}.b", MissingKey, "no such key: b", id="literal-map"),
        pytest.param("[{'a': 1}].map(x, x.b)", MissingKey, "no such key: b", id="variable"),
    ],
)
def test_missing_data_says_what_is_missing(
    text: str, error: type[MissingData], message: str
) -> None:
    with pytest.raises(error) as caught:
        evaluate(text, CTX)
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("text", "error"),
    [
        pytest.param("ctx.request.http.path.x", NoSuchOverload, id="field-of-a-string"),
        pytest.param("ctx.user.spec.groups.x", NoSuchOverload, id="field-of-a-list"),
        pytest.param("ctx.user.spec.isDisabled.x", NoSuchOverload, id="field-of-a-bool"),
        pytest.param("has(ctx.request.http.path.x)", NoSuchOverload, id="has-of-a-string"),
        pytest.param("'/api'[0]", NoSuchOverload, id="index-of-a-string"),
        pytest.param("ctx.user.spec.groups['0']", NoSuchOverload, id="string-index-of-a-list"),
        pytest.param("ctx.user.spec.groups[true]", NoSuchOverload, id="bool-index-of-a-list"),
        pytest.param("ctx.user.spec.groups[0.5]", NoSuchOverload, id="fraction-index"),
        pytest.param("ctx.numbers[[1]]", NoSuchOverload, id="list-as-key"),
        pytest.param("{1.5: 1}", NoSuchOverload, id="double-as-literal-key"),
        pytest.param("{null: 1}", NoSuchOverload, id="null-as-literal-key"),
        pytest.param("{'a': 1, 'a': 2}", InvalidArgument, id="key-twice"),
        pytest.param("{1: 1, 1u: 2}", InvalidArgument, id="key-twice-in-two-types"),
        pytest.param("1 in 'abc'", NoSuchOverload, id="in-a-string"),
        pytest.param("1 in ctx.user.nick", NoSuchOverload, id="in-null"),
    ],
)
def test_wrong_types_are_no_missing_data(text: str, error: type[EvaluationError]) -> None:
    with pytest.raises(error) as caught:
        evaluate(text, CTX)
    assert not isinstance(caught.value, MissingData)


class Lazy(Mapping[str, Any]):
    def __init__(self, held: Mapping[str, Any]) -> None:
        self._held = held

    def __getitem__(self, key: str) -> Any:
        return self._held[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self._held)

    def __len__(self) -> int:
        return len(self._held)


@pytest.mark.parametrize("wrap", [Lazy, MappingProxyType])
def test_any_mapping_is_a_map(wrap: Any) -> None:
    ctx = wrap({"user": wrap({"name": "ann", "groups": ("dev",)})})
    assert evaluate("ctx.user.name == 'ann' && has(ctx.user.name) && !has(ctx.device)", ctx)
    assert evaluate("'dev' in ctx.user.groups && ctx.user.groups[0] == 'dev'", ctx)
    assert evaluate("type(ctx) == map && size(ctx.user) == 2", ctx)
    assert evaluate("ctx.user == {'groups': ['dev'], 'name': 'ann'}", ctx)
    assert evaluate("ctx.user.all(key, value, size(value) > 0)", ctx)
    with pytest.raises(MissingKey, match=r"device in ctx\.device\.status"):
        evaluate("ctx.device.status", ctx)


class Counting(Lazy):
    def __init__(self, held: Mapping[str, Any]) -> None:
        super().__init__(held)
        self.reads = 0

    def __getitem__(self, key: str) -> Any:
        self.reads += 1
        return super().__getitem__(key)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        pytest.param("ctx.a == 'x' || ctx.a == 'y' || ctx.a == 'v'", True, id="chain"),
        pytest.param("[1, 2, 3].map(x, ctx.a)", ["v", "v", "v"], id="loop"),
        pytest.param("(ctx.a == 'x' && ctx.b) || ctx.a == 'v'", True, id="nested"),
    ],
)
def test_a_path_named_often_is_followed_once(text: str, value: Any) -> None:
    ctx = Counting({"a": "v"})
    assert evaluate(text, ctx) == value
    assert ctx.reads == 1


@pytest.mark.parametrize(
    ("text", "value"),
    [
        pytest.param("ctx.n == 'x' || ctx.n == null", True, id="null"),
        pytest.param("ctx.nope == 1 || ctx.nope == 2 || true", True, id="missing-and-outweighed"),
        pytest.param("has(ctx.m.k) && ctx.m.k == 1 && ctx.m.k > 0", True, id="guarded"),
        pytest.param("[{'k': 2}].map(ctx, ctx.k + ctx.k) + [ctx.m.k]", [4, 1], id="hidden"),
        pytest.param("ctx.m.k + .ctx.m.k + ctx['m'].k", 3, id="spelt-in-three-ways"),
        pytest.param(
            "".join(f"[true].all(a{i}, " for i in range(20)) + "ctx.m.k == ctx.m.k" + ")" * 20,
            True,
            id="deep",
        ),
    ],
)
def test_a_path_named_often_means_the_same_each_time(text: str, value: Any) -> None:
    assert evaluate(text, {"n": None, "m": {"k": 1}}) == value


def test_a_path_missing_twice_is_missing() -> None:
    with pytest.raises(MissingKey, match=r"no such key: nope in ctx\.nope\.x"):
        evaluate("ctx.nope.x == 1 || ctx.nope.x == 2")
