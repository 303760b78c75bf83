"""Runs the cases of PolicyTests through the gate, and compares what comes of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Final, final

from config.errors import ConfigError, Problem
from config.policy_test import Case, Expectation
from config.resources.policy import Effect
from config.resources.service import Service
from config.resources.session import Session
from config.snapshot import Snapshot
from config.sources.policy_tests import PlacedCase
from policy.cel.values import Timestamp
from policy.conditions import Note
from policy.decision import Allowed, Decision, Denied
from policy.explain import Explanation, Outcome, decision_json
from policy.principal import ANONYMOUS, Caller
from vigil.gate.explain import explain
from vigil.gate.gate import ServiceGate
from vigil.rehearsal.casting import cast, check, extended
from vigil.rehearsal.facts import completed
from vigil.rehearsal.stage import Asked, Stage

MAX_STAGES: Final = 8
"""Stages kept for cases that make up the same people: each holds all policies once more."""


@dataclass(frozen=True, slots=True)
class Trial:
    """What came of one case. ``wrong`` names the parts that are not as expected."""

    placed: PlacedCase
    explanation: Explanation
    wrong: tuple[str, ...]
    seconds: float

    @property
    def is_passed(self) -> bool:
        """Whether everything is as expected."""
        return not self.wrong


def checked(cases: Iterable[PlacedCase], snapshot: Snapshot) -> None:
    """Raise ConfigError with every name in the cases that stands for nothing."""
    problems: list[Problem] = []
    for placed in cases:
        try:
            check(placed, snapshot)
        except ConfigError as error:
            problems.extend(error.problems)
    if problems:
        raise ConfigError(problems)


@final
class Court:
    """Tries cases against one Snapshot; those that name no instant are decided at ``ns``."""

    def __init__(
        self, snapshot: Snapshot, ns: int, *, note: Note, steady: Callable[[], float]
    ) -> None:
        self._ns = ns
        self._note = note
        self._steady = steady
        self._declared = Stage(snapshot, ns)
        self._stages: dict[str, tuple[Stage, str]] = {}

    def tried(self, placed: PlacedCase) -> Trial:
        """Decide a case that was checked; raises ConfigError where what it makes up is refused."""
        began = self._steady()
        found = self._explained(placed)
        wrong = tuple(_wrong(placed.case.expect, found.decision))
        return Trial(placed, found, wrong, self._steady() - began)

    def _explained(self, placed: PlacedCase) -> Explanation:
        case = placed.case
        stage, uid = self._stage(placed)
        service = stage.snapshot.get(Service, case.service)
        assert service is not None, "checked before"
        gate = stage.gate(service, self._ns if case.now is None else _ns(case))
        who = stage.principals.of_session(uid) if uid else ANONYMOUS
        request = Asked(completed(case.request))
        found = explain(gate, who, request)
        if not isinstance(who, Denied):
            self._watch(gate, who, request, found)
        return found

    def _watch(self, gate: ServiceGate, who: Caller, request: Asked, found: Explanation) -> None:
        plan = gate.plan(who)
        is_refused = any(check.outcome is Outcome.DENIED for check in found.checks)
        if plan is not None and not is_refused:
            plan.watch(gate.context(who, request), gate.instant(), self._note)

    def _stage(self, placed: PlacedCase) -> tuple[Stage, str]:
        """Return the Stage the case plays on, and the uid of the Session that asks."""
        case = placed.case
        declared = self._declared
        if isinstance(case.session, str):
            session = declared.snapshot.get(Session, case.session)
            assert session is not None, "checked before"
            return declared, session.metadata.uid
        key = repr((case.user, case.groups, case.device, case.session))
        known = self._stages.get(key)
        if known is None:
            if len(self._stages) >= MAX_STAGES:
                self._stages.clear()
            known = self._stages[key] = self._extended(placed)
        return known

    def _extended(self, placed: PlacedCase) -> tuple[Stage, str]:
        declared = self._declared
        made = cast(placed.case, declared.snapshot)
        if not made:
            return declared, ""
        try:
            stage = Stage(extended(declared.snapshot, made), self._ns, declared.policies)
        except ConfigError as error:
            problems = (placed.problem("", problem.message) for problem in error.problems)
            raise ConfigError(problems) from None
        return stage, made[-1].metadata.uid


def _ns(case: Case) -> int:
    assert case.now is not None
    return Timestamp.from_datetime(case.now).ns


def _wrong(expect: Expectation, decision: Decision) -> Iterable[str]:
    effect = Effect.ALLOW if isinstance(decision, Allowed) else Effect.DENY
    found: dict[str, Any] = decision_json(decision)
    if expect.effect is not effect:
        yield "effect"
    if expect.reason and expect.reason != found["reason"]:
        yield "reason"
    if expect.rule and (decision.rule is None or expect.rule != decision.rule.rule):
        yield "rule"
