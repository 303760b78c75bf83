"""What shadow policies would have done is counted always, and logged where it is not the same."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
from prometheus_client.parser import text_string_to_metric_families

from policy.decision import Allowed, Decision, Denied, Reason, RuleRef
from protocols.permit import NoLogin, Permit
from tests.harness.records import A_RULE, LABELS, NO_MATCH, a_permit, a_principal, a_record
from vigil.telemetry.entry import EntryWriter
from vigil.telemetry.meter import Identity
from vigil.telemetry.metrics import Metrics
from vigil.telemetry.service import ServiceTelemetry

WEB = Identity(svc="web", namespace="default", region="default", mode="HTTP")
OTHER = RuleRef("soon", 0, "devices", inline=False, owner_kind="Service", owner_name="web.default")
CLOSED = Denied(Reason.POLICY_MATCH, OTHER)


class NoLog:
    def append(self, record: object) -> None: ...
    def opened(self, record: object) -> None: ...
    def closed(self, record: object) -> None: ...


def permitted(shadow: Decision | None) -> Permit:
    return Permit(Allowed(A_RULE, shadow=shadow), (), NoLogin(), 1)


def refused(shadow: Decision | None) -> Denied:
    return Denied(Reason.NO_POLICY_MATCH, shadow=shadow)


def logged(verdict: Permit | Denied) -> dict[str, Any]:
    line = EntryWriter("default").line(a_record(verdict, who=a_principal()))
    found: dict[str, Any] = orjson.loads(line)["entry"]["common"]
    return found


def counted(*verdicts: Permit | Denied) -> dict[str, float]:
    metrics = Metrics()
    telemetry = ServiceTelemetry(metrics.meter(WEB, LABELS), NoLog())
    for verdict in verdicts:
        telemetry.finished(a_record(verdict))
    return {
        sample.labels["decision"]: sample.value
        for family in text_string_to_metric_families(metrics.render()[1].decode())
        for sample in family.samples
        if sample.name == "vigil_policy_shadow_total"
    }


@pytest.mark.parametrize(
    ("verdict", "outcome"),
    [
        pytest.param(permitted(CLOSED), "DENIED", id="would-be-denied"),
        pytest.param(refused(Allowed(OTHER)), "ALLOWED", id="would-be-allowed"),
        pytest.param(permitted(Allowed(OTHER)), "UNCHANGED", id="allowed-by-another-rule"),
        pytest.param(refused(CLOSED), "UNCHANGED", id="denied-by-another-rule"),
    ],
)
def test_each_request_counts_under_what_would_have_become_of_it(
    verdict: Permit | Denied, outcome: str
) -> None:
    nothing = {"ALLOWED": 0.0, "DENIED": 0.0, "UNCHANGED": 0.0}
    assert counted(verdict) == nothing | {outcome: 1.0}


def test_requests_without_a_shadow_policy_are_not_counted() -> None:
    assert set(counted(a_permit(), NO_MATCH).values()) == {0.0}


def test_a_refusal_to_come_stands_in_the_log_beside_the_answer() -> None:
    common = logged(permitted(CLOSED))
    assert common["status"] == "ALLOWED"
    assert common["shadow"]["status"] == "DENIED"
    assert common["shadow"]["reason"]["type"] == "POLICY_MATCH"
    assert common["shadow"]["reason"]["details"]["policyMatch"]["ruleName"] == "soon"


def test_an_allowance_to_come_stands_in_the_log_beside_the_refusal() -> None:
    common = logged(refused(Allowed(OTHER)))
    assert (common["status"], common["shadow"]["status"]) == ("DENIED", "ALLOWED")


def test_another_rule_for_the_same_answer_is_logged() -> None:
    assert logged(permitted(Allowed(OTHER)))["shadow"]["status"] == "ALLOWED"


@pytest.mark.parametrize(
    "verdict",
    [
        pytest.param(permitted(None), id="no-shadow-allowed"),
        pytest.param(refused(None), id="no-shadow-denied"),
        pytest.param(permitted(Allowed(A_RULE)), id="same-rule"),
        pytest.param(refused(Denied(Reason.NO_POLICY_MATCH)), id="same-refusal"),
    ],
)
def test_what_would_be_the_same_takes_no_room_in_the_log(verdict: Permit | Denied) -> None:
    assert "shadow" not in logged(verdict)
