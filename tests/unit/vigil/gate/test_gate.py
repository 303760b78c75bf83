from __future__ import annotations

from typing import Any

import pytest

from policy.cel.compile import compile_expression
from policy.decision import Denied, Reason
from policy.principal import ANONYMOUS
from protocols.permit import Permit
from tests.harness.builders import a_rule, a_service, a_session, a_user, inline
from tests.harness.gates import ALLOW_ALL, UPSTREAM, Asked, a_gate, at


def public(*rules: dict[str, Any], **spec: Any) -> Any:
    return a_service(isPublic=True, authorization=inline(*rules), **spec)


def test_what_a_rule_allows_is_permitted_to_the_upstream_and_says_which_rule() -> None:
    session = a_session()
    service = public(a_rule(name="everybody"))
    permit = a_gate(a_user(), session, service=service, revision=7).ask(session)
    assert isinstance(permit, Permit)
    assert permit.upstreams == (UPSTREAM,)
    assert permit.revision == 7
    assert permit.allowed.rule is not None
    assert permit.allowed.rule.rule == "everybody"
    assert permit.allowed.rule.owner_kind == "Service"


def test_without_a_policy_nothing_is_permitted() -> None:
    session = a_session()
    answer = a_gate(a_user(), session, service=a_service(isPublic=True)).ask(session)
    assert isinstance(answer, Denied)
    assert answer.reason is Reason.NO_POLICY_MATCH


def test_the_request_is_what_policies_decide_about() -> None:
    session = a_session()
    service = public(a_rule(match='ctx.request.http.path == "/open"'))
    gatehouse = a_gate(a_user(), session, service=service)
    assert isinstance(gatehouse.ask(session, {"http": {"path": "/open"}}), Permit)
    assert isinstance(gatehouse.ask(session, {"http": {"path": "/"}}), Denied)


def test_a_rule_that_cannot_be_evaluated_denies_and_counts_as_an_error() -> None:
    session = a_session()
    rules = [a_rule(match="ctx.request.http.method > 1"), a_rule(priority=1)]
    gatehouse = a_gate(a_user(), session, service=public(*rules))
    answer = gatehouse.ask(session, {"http": {"method": "GET"}})
    assert isinstance(answer, Denied)
    assert answer.reason is Reason.EVALUATION_ERROR
    assert gatehouse.decisions == [answer]


def test_of_equal_rules_the_same_one_is_reported_every_time() -> None:
    session = a_session()
    rules = [a_rule(name=f"rule-{number}") for number in range(5)]
    gatehouse = a_gate(a_user(), session, service=public(*rules))
    answers = {gatehouse.ask(session) for _ in range(1000)}
    assert len(answers) == 1


def test_a_decision_is_counted_once() -> None:
    session = a_session()
    gatehouse = a_gate(a_user(), session)
    gatehouse.ask(session)
    assert gatehouse.decisions == [None]


def test_a_disabled_service_permits_nothing() -> None:
    session = a_session()
    service = a_service(isPublic=True, isDisabled=True, authorization=ALLOW_ALL)
    assert isinstance(a_gate(a_user(), session, service=service).ask(session), Denied)


def test_a_principal_of_an_earlier_snapshot_is_judged_by_this_one() -> None:
    session = a_session()
    earlier = a_gate(a_user(), session).principal(session)
    disabled = a_gate(a_user(isDisabled=True), session, revision=2)
    answer = disabled.gate.authorize(earlier, Asked())
    assert isinstance(answer, Denied)
    assert answer.reason is Reason.USER_DEACTIVATED


def test_policies_see_an_earlier_principal_as_it_is_today() -> None:
    session = a_session()
    service = public(a_rule(match='ctx.user.spec.attrs.team == "new"'))
    earlier = a_gate(a_user(attrs={"team": "old"}), session, service=service).principal(session)
    today = a_gate(a_user(attrs={"team": "new"}), session, service=service, revision=2)
    assert isinstance(today.gate.authorize(earlier, Asked()), Permit)


def test_a_principal_whose_session_is_gone_is_nobody() -> None:
    session = a_session()
    earlier = a_gate(a_user(), session).principal(session)
    answer = a_gate(a_user(), revision=2).gate.authorize(earlier, Asked())
    assert isinstance(answer, Denied)
    assert not answer.is_authenticated


