"""What is counted for one Service. It knows cells and labels, and nothing of how they are shown."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, TypeAlias, final

from policy.decision import Decision, Denied, Reason
from protocols.api import Record
from vigil.telemetry.series import (
    DECISION_SECONDS,
    MAX_SERIES,
    OTHER,
    REQUEST_SECONDS,
    SESSION_SECONDS,
    Histogram,
    RequestCell,
    bounded,
)

ALLOWED: Final = "ALLOWED"
DENIED: Final = "DENIED"

UNCHANGED: Final = "UNCHANGED"

_STAGES: Final = frozenset({"HANDSHAKE", "UPSTREAM_DIAL"})

_Refusal: TypeAlias = tuple[tuple[str, ...], Reason, bool]


@dataclass(frozen=True, slots=True)
class Identity:
    """The labels that every point of one Service carries."""

    svc: str
    namespace: str
    region: str
    mode: str


@final
class Meter:
    """The counters of one Service, which outlive its Generations.

    ``labels`` names what the protocol's Records carry in ``Record.labels``
    (``ProtocolSpec.labels``); the two tuples are matched by position.
    """

    __slots__ = (
        "_allowed",
        "_denied",
        "active",
        "decisions",
        "dials",
        "identity",
        "labels",
        "rechecks",
        "rejected",
        "requests",
        "session_durations",
        "sessions",
        "shadows",
    )

    def __init__(self, identity: Identity, labels: tuple[str, ...]) -> None:
        self.identity: Final = identity
        self.labels: Final = tuple(label.replace(".", "_") for label in labels)
        self.requests: Final[dict[tuple[str, ...], RequestCell]] = {}
        self.active = 0
        self.sessions = 0
        self.session_durations: Final[dict[str, Histogram]] = {}
        self.rejected: Final = dict.fromkeys(sorted(_STAGES), 0)
        self.dials: Final = {is_ok: Histogram(REQUEST_SECONDS) for is_ok in (True, False)}
        self.decisions: Final[dict[Reason | None, Histogram]] = {}
        self.rechecks: Final = {"KEPT": 0, "CUT": 0}
        self.shadows: Final = {ALLOWED: 0, DENIED: 0, UNCHANGED: 0}
        self._allowed: dict[tuple[str, ...], RequestCell] = {}
        self._denied: dict[_Refusal, RequestCell] = {}

    def cell(self, record: Record) -> RequestCell:
        """Return where ``record`` is counted: one look-up, except the first time."""
        verdict = record.verdict
        if isinstance(verdict, Denied):
            refusal = (record.labels, verdict.reason, verdict.is_authenticated)
            return self._denied.get(refusal) or self._refused(refusal)
        return self._allowed.get(record.labels) or self._granted(record.labels)

    def session_ended(self, seconds: float, *, is_denied: bool) -> None:
        """Count a long stream that is over."""
        self.sessions -= 1
        state = DENIED if is_denied else ALLOWED
        self.session_durations.setdefault(state, Histogram(SESSION_SECONDS)).observe(seconds)

    def decided(self, seconds: float, denied: Denied | None) -> None:
        """Count one answer of the gate."""
        reason = denied.reason if denied is not None else None
        histogram = self.decisions.get(reason)
        if histogram is None:
            histogram = self.decisions[reason] = Histogram(DECISION_SECONDS)
        histogram.observe(seconds)

    def reject(self, stage: str) -> None:
        """Count a connection that never carried a request."""
        stage = stage if stage in _STAGES else OTHER
        self.rejected[stage] = self.rejected.get(stage, 0) + 1

    def rehearsed(self, decision: Decision) -> None:
        """Count what would have become of a request if shadow policies were real."""
        would_be_denied = isinstance(decision.shadow, Denied)
        if would_be_denied is isinstance(decision, Denied):
            self.shadows[UNCHANGED] += 1
        else:
            self.shadows[DENIED if would_be_denied else ALLOWED] += 1

    def _granted(self, values: tuple[str, ...]) -> RequestCell:
        if len(self._allowed) + len(self._denied) >= MAX_SERIES:
            return self._named({"state": ALLOWED}, (OTHER,) * len(values))
        cell = self._allowed[values] = self._named({"state": ALLOWED}, values)
        return cell

    def _refused(self, refusal: _Refusal) -> RequestCell:
        values, reason, is_authenticated = refusal
        outcome = {
            "state": DENIED,
            "reason": reason.name,
            "req_authenticated": str(is_authenticated).lower(),
        }
        if len(self._allowed) + len(self._denied) >= MAX_SERIES:
            return self._named(outcome, (OTHER,) * len(values))
        cell = self._denied[refusal] = self._named(outcome, values)
        return cell

    def _named(self, outcome: dict[str, str], values: tuple[str, ...]) -> RequestCell:
        """Return the cell that is shown under these labels: different raw values may share one."""
        shown = {
            **outcome,
            **{name: bounded(value) for name, value in zip(self.labels, values, strict=True)},
        }
        key = tuple(shown.values())
        cell = self.requests.get(key)
        if cell is None:
            cell = self.requests[key] = RequestCell(shown)
        return cell
