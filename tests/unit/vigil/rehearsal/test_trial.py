"""A case is decided by the gate's own code, whoever asks in it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from config.errors import ConfigError
from tests.harness.resources import (
    Document,
    a_device,
    a_policy,
    a_service,
    a_session,
    a_user,
    allow,
    authorization,
    deny,
    document,
    inline,
)
from tests.harness.trials import ALLOW, DENY, a_case, a_policy_test, tried

GROUP = document("Group", "sre", {})


def web(*rules: Document, **spec: Any) -> Document:
    return a_service(
        "web", 8080, "http://localhost:1", authorization=authorization(inline(*rules)), **spec
    )


def test_a_declared_session_brings_its_user_and_device(tmp_path: Path) -> None:
    rule = allow('ctx.user.metadata.name == "alice" && ctx.device.status.osType == "LINUX"')
    world = (
        web(rule),
        a_user("alice"),
        a_device("laptop", "alice"),
        a_session("cli", "alice", device="laptop"),
    )
    assert not tried(tmp_path, *world, a_policy_test(a_case(session="cli"))).failures


def test_a_declared_user_gets_a_session_and_other_groups_where_asked(tmp_path: Path) -> None:
    world = (web(allow('"sre" in ctx.user.spec.groups')), GROUP, a_user("alice"))
    cases = (a_case(user="alice", groups=["sre"]), a_case(user="alice", expect=DENY))
    assert not tried(tmp_path, *world, a_policy_test(*cases)).failures


def test_policies_of_a_group_come_with_it(tmp_path: Path) -> None:
    group = document("Group", "sre", {"authorization": authorization(inline(allow(name="ours")))})
    case = a_case(user={}, groups=["sre"], expect=ALLOW | {"rule": "ours"})
    assert not tried(tmp_path, web(), group, a_policy_test(case)).failures


def test_somebody_made_up_is_seen_like_anybody(tmp_path: Path) -> None:
    rule = allow(
        'ctx.user.spec.type == "WORKLOAD" && ctx.user.spec.attrs.level == 3'
        ' && ctx.session.status.authentication.info.aal == "AAL2"'
        ' && ctx.session.status.isBrowser && ctx.device.status.osType == "MAC"'
        ' && ctx.groups.exists(g, g.metadata.name == "sre")'
    )
    case = a_case(
        user={"type": "WORKLOAD", "attrs": {"level": 3}, "groups": ["sre"]},
        session={"isBrowser": True, "authentication": {"info": {"aal": "AAL2"}}},
        device={"osType": "MAC"},
    )
    assert not tried(tmp_path, web(rule), GROUP, a_policy_test(case)).failures


@pytest.mark.parametrize(
    ("caller", "reason"),
    [
        pytest.param({"session": {"state": "REJECTED"}}, "SESSION_NOT_ACTIVE", id="session"),
        pytest.param({"session": {"isLocked": True}}, "SESSION_LOCKED", id="session-locked"),
        pytest.param(
            {"session": {"expiresAt": "2020-01-01T00:00:00Z"}}, "SESSION_EXPIRED", id="expired"
        ),
        pytest.param({"device": {"state": "PENDING"}}, "DEVICE_NOT_ACTIVE", id="device"),
        pytest.param({"device": {"isLocked": True}}, "DEVICE_LOCKED", id="device-locked"),
        pytest.param({"user": {"isDisabled": True}}, "USER_DEACTIVATED", id="user"),
        pytest.param(
            {"session": {"type": "CLIENTLESS"}}, "SESSION_CLIENT_TYPE_INVALID", id="client-type"
        ),
        pytest.param({"session": {"scopes": ["service:other"]}}, "SCOPE_UNAUTHORIZED", id="scope"),
    ],
)
def test_every_check_before_the_policies_counts(
    tmp_path: Path, caller: dict[str, Any], reason: str
) -> None:
    case = a_case(**({"user": {}} | caller), expect=DENY | {"reason": reason})
    assert not tried(tmp_path, web(allow()), a_policy_test(case)).failures


def test_nobody_is_refused_where_somebody_is_asked_for(tmp_path: Path) -> None:
    case = a_case(expect=DENY | {"reason": "UNAUTHENTICATED"})
    assert not tried(tmp_path, web(allow()), a_policy_test(case)).failures


def test_a_device_of_another_user_is_nobodys(tmp_path: Path) -> None:
    world = (web(allow()), a_user("alice"), a_user("bob"), a_device("laptop", "bob"))
    case = a_case(user="alice", device="laptop", expect=DENY | {"reason": "UNAUTHENTICATED"})
    assert not tried(tmp_path, *world, a_policy_test(case)).failures


def test_cases_may_go_back_in_time(tmp_path: Path) -> None:
    rule = allow("now() < timestamp('2026-01-01T00:00:00Z')")
    session = {"expiresAt": "2026-06-01T00:00:00Z"}
    cases = (
        a_case(user={}, session=session, now="2026-07-01T00:00:00Z", expect=DENY),
        a_case(user={}, session=session, now="2025-07-01T00:00:00Z"),
    )
    assert not tried(tmp_path, web(rule), a_policy_test(*cases)).failures


def test_a_service_of_a_mode_that_is_not_served_yet_is_decided(tmp_path: Path) -> None:
    database = document(
        "Service",
        "web",
        {
            "mode": "POSTGRES",
            "config": {
                "upstream": {"url": "postgres://db"},
                "postgres": {"auth": {"password": {"fromSecret": "password"}}},
            },
            "authorization": authorization(
                inline(allow('ctx.request.postgres.query.query == "select 1"'))
            ),
        },
    )
    secret = {
        "kind": "Secret",
        "metadata": {"name": "password"},
        "spec": {},
        "data": {"value": "x"},
    }
    request = {"postgres": {"query": {"query": "select 1"}}}
    case = a_case(user={}, request=request)
    assert not tried(tmp_path, database, secret, a_policy_test(case)).failures


def test_what_a_request_leaves_out_is_empty_and_not_missing(tmp_path: Path) -> None:
    rule = allow('!("x-debug" in ctx.request.http.headers) && ctx.request.http.size == 0')
    case = a_case(user={}, request={"http": {"path": "/"}})
    assert not tried(tmp_path, web(rule), a_policy_test(case)).failures


@pytest.mark.parametrize(
    ("keys", "said"),
    [
        pytest.param({"service": "wob", "user": {}}, 'did you mean "web.default"?', id="service"),
        pytest.param({"session": "alic"}, 'Session "alic", which does not exist', id="session"),
        pytest.param({"user": "alise"}, 'did you mean "alice"?', id="user"),
        pytest.param({"user": {}, "groups": ["sra"]}, 'did you mean "sre"?', id="groups"),
        pytest.param(
            {"user": {"groups": ["sra"]}}, "spec.cases[0].user.groups[0]", id="its-groups"
        ),
        pytest.param({"user": {}, "device": "x1"}, 'Device "x1", which', id="device"),
        pytest.param(
            {"user": {}, "expect": DENY | {"reason": "NO_POLICY"}},
            'expect.reason: is no reason; did you mean "NO_POLICY_MATCH"?',
            id="reason",
        ),
        pytest.param(
            {"user": {}, "request": {"http": {"methd": "GET"}}},
            'request.http.methd: no request has this key; did you mean "method"?',
            id="request-key",
        ),
        pytest.param(
            {"user": {}, "request": {"http": {"size": "3"}}},
            "request.http.size: must be a number",
            id="request-type",
        ),
        pytest.param(
            {"user": {}, "request": {"http": {"headers": ["a"]}}},
            "request.http.headers: must be a mapping",
            id="request-map",
        ),
        pytest.param(
            {"user": {}, "request": {"ssh": {}}},
            "request.ssh: is not there in mode HTTP; give http",
            id="request-mode",
        ),
    ],
)
def test_a_name_that_stands_for_nothing_is_no_failed_case_but_a_mistake(
    tmp_path: Path, keys: dict[str, Any], said: str
) -> None:
    world = (web(allow()), GROUP, a_user("alice"))
    with pytest.raises(ConfigError) as caught:
        tried(tmp_path, *world, a_policy_test(a_case(**keys)))
    (problem,) = map(str, caught.value.problems)
    assert "all.yaml:" in problem
    assert said in problem


def test_a_policy_that_somebody_made_up_names_must_exist(tmp_path: Path) -> None:
    case = a_case(user={"authorization": {"policies": ["gone"]}})
    with pytest.raises(ConfigError, match=r'spec\.cases\[0\]: names Policy "gone"'):
        tried(tmp_path, web(allow()), a_policy_test(case))


def test_each_expectation_that_is_not_met_is_named(tmp_path: Path) -> None:
    expect = {"effect": "DENY", "reason": "USER_LOCKED", "rule": "no"}
    report = tried(tmp_path, web(allow(name="yes")), a_policy_test(a_case(user={}, expect=expect)))
    assert [trial.wrong for trial in report.trials] == [("effect", "reason", "rule")]


def test_a_shadow_policy_decides_no_case(tmp_path: Path) -> None:
    world = (
        a_policy("soon", deny(), isShadow=True),
        a_service(
            "web",
            8080,
            "http://localhost:1",
            authorization=authorization(inline(allow(name="all")), policies=["soon"]),
        ),
    )
    case = a_case(user={}, expect=ALLOW | {"rule": "all"})
    assert not tried(tmp_path, *world, a_policy_test(case)).failures
