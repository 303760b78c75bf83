"""What counts as asking whether a path is there before reading it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policy.lint.guards import unguarded
from policy.schema.paths import parsed

KNOWN = frozenset(
    {("ctx", key) for key in ("user", "session", "groups", "request")}
    | {("ctx", "request", "http")}
)
DEVICE = "ctx.device.status.osType"
HEADERS = "ctx.request.http.headers"


def read(text: str) -> list[str]:
    root = parsed(text)
    assert root is not None
    return [each.guard for each in unguarded(root, KNOWN)]


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("ctx.user.spec.type == 'HUMAN'", id="a scalar of a message that is there"),
        pytest.param(f"has(ctx.device) && {DEVICE} == 'MAC'", id="has and"),
        pytest.param(f"{DEVICE} == 'MAC' && has(ctx.device)", id="the order does not matter"),
        pytest.param(f"!has(ctx.device) || {DEVICE} == 'MAC'", id="not has or"),
        pytest.param(f"!(has(ctx.device) && {DEVICE} == 'MAC')", id="negated has and"),
        pytest.param(f"!(!has(ctx.device) || {DEVICE} == 'MAC')", id="negated not has or"),
        pytest.param(f"has(ctx.device) ? {DEVICE} == 'MAC' : true", id="ternary, yes"),
        pytest.param(f"!has(ctx.device) ? true : {DEVICE} == 'MAC'", id="ternary, no"),
        pytest.param(f"(has(ctx.device) ? {DEVICE} : '') == 'MAC'", id="ternary inside"),
        pytest.param(f"true && (has(ctx.device) && true) && {DEVICE} == 'M'", id="in brackets"),
        pytest.param("has(ctx.device.status.posture) && ctx.device.status.isLocked", id="deeper"),
        pytest.param("has(ctx.device)", id="has alone"),
        pytest.param("!has(ctx.device)", id="not has alone"),
        pytest.param("has(ctx.device.status.posture)", id="a deep has where absence is false"),
        pytest.param("ctx.?device.status.osType.orValue('') == 'MAC'", id="optional"),
        pytest.param(f"ctx.?device.hasValue() && {DEVICE} == 'MAC'", id="hasValue"),
        pytest.param(f"'x' in {HEADERS} && {HEADERS}.x == ''", id="in"),
        pytest.param("ctx.groups.exists(g, has(g.spec.attrs.x) && g.spec.attrs.x)", id="variable"),
        pytest.param("ctx.groups.map(g, has(g.spec.attrs.x), g.spec.attrs.x) == []", id="filter"),
        pytest.param("ctx.user.metadata.labels.all(k, v, v == 'x')", id="visited values are there"),
        pytest.param("cel.bind(d, ctx.user, d.spec.type == 'HUMAN')", id="bound"),
    ],
)
def test_nothing_is_read_unguarded(text: str) -> None:
    assert read(text) == []


@pytest.mark.parametrize(
    ("text", "guard"),
    [
        pytest.param(f"{DEVICE} == 'MAC'", "has(ctx.device)", id="bare"),
        pytest.param(f"has(ctx.device) || {DEVICE} == 'MAC'", "has(ctx.device)", id="wrong or"),
        pytest.param(f"!has(ctx.device) && {DEVICE} == 'MAC'", "has(ctx.device)", id="wrong and"),
        pytest.param(f"has(ctx.device) ? true : {DEVICE} == ''", "has(ctx.device)", id="ternary"),
        pytest.param(
            f"has(ctx.session.status.connection) && {DEVICE} == ''", "has(ctx.device)", id="other"
        ),
        pytest.param("!has(ctx.device.status.posture)", "has(ctx.device)", id="a deep not has"),
        pytest.param(
            "has(ctx.device) && ctx.device.status.posture.riskLevel == 'LOW'",
            "has(ctx.device.status.posture)",
            id="guarded not deep enough",
        ),
        pytest.param(
            'ctx.request.http.headers["x-y"] == ""',
            '"x-y" in ctx.request.http.headers',
            id="a key that is no word",
        ),
        pytest.param("attrs.os == 'MAC'", "has(attrs.os)", id="attrs"),
        pytest.param("ctx.groups.exists(g, g.spec.attrs.x)", "has(g.spec.attrs.x)", id="variable"),
        pytest.param("cel.bind(d, ctx.device, true)", "has(ctx.device)", id="bound"),
        pytest.param("size(ctx.device.status.hostname) > 1", "has(ctx.device)", id="argument"),
        pytest.param("[ctx.device.status.hostname] == ['']", "has(ctx.device)", id="element"),
    ],
)
def test_it_is_read_unguarded(text: str, guard: str) -> None:
    assert read(text) == [guard]


def test_the_first_absent_message_of_a_chain_is_the_one_to_ask_for() -> None:
    assert read("ctx.device.status.posture.riskLevel == 'LOW'") == ["has(ctx.device)"]


def test_a_long_chain_of_terms_is_read_in_bounded_time() -> None:
    terms = "&&".join(f"has(ctx.user.spec.attrs.a{index})" for index in range(280))
    assert read(f"{terms}&&ctx.user.spec.attrs.a7") == []


PARTS = (
    "has(ctx.device)",
    "!",
    "&&",
    "||",
    "(",
    ")",
    "ctx.device.spec.state=='X'",
    "?",
    ":",
    "true",
)


@given(st.lists(st.sampled_from(PARTS), max_size=14))
def test_no_expression_makes_it_raise(parts: list[str]) -> None:
    root = parsed("".join(parts))
    assert root is None or isinstance(list(unguarded(root, KNOWN)), list)


def test_conditions_nested_in_conditions_are_read_in_bounded_time() -> None:
    text = "has(ctx.device)"
    for _ in range(40):
        text = f"({text} ? has(ctx.device) : ctx.device.status.isLocked)"
    assert read(text) == ["has(ctx.device)"] * 40
