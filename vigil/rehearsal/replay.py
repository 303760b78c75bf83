"""Recorded requests decided again: which answers would change, and which nobody can know."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final, TypeVar, final

from config.resources.meta import Resource
from config.resources.service import Service
from config.resources.session import Session
from config.snapshot import Snapshot
from policy.decision import Allowed, Decision, Denied, Reason
from policy.explain import decision_json, rule_name, verdict
from policy.principal import ANONYMOUS, Caller
from vigil.rehearsal.recorded import Answer, Recorded, Reference, UnreadableError, read
from vigil.rehearsal.stage import Asked, Stage

MAX_LISTED: Final = 1000
"""Changes that are listed one by one; more are only counted."""

LEFT_OUT: Final = (
    "the access log leaves out the query, the declared size, the body and most headers: of those it"
    ' holds "user-agent", "origin" and what spec.config.http.visibility shows'
)
_UNKNOWN_CALLER: Final = "the caller was not recognised, and credentials are not recorded"
_R = TypeVar("_R", bound=Resource)


class _UndecidedError(Exception):
    """The message says why nobody can know."""


@dataclass(slots=True)
class Change:
    """Requests that were alike and would be answered otherwise; ``line`` is the first of them."""

    question: Recorded
    decision: Decision
    line: int
    count: int = 0

    def as_json(self) -> dict[str, Any]:
        """Return the change as a JSON object."""
        question, answer = self.question, self.question.answer
        return {
            "count": self.count,
            "line": self.line,
            "service": question.service.name,
            "session": question.session.name,
            "method": question.method,
            "path": question.path,
            "was": {"isAllowed": answer.is_allowed, "reason": answer.reason, "rule": answer.rule},
            "wouldBe": decision_json(self.decision),
        }

    def __str__(self) -> str:
        asked = self.question
        who = asked.session.name or "nobody"
        what = f"{who}: {asked.method} {asked.path} of {asked.service.name}"
        place = f"first in line {self.line}"
        return f"{self.count} x {what}: {asked.answer} -> {verdict(self.decision)} ({place})"


@final
class Replay:
    """Decides entries in the order they come, each at the instant it was recorded at."""

    def __init__(self, snapshot: Snapshot) -> None:
        self._stage = Stage(snapshot, 0)
        self.same = 0
        self.otherwise = 0
        self.changed = 0
        self.undecided: Counter[str] = Counter()
        self.passed_over: Counter[str] = Counter()
        self._changes: dict[tuple[Any, ...], Change] = {}
        self._reads_unrecorded = False

    def take(self, number: int, line: bytes) -> None:
        """Decide one line of the log."""
        try:
            question = read(line)
        except UnreadableError as error:
            self.passed_over[str(error)] += 1
            return
        try:
            decision = self._decided(question)
        except _UndecidedError as error:
            self.undecided[str(error)] += 1
            return
        self._compare(number, question, decision)

    def changes(self) -> list[Change]:
        """Return what would change, the most frequent first."""
        return sorted(self._changes.values(), key=lambda change: (-change.count, change.line))

    def as_json(self) -> dict[str, Any]:
        """Return everything as a JSON object."""
        return {
            "same": self.same,
            "sameDecidedOtherwise": self.otherwise,
            "changed": self.changed,
            "changes": [change.as_json() for change in self.changes()],
            "undecided": _counted(self.undecided),
            "passedOver": _counted(self.passed_over),
            "notes": list(self._notes()),
        }

    def lines(self) -> Iterator[str]:
        """Yield the text, one finding a line."""
        decided = self.same + self.otherwise + self.changed
        yield f"{self.changed} of {decided} answers would change"
        yield from (f"  {change}" for change in self.changes())
        same = self.same + self.otherwise
        yield f"{same} would be the same, {self.otherwise} of them decided otherwise"
        for title, counts in (
            ("could not be decided", self.undecided),
            ("were passed over", self.passed_over),
        ):
            if counts:
                yield f"{counts.total()} {title}"
            yield from (f"  {count} x {why}" for why, count in counts.most_common())
        yield from self._notes()

    def _notes(self) -> Iterator[str]:
        unlisted = self.changed - sum(change.count for change in self._changes.values())
        if unlisted:
            yield f"{unlisted} more that would change are not listed"
        if self._reads_unrecorded:
            yield LEFT_OUT

    def _decided(self, question: Recorded) -> Decision:
        service = self._find(Service, question.service)
        if service is None:
            raise _UndecidedError(f"Service {question.service.name} is not declared")
        who = self._caller(question, service)
        if isinstance(who, Denied):
            return who
        gate = self._stage.gate(service, question.ns)
        decision = gate.decide(who, Asked(question.facts))
        self._refuse_guess(question, decision)
        return decision

    def _refuse_guess(self, question: Recorded, decision: Decision) -> None:
        """Raise where a rule failed for want of what the log left out."""
        is_failure = isinstance(decision, Denied) and decision.reason is Reason.EVALUATION_ERROR
        if not is_failure or not question.touched:
            return
        self._reads_unrecorded = True
        paths = ", ".join(sorted(question.touched))
        rule = f" by {rule_name(decision.rule)}" if decision.rule is not None else ""
        raise _UndecidedError(f"{paths}, read{rule}, was not recorded")

    def _caller(self, question: Recorded, service: Service) -> Caller | Denied:
        if service.spec.is_anonymous:
            return ANONYMOUS
        if not (question.session.uid or question.session.name):
            raise _UndecidedError(_UNKNOWN_CALLER)
        session = self._find(Session, question.session)
        if session is None:
            raise _UndecidedError(f"Session {question.session.name} is not declared")
        return self._stage.principals.of_session(session.metadata.uid)

    def _find(self, kind: type[_R], reference: Reference) -> _R | None:
        snapshot = self._stage.snapshot
        found = snapshot.by_uid(kind, reference.uid) if reference.uid else None
        return found or snapshot.get(kind, reference.name)

    def _compare(self, number: int, question: Recorded, decision: Decision) -> None:
        was, would_be = question.answer, _answer(decision)
        if was.is_allowed is would_be.is_allowed:
            is_same = was == would_be
            self.same += is_same
            self.otherwise += not is_same
            return
        self.changed += 1
        asked = (question.service, question.session, question.method, question.path)
        key = (*asked, was, would_be)
        change = self._changes.get(key)
        if change is None:
            if len(self._changes) >= MAX_LISTED:
                return
            change = self._changes[key] = Change(question, decision, number)
        change.count += 1


def _answer(decision: Decision) -> Answer:
    """Return a decision as the log would have it."""
    rule = decision.rule.rule if decision.rule is not None else ""
    if isinstance(decision, Allowed):
        return Answer(True, Reason.POLICY_MATCH.name if rule else "", rule)  # noqa: FBT003
    return Answer(False, decision.reason.name, rule)  # noqa: FBT003


def _counted(counts: Counter[str]) -> list[dict[str, Any]]:
    return [{"why": why, "count": count} for why, count in counts.most_common()]
