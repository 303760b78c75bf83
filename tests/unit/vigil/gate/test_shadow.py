"""The gate lets a shadow policy watch, and lets it decide nothing."""

from __future__ import annotations

from typing import Any

from policy.decision import Allowed, Denied, Reason
from protocols.permit import Permit
from tests.harness.builders import a_rule, a_service, a_session, a_user
from tests.harness.gates import Asked, a_gate
from vigil.gate.explain import explain


def a_rehearsal(real: dict[str, Any], shadow: dict[str, Any]) -> Any:
    """Build a Service with one real and one shadow policy."""
    policies = [
        {"name": "real", "spec": {"rules": [real]}},
        {"name": "soon", "spec": {"rules": [shadow], "isShadow": True}},
    ]
    return a_service(isPublic=True, authorization={"inlinePolicies": policies})


def test_a_shadow_deny_gets_its_permit_with_what_would_have_been() -> None:
    user, session = a_user(), a_session()
    house = a_gate(user, session, service=a_rehearsal(a_rule(), a_rule("DENY", name="no")))
    permit = house.ask(session)
    assert isinstance(permit, Permit)
    assert isinstance(permit.allowed.shadow, Denied)
    assert house.decisions == [None]


def test_a_shadow_policy_knows_what_time_it_is_though_no_real_one_asks() -> None:
    user, session = a_user(), a_session()
    late = a_rule("DENY", 'now() > timestamp("2020-01-01T00:00:00Z")')
    permit = a_gate(user, session, service=a_rehearsal(a_rule(), late)).ask(session)
    assert isinstance(permit, Permit)
    assert isinstance(permit.allowed.shadow, Denied)


def test_the_same_request_gets_the_same_permit() -> None:
    user, session = a_user(), a_session()
    house = a_gate(user, session, service=a_rehearsal(a_rule(), a_rule("DENY")))
    assert house.ask(session) is house.ask(session)


def test_a_shadow_allow_is_refused_with_what_would_have_been() -> None:
    user, session = a_user(), a_session()
    house = a_gate(user, session, service=a_rehearsal(a_rule("DENY"), a_rule(priority=-1)))
    denied = house.ask(session)
    assert isinstance(denied, Denied)
    assert isinstance(denied.shadow, Allowed)


def test_a_request_that_a_check_refuses_is_not_rehearsed() -> None:
    user, session = a_user(isDisabled=True), a_session()
    denied = a_gate(user, session, service=a_rehearsal(a_rule(), a_rule())).ask(session)
    assert isinstance(denied, Denied)
    assert denied.reason is Reason.USER_DEACTIVATED
    assert denied.shadow is None


def test_an_explanation_shows_what_the_shadow_would_do() -> None:
    user, session = a_user(), a_session()
    house = a_gate(user, session, service=a_rehearsal(a_rule(), a_rule("DENY", name="no")))
    found = explain(house.gate, house.principal(session), Asked())
    assert isinstance(found.decision, Allowed)
    assert found.shadow is not None
    assert isinstance(found.shadow.decision, Denied)
