"""Why a request is decided as it is: every check and every rule, for one caller at one Service."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from policy.decision import Denied
from policy.explain import CheckFinding, Explanation, Outcome
from policy.principal import Anonymous, Caller
from policy.request import Request
from vigil.gate.checks import CHECKS, Subject
from vigil.gate.gate import ServiceGate


def explain(gate: ServiceGate, who: Caller | Denied, request: Request) -> Explanation:
    """Return every finding on the way to the decision.

    ``who`` is Denied where nobody could be recognised.
    """
    if isinstance(who, Denied):
        failed = CheckFinding("the caller is recognised", Outcome.DENIED, who.detail)
        return Explanation(who, (failed, *_not_reached()))
    checks = () if isinstance(who, Anonymous) else tuple(_checked(gate.subject(who, request)))
    decision = gate.decide(who, request)
    plan = gate.plan(who)
    if plan is None or any(check.outcome is Outcome.DENIED for check in checks):
        return Explanation(decision, checks)
    return replace(plan.explain(gate.context(who, request), gate.instant()), checks=checks)


def _checked(subject: Subject) -> Iterator[CheckFinding]:
    is_denied = False
    for check in CHECKS:
        denied = None if is_denied else check.ask(subject)
        if is_denied:
            yield CheckFinding(check.name, Outcome.NOT_REACHED)
        elif denied is not None:
            is_denied = True
            yield CheckFinding(check.name, Outcome.DENIED, denied.detail)
        else:
            yield CheckFinding(check.name, Outcome.PASSED)


def _not_reached() -> Iterator[CheckFinding]:
    return (CheckFinding(check.name, Outcome.NOT_REACHED) for check in CHECKS)
