"""Telemetry of one Service: what its protocol reports becomes counters and log entries."""

from __future__ import annotations

from typing import Protocol, final

from policy.decision import Denied
from protocols.api import Record
from vigil.telemetry.meter import Meter


class Entries(Protocol):
    """Where Records go to be written down (``vigil.telemetry.accesslog.AccessLog``)."""

    def append(self, record: Record) -> None:
        """Take one finished request."""
        ...

    def opened(self, record: Record) -> None:
        """Take the beginning of a long stream."""
        ...

    def closed(self, record: Record) -> None:
        """Take the end of that stream."""
        ...


@final
class ServiceTelemetry:
    """Implements ``protocols.api.Telemetry``, and takes what the gate has to report.

    A stream is one Record object, given to ``opened``, ``closed`` and ``finished`` in this order:
    its end is logged once, by ``closed``.
    """

    __slots__ = ("_closed", "_log", "_meter")

    def __init__(self, meter: Meter, log: Entries) -> None:
        self._meter = meter
        self._log = log
        self._closed: dict[int, Record] = {}

    def started(self) -> None:
        """Count a request that began."""
        self._meter.active += 1

    def finished(self, record: Record) -> None:
        """Count and log a request that ended. Hot: about a microsecond."""
        meter = self._meter
        meter.active -= 1
        verdict = record.verdict
        decision = verdict if isinstance(verdict, Denied) else verdict.allowed
        if decision.shadow is not None:
            meter.rehearsed(decision)
        cell = meter.cell(record)
        cell.duration.observe(record.ended - record.started)
        if record.first_byte:
            cell.ttfb.observe(record.first_byte - record.started)
        cell.bytes_sent += record.bytes_sent
        cell.bytes_received += record.bytes_received
        if not self._closed or self._closed.pop(id(record), None) is None:
            self._log.append(record)

    def opened(self, record: Record) -> None:
        """Count a long stream as a session, and log that it opened."""
        self._meter.sessions += 1
        self._log.opened(record)

    def closed(self, record: Record) -> None:
        """Count and log the end of that stream."""
        is_denied = isinstance(record.verdict, Denied)
        self._meter.session_ended(record.ended - record.started, is_denied=is_denied)
        self._closed[id(record)] = record
        self._log.closed(record)

    def dialled(self, seconds: float, *, is_ok: bool) -> None:
        """Count an attempt at an upstream connection."""
        self._meter.dials[is_ok].observe(seconds)

    def rejected(self, stage: str) -> None:
        """Count a connection refused before it carried a request."""
        self._meter.reject(stage)

    def decided(self, seconds: float, denied: Denied | None) -> None:
        """Count one answer of the gate; ``denied`` is None where it allowed."""
        self._meter.decided(seconds, denied)

    def rechecked(self, *, kept: int, cut: int) -> None:
        """Count a pass over what is in flight: how much of it stays, how much was ended."""
        self._meter.rechecks["KEPT"] += kept
        self._meter.rechecks["CUT"] += cut
