from __future__ import annotations

from typing import Any

import pytest

from policy.cel.compile import compile_expression
from policy.cel.environment import Environment
from policy.cel.values import EvaluationError, MissingKey, NoSuchOverload, Timestamp
from tests.harness.cel import NOW, evaluate


def test_a_text_is_compiled_once() -> None:
    assert compile_expression("ctx.user.once == 1") is compile_expression("ctx.user.once == 1")


@pytest.mark.parametrize(
    ("text", "reads"),
    [
        pytest.param("now() > timestamp(0)", True, id="now"),
        pytest.param("[1].all(x, time.isWeekday(now()))", True, id="now-in-a-macro"),
        pytest.param(
            "timestamp('2026-01-01T00:00:00Z').getFullYear() == 2026", False, id="constant"
        ),
        pytest.param("ctx.now == 'now()'", False, id="field-and-text"),
    ],
)
def test_program_knows_whether_it_reads_the_clock(text: str, reads: bool) -> None:
    assert compile_expression(text).reads_clock is reads


def test_now_is_the_instant_given() -> None:
    assert evaluate("[now(), now()]", now=Timestamp(5)) == [Timestamp(5), Timestamp(5)]


@pytest.mark.parametrize(
    ("text", "paths"),
    [
        pytest.param("1 + 1", (), id="none"),
        pytest.param(
            "ctx.user.name == attrs.name || ctx.user.name == 'x'",
            (("ctx", "user", "name"), ("attrs", "name")),
            id="each-once",
        ),
        pytest.param(
            "has(ctx.device.status)", (("ctx", "device", "status"), ("ctx", "device")), id="has"
        ),
        pytest.param(
            "ctx.request['http'].path", (("ctx", "request", "http", "path"),), id="string-index"
        ),
        pytest.param("ctx.groups.exists(g, g.name == 'x')", (("ctx", "groups"),), id="variable"),
        pytest.param("[1].all(ctx, ctx.user)", (), id="hidden-variable"),
        pytest.param("ctx.map(k, k)", (("ctx",),), id="whole"),
    ],
)
def test_program_knows_the_paths_it_reads(text: str, paths: tuple[tuple[str, ...], ...]) -> None:
    assert compile_expression(text).paths == paths


def test_missing_key_carries_its_path() -> None:
    with pytest.raises(MissingKey) as caught:
        evaluate("ctx.device.status.osType in ['LINUX', 'MAC']")
    assert caught.value.key == "device"
    assert caught.value.path == ("ctx", "device", "status", "osType")


def test_wrong_types_are_named() -> None:
    with pytest.raises(NoSuchOverload, match=r"no such overload: >\(string, int\)"):
        evaluate("ctx.request.http.method > 1", {"request": {"http": {"method": "GET"}}})


def test_another_environment_has_other_variables() -> None:
    environment = Environment(("x", "a.b"), container="a")
    program = compile_expression("x + b.c + .a.b.c", environment)
    assert program.evaluate(1, {"c": 2}, NOW) == 5


def test_text_cannot_reach_python() -> None:
    for text in ("ctx.__class__", "ctx.k0", "ctx['__init__']", "ctx.user.items"):
        with pytest.raises(MissingKey):
            evaluate(text, {"user": {}})


@pytest.mark.parametrize(
    ("text", "ctx", "attrs", "value"),
    [
        pytest.param(
            '"g1" in ctx.user.spec.groups', {"user": {"spec": {"groups": []}}}, {}, False, id="2"
        ),
        pytest.param(
            'attrs.k1 == "v1" && attrs.k2 in ["v2", "v3"]',
            {},
            {"k1": "v1", "k2": "v3"},
            True,
            id="5",
        ),
        pytest.param(
            'ctx.request.http.path.startsWith("/ignored")',
            {"request": {"http": {"path": "/ignored/x"}}},
            {},
            True,
            id="6",
        ),
        pytest.param(
            "int(ctx.request.http.size) > 10", {"request": {"http": {"size": 11}}}, {}, True, id="8"
        ),
        pytest.param(
            'ctx.device.status.osType in ["LINUX", "MAC"]',
            {"device": {"status": {"osType": "WINDOWS"}}},
            {},
            False,
            id="11-windows",
        ),
        pytest.param(
            'ctx.device.status.osType in ["LINUX", "MAC"]',
            {"device": {"status": {"osType": "LINUX"}}},
            {},
            True,
            id="11-linux",
        ),
    ],
)
def test_worked_examples_of_the_specification(text: str, ctx: Any, attrs: Any, value: Any) -> None:
    assert evaluate(text, ctx, attrs=attrs) is value


@pytest.mark.parametrize(
    ("text", "error"),
    [
        pytest.param("ctx.device.status.isLocked", "no such key: device", id="9"),
        pytest.param("ctx.request.http.path == '/'", "no such key: http", id="12"),
        pytest.param("attrs.k2 in ['v2']", "no such key: k2 in attrs.k2", id="5"),
    ],
)
def test_worked_examples_that_miss_data(text: str, error: str) -> None:
    with pytest.raises(MissingKey, match=error):
        evaluate(text, {"request": {"grpc": {}}}, attrs={"k1": "v1"})


def test_an_error_can_be_raised_again_without_its_frames() -> None:
    with pytest.raises(EvaluationError) as caught:
        evaluate("ctx.a.b > 1")
    again = caught.value.again()
    assert (str(again), again.__traceback__) == (str(caught.value), None)