def test_a_session_that_reuses_a_name_is_another_one() -> None:
    session = a_session(metadata={"uid": "11111111-1111-4111-8111-111111111111"})
    earlier = a_gate(a_user(), session).principal(session)
    again = a_session(metadata={"uid": "22222222-2222-4222-8222-222222222222"})
    answer = a_gate(a_user(), again, revision=2).gate.authorize(earlier, Asked())
    assert isinstance(answer, Denied)


class TestAnonymous:
    def test_a_service_that_asks_for_nothing_permits_everybody_by_no_rule(self) -> None:
        service = a_service(isPublic=True, isAnonymous=True)
        permit = a_gate(service=service).gate.authorize(ANONYMOUS, Asked())
        assert isinstance(permit, Permit)
        assert permit.allowed.rule is None

    def test_policies_are_asked_where_the_service_wants_it(self) -> None:
        rule = a_rule(match='ctx.request.http.path.startsWith("/about")')
        authorization = {**inline(rule), "enableAnonymous": True}
        service = a_service(isPublic=True, isAnonymous=True, authorization=authorization)
        gate = a_gate(service=service).gate
        assert isinstance(gate.authorize(ANONYMOUS, Asked({"http": {"path": "/about"}})), Permit)
        answer = gate.authorize(ANONYMOUS, Asked({"http": {"path": "/"}}))
        assert isinstance(answer, Denied)
        assert answer.reason is Reason.NO_POLICY_MATCH

    def test_a_rule_about_users_never_matches_nobody(self) -> None:
        authorization = {
            **inline(a_rule(match="ctx.user.spec.type != ''")),
            "enableAnonymous": True,
        }
        service = a_service(isPublic=True, isAnonymous=True, authorization=authorization)
        assert isinstance(a_gate(service=service).gate.authorize(ANONYMOUS, Asked()), Denied)

    def test_nobody_is_refused_once_the_service_asks_who_is_calling(self) -> None:
        answer = a_gate().gate.authorize(ANONYMOUS, Asked())
        assert isinstance(answer, Denied)
        assert not answer.is_authenticated

    def test_a_principal_counts_as_nobody_where_nobody_is_asked_for(self) -> None:
        session = a_session()
        earlier = a_gate(a_user(), session).principal(session)
        service = a_service(isPublic=True, isAnonymous=True)
        assert isinstance(a_gate(service=service).gate.authorize(earlier, Asked()), Permit)


class TestDependenceOnTime:
    @pytest.mark.parametrize(
        ("match", "is_due"),
        [
            ("now() < timestamp('2100-01-01T00:00:00Z')", True),
            ("ctx.user.spec.type == 'HUMAN'", False),
        ],
    )
    def test_a_caller_is_due_where_a_policy_reads_the_clock(self, match: str, is_due: bool) -> None:
        session = a_session()
        gatehouse = a_gate(a_user(), session, service=public(a_rule(match=match)))
        assert gatehouse.gate.is_due(gatehouse.principal(session)) is is_due

    def test_a_caller_is_due_when_the_session_ends(self) -> None:
        session = a_session(expiresAt=at(10))
        gatehouse = a_gate(a_user(), session)
        who = gatehouse.principal(session)
        assert not gatehouse.gate.is_due(who)
        gatehouse.clock.advance(10)
        assert gatehouse.gate.is_due(who)


def test_what_a_service_configures_is_evaluated_over_the_same_context() -> None:
    session = a_session()
    gatehouse = a_gate(a_user(), session)
    program = compile_expression('ctx.user.metadata.name + " at " + ctx.service.metadata.name')
    value = gatehouse.gate.evaluate(program, gatehouse.principal(session), Asked())
    assert value == "alice at web.default"


def test_dials_are_reported_to_the_endpoints() -> None:
    gatehouse = a_gate()
    gatehouse.gate.failed(UPSTREAM)
    gatehouse.gate.reached(UPSTREAM)
    assert gatehouse.gate._ground.endpoints.reports == [  # type: ignore[attr-defined]
        ("failed", UPSTREAM),
        ("reached", UPSTREAM),
    ]


def test_a_permit_is_minted_once_for_each_rule() -> None:
    session = a_session()
    gatehouse = a_gate(a_user(), session)
    assert gatehouse.ask(session) is gatehouse.ask(session)
