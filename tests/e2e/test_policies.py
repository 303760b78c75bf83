"""Policies: who may attach them, which wins, and what the log says matched (A13-A23, A28, A30)."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any, Final

import pytest

from tests.harness.cases import Case, with_rules
from tests.harness.processes import free_port
from tests.harness.rawhttp import RawConnection
from tests.harness.resources import (
    Document,
    Resources,
    a_policy,
    allow,
    authorization,
    deny,
    document,
    inline,
)
from tests.harness.running import Entry, Vigil, up

_GRANT: Final = {"authorization": authorization(inline(allow(name="granted"), name="grant"))}
_NONE: Final[Document] = {}


def _no_match(name: str, **declared: Any) -> Case:
    return Case(name=name, status=403, reason="NO_POLICY_MATCH", **declared)


def _match(name: str, status: int, rule: str, **declared: Any) -> Case:
    return Case(name=name, status=status, reason="POLICY_MATCH", rule=rule, **declared)


def _named(*policies: str) -> Document:
    return {"authorization": authorization(policies=policies)}


def _condition(name: str, status: int, when: Any, **declared: Any) -> Case:
    """Return a case whose only rule has this condition."""
    service = with_rules(allow(when, name="asked"))
    if status == 200:
        return _match(name, 200, "asked", service=service, **declared)
    return _no_match(name, service=service, **declared)


_OWNERS: Final = [
    _no_match("a13-no-policy", service=_NONE),
    _match(
        "a14-on-service", 200, "granted", service=_GRANT, owner="Service/a14-on-service.default",
    ),
    _match("a14-on-user", 200, "granted", service=_NONE, user=_GRANT, owner="User/a14-on-user"),
    _match(
        "a14-on-session", 200, "granted", service=_NONE, session=_GRANT,
        owner="Session/a14-on-session",
    ),
    _match(
        "a14-on-device", 200, "granted", service=_NONE, device=_GRANT, owner="Device/a14-on-device",
    ),
    _match(
        "a14-on-group", 200, "granted", service=_NONE, user={"groups": ["grouped"]},
        owner="Group/grouped", more=(document("Group", "grouped", _GRANT),),
    ),
    _match(
        "a14-on-namespace", 200, "granted", service=_NONE, namespace="granting",
        owner="Namespace/granting", more=(document("Namespace", "granting", _GRANT),),
    ),
    _match(
        "a14-on-cluster", 200, "everywhere", service=_NONE, owner="ClusterConfig/cluster-config",
        more=(
            document("ClusterConfig", "cluster-config", {
                "authorization": authorization(inline(
                    allow('ctx.user.metadata.name == "a14-on-cluster"', name="everywhere"),
                    name="cluster-wide",
                )),
            }),
        ),
    ),
]  # fmt: skip

_PRIORITIES: Final = [
    _match(
        "a15-deny-beats-allow", 403, "no", service=with_rules(allow(name="yes")),
        user={"authorization": authorization(inline(deny(name="no")))},
    ),
    _match(
        "a15-stronger-allow", 200, "strong", service=with_rules(deny(name="no")),
        session={"authorization": authorization(inline(allow(name="strong", priority=-1)))},
    ),
    _match(
        "a15-deny-as-strong", 403, "strong-no",
        service=with_rules(deny(name="strong-no", priority=-1)),
        session={"authorization": authorization(inline(allow(name="strong", priority=-1)))},
    ),
    _match(
        "a15-weaker-allow", 403, "no", service=with_rules(deny(name="no")),
        session={"authorization": authorization(inline(allow(name="weak", priority=2)))},
    ),
    _match(
        "a15-strongest-allow", 200, "strongest",
        service=with_rules(deny(name="strong-no", priority=-1)),
        session={"authorization": authorization(inline(allow(name="strongest", priority=-2)))},
    ),
    _match(
        "a16-one-policy-of-a-user", 200, "yes", service=_NONE,
        user={"authorization": authorization(
            inline(deny(name="no", priority=2), allow(name="yes", priority=-2)))},
    ),
]  # fmt: skip

_NAMED: Final = [
    _match("a14-named-policy", 200, "yes", service=_named("plain"), policy="plain",
           more=(a_policy("plain", allow(name="yes")),)),
    _no_match("a17-disabled-policy", service=_named("off"),
              more=(a_policy("off", allow(name="yes"), isDisabled=True),)),
    _no_match("a17-disabled-inline",
              service={"authorization": authorization(inline(allow(), isDisabled=True))}),
    _match("a18-parent-decides", 200, "from-parent", service=_named("leaf.root"), policy="root",
           more=(a_policy("root", allow('attrs.who == "root"', name="from-parent"),
                          attrs={"who": "root"}),
                 a_policy("leaf.root", allow('attrs.who == "root"', name="from-leaf"),
                          attrs={"who": "leaf"}))),
    _match("a18-child-decides", 200, "child", service=_named("kid.elder"), policy="kid.elder",
           more=(a_policy("elder", deny(False)), a_policy("kid.elder", allow(name="child")))),
    _match("a19-attribute", 200, "yes", service=_named("with-attrs"), policy="with-attrs",
           more=(a_policy("with-attrs",
                          allow('attrs.k1 == "v1" && attrs.k2 in ["v2", "v3"]', name="yes"),
                          attrs={"k1": "v1", "k2": "v2"}),)),
    _no_match("a19-missing-attribute", service=_named("without-attrs"),
              more=(a_policy("without-attrs", allow('attrs.k1 == "v1"')),)),
    _no_match("a20-ignored-policy", service=_named("ignored"),
              more=(a_policy("ignored", allow(), enforcementRules=[
                  {"effect": "IGNORE", "condition": {"matchAny": True}}]),)),
    _match("a20-enforce-beats-ignore", 200, "yes", service=_named("enforced"),
           more=(a_policy("enforced", allow(name="yes"), enforcementRules=[
               {"effect": "IGNORE", "condition": {"matchAny": True}},
               {"effect": "ENFORCE", "condition": {"matchAny": True}}]),)),
    _match("a20-parent-still-counts", 200, "elder", service=_named("young.old"), policy="old",
           more=(a_policy("old", allow(name="elder")),
                 a_policy("young.old", deny(name="young"), enforcementRules=[
                     {"effect": "IGNORE", "condition": {"matchAny": True}}]))),
]  # fmt: skip

_TRUE: Final = {"matchAny": True}
_FALSE: Final = {"matchAny": False}
_CONDITIONS: Final = [
    _condition("a21-any-inside-all", 200,
               {"all": {"of": [_TRUE, {"any": {"of": [_FALSE, _TRUE]}}]}}),
    _condition("a21-all-with-a-false", 403, {"all": {"of": [_TRUE, _FALSE]}}),
    _condition("a21-none-with-a-true", 403, {"none": {"of": [_FALSE, _TRUE]}}),
    _condition("a21-none-of-false", 200, {"none": {"of": [_FALSE]}}),
    _condition("a21-match-any-false", 403, False),
    _condition("a21-not-missing-is-true", 200, {"not": 'ctx.device.status.osType == "LINUX"'}),
    _condition("a22-missing-key", 403, 'ctx.device.status.osType != "LINUX"'),
    _condition("a22-index-out-of-range", 403, "ctx.user.spec.groups[3] == 'x'"),
    _condition("a22-absorbed", 200, 'ctx.device.status.osType == "LINUX" || true'),
    _condition("a22-to-upper", 200, '"abc".toUpper() == "ABC"'),
    _condition("a22-has-any", 200, '["a", "b"].hasAny(["b", "c"])'),
    _condition("a22-has-all", 403, '["a", "b"].hasAll(["b", "c"])'),
    _condition("a22-min-max", 200, "[3, 1, 2].min() == 1 && [3, 1, 2].max() == 3"),
    _condition("a22-split", 200, 'ctx.request.http.path.split("-")[1] == "split"'),
    _condition("a22-matches", 200, 'ctx.request.http.path.matches("^/a22-[a-z]+$")'),
    _condition("a22-groups", 200, '"ops" in ctx.user.spec.groups', user={"groups": ["ops"]},
               more=(document("Group", "ops", {}),)),
    _condition("a23-tokyo-is-ahead", 200,
               'time.isWeekdayInTZ(timestamp("2024-03-10T15:30:00Z"), "Asia/Tokyo")'
               ' && time.isWeekend(timestamp("2024-03-10T15:30:00Z"))'),
    _condition("a23-address-in-range", 200, 'net.isIPInRange(ctx.request.ip, "127.0.0.0/8")'),
    _condition("a23-json", 200, 'json.parse(json.marshal({"a": 1})).a == 1'),
    _condition("a23-now", 200, 'now() > timestamp("2024-01-01T00:00:00Z")'),
    Case(name="a28-type-error", status=403, reason="EVALUATION_ERROR",
         service=with_rules(allow(), deny("ctx.request.http.method > 1", name="broken"))),
    _condition("seed-os-type", 200, 'ctx.device.status.osType in ["LINUX", "MAC"]',
               device={"state": "ACTIVE"}),
    _condition("seed-os-type-windows", 403, 'ctx.device.status.osType in ["LINUX", "MAC"]',
               device_status={"osType": "WINDOWS"}),
    _condition("seed-os-type-no-device", 403, 'ctx.device.status.osType in ["LINUX", "MAC"]'),
]  # fmt: skip

CASES: Final = [*_OWNERS, *_PRIORITIES, *_NAMED, *_CONDITIONS]


@pytest.fixture(scope="module")
def ports() -> dict[str, int]:
    return {name: free_port() for name in (*(case.name for case in CASES), "a30")}


@pytest.fixture(scope="module")
def vigil(
    tmp_path_factory: pytest.TempPathFactory, app_url: str, ports: dict[str, int]
) -> Iterator[Vigil]:
    place = tmp_path_factory.mktemp("policies")
    resources = Resources(place / "resources")
    for case in CASES:
        resources.write(case.name, *case.resources(ports[case.name], app_url))
    tied = Case(
        name="a30",
        status=200,
        reason="POLICY_MATCH",
        service=with_rules(allow(name="first"), allow(name="second")),
        user={"authorization": authorization(inline(allow(name="third")))},
    )
    resources.write("a30", *tied.resources(ports["a30"], app_url))
    with up(resources, place, ports=ports.values()) as process:
        yield process


def _owner(reason: Entry) -> str:
    ref = reason["details"]["policyMatch"]["inlinePolicy"]["resourceRef"]
    return f"{ref['kind']}/{ref['name']}"


@pytest.mark.parametrize("case", [pytest.param(case, id=case.id) for case in CASES])
def test_policies_decide_and_the_log_says_which(
    vigil: Vigil, ports: dict[str, int], case: Case
) -> None:
    answer = vigil.get(ports[case.name], f"/{case.name}", session=case.name)
    reason = vigil.entry(f"/{case.name}")["common"]["reason"]
    assert (answer.status, reason["type"]) == (case.status, case.reason)
    if case.rule:
        assert reason["details"]["policyMatch"]["ruleName"] == case.rule
    if case.policy:
        assert reason["details"]["policyMatch"]["policy"]["policyRef"]["name"] == case.policy
    if case.owner:
        assert _owner(reason) == case.owner


@pytest.mark.parametrize("case", [pytest.param("a30", id="A30-tie")])
def test_the_same_rule_is_reported_every_time(
    vigil: Vigil, ports: dict[str, int], case: str
) -> None:
    urls = [f"/{case}-tie"] * 100
    token = vigil.token(case)
    vigil.get(ports[case], *urls[:1], session=case)
    request = f"GET {urls[0]} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\n\r\n"
    with RawConnection(ports[case]) as connection:
        for _ in urls[1:]:
            connection.send(request.encode())
            assert connection.response().status == 200
    vigil.eventually("100 entries", lambda: len(vigil.entries_for(urls[0])) == 100, within=5)
    matched = {
        entry["entry"]["common"]["reason"]["details"]["policyMatch"]["ruleName"]
        for entry in vigil.entries_for(urls[0])
    }
    assert matched == {"first"}


@pytest.mark.parametrize("case", [pytest.param("a28-type-error", id="A28-at-once")])
def test_an_evaluation_error_denies_at_once_and_is_counted_as_an_error(
    vigil: Vigil, ports: dict[str, int], case: str
) -> None:
    vigil.token(case)
    errors = {"svc": case, "req_error": "true"}
    before = vigil.metric("vigil_authorization_req_total", **errors)
    started = time.monotonic()
    assert vigil.get(ports[case], "/quick", session=case).status == 403
    assert time.monotonic() - started < 0.5
    reason = vigil.entry("/quick")["common"]["reason"]
    assert reason["type"] == "EVALUATION_ERROR"
    assert vigil.metric("vigil_authorization_req_total", **errors) == before + 1


@pytest.mark.parametrize("case", [pytest.param("a17-disabled-policy", id="A17-toggle")])
def test_enabling_a_policy_is_honoured_by_the_next_request(
    vigil: Vigil, ports: dict[str, int], app_url: str, case: str
) -> None:
    documents = next(c for c in CASES if c.name == case).resources(ports[case], app_url)
    documents[-1]["spec"]["isDisabled"] = False
    vigil.token(case)
    vigil.resources.write(case, *documents)
    vigil.eventually("grant", lambda: vigil.status(ports[case], case) == 200)
    documents[-1]["spec"]["isDisabled"] = True
    vigil.resources.write(case, *documents)
    vigil.eventually("refusal", lambda: vigil.status(ports[case], case) == 403)
