"""The metrics of one process, shown as Prometheus asks for them, and only when it asks."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import accumulate
from typing import Final, TypeAlias, final

from prometheus_client import CollectorRegistry, ProcessCollector
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4, generate_latest
from prometheus_client.openmetrics import exposition as openmetrics
from prometheus_client.registry import Collector

from policy.decision import Reason
from vigil.telemetry.meter import Identity, Meter
from vigil.telemetry.series import REQUEST_SECONDS, Histogram, RequestCell

_COMMON: Final = ("svc", "namespace", "region", "mode")
_OUTCOME: Final = ("state", "reason", "req_authenticated")
_STREAM: Final = "req_http_stream"
"""The one protocol label that bytes and first-byte times carry (spec/data-plane.md §5.1)."""

_Labels: TypeAlias = tuple[str, ...]


@final
class Metrics(Collector):
    """Every counter of one process. Counting happens in the Meters it hands out."""

    def __init__(self) -> None:
        self._meters: dict[Identity, Meter] = {}
        self._revision = 0
        self._reloads = {"OK": 0, "ERROR": 0}
        self._dropped: Callable[[], int] = int
        self._registry = CollectorRegistry(auto_describe=False)
        self._registry.register(self)
        ProcessCollector(registry=self._registry)

    def meter(self, identity: Identity, labels: tuple[str, ...]) -> Meter:
        """Return the Service's counters: those it had before, if it had any."""
        meter = self._meters.get(identity)
        if meter is None:
            meter = self._meters[identity] = Meter(identity, labels)
        return meter

    def config_applied(self, revision: int) -> None:
        """Say that the resources of ``revision`` are what requests are now decided by."""
        self._revision = revision
        self._reloads["OK"] += 1

    def config_refused(self) -> None:
        """Say that a reload was refused, so the last good resources still decide."""
        self._reloads["ERROR"] += 1

    def count_drops(self, dropped: Callable[[], int]) -> None:
        """Take the number of lost access log entries from ``dropped`` at each scrape."""
        self._dropped = dropped

    def render(self, accept: str = "") -> tuple[str, bytes]:
        """Return content type and text: OpenMetrics where ``accept`` names it.

        It takes milliseconds and reads files of /proc: call it in a thread.
        """
        if "application/openmetrics-text" in accept:
            text: bytes = openmetrics.generate_latest(self._registry)  # type: ignore[no-untyped-call]
            return openmetrics.CONTENT_TYPE_LATEST, text
        return CONTENT_TYPE_PLAIN_0_0_4, generate_latest(self._registry)

    def collect(self) -> Iterator[Metric]:
        """Yield every family. Dicts are copied first: the loop's thread goes on counting."""
        meters = list(self._meters.values())
        yield from _requests(meters)
        yield from _sessions(meters)
        yield from _connections(meters)
        yield from _decisions(meters)
        yield _shadows(meters)
        yield from self._process()

    def _process(self) -> Iterator[Metric]:
        yield GaugeMetricFamily(
            "vigil_config_revision", "Revision of the resources in force.", value=self._revision
        )
        reloads = CounterMetricFamily(
            "vigil_config_reload", "Reloads of resources.", labels=("result",)
        )
        for result, count in self._reloads.items():
            reloads.add_metric((result,), count)
        yield reloads
        yield CounterMetricFamily(
            "vigil_accesslog_dropped", "Access log entries that were lost.", value=self._dropped()
        )


def _requests(meters: list[Meter]) -> Iterator[Metric]:
    active = GaugeMetricFamily("vigil_req_active", "Requests in flight.", labels=_COMMON)
    own = sorted({label for meter in meters for label in meter.labels})
    names = (*_COMMON, *_OUTCOME, *own)
    total = CounterMetricFamily("vigil_req", "Requests that ended.", labels=names)
    duration = HistogramMetricFamily(
        "vigil_req_duration_seconds", "From a request's head to its end.", labels=names
    )
    for meter in meters:
        active.add_metric(_common(meter), meter.active)
        for cell in list(meter.requests.values()):
            values = (*_common(meter), *(cell.labels.get(name, "") for name in names[4:]))
            total.add_metric(values, cell.duration.count)
            _show(duration, values, cell.duration)
    yield from (active, total, duration)
    yield from _transfers(meters)


def _transfers(meters: list[Meter]) -> Iterator[Metric]:
    names = (*_COMMON, "state", _STREAM)
    ttfb = HistogramMetricFamily(
        "vigil_req_ttfb_seconds", "From a request's head to its first byte.", labels=names
    )
    sent = CounterMetricFamily("vigil_req_bytes_sent", "Bytes to clients.", labels=names)
    received = CounterMetricFamily("vigil_req_bytes_received", "Bytes of clients.", labels=names)
    for meter in meters:
        for key, cells in _grouped(meter.requests.values()).items():
            values = (*_common(meter), *key)
            merged = Histogram(REQUEST_SECONDS)
            for cell in cells:
                merged.add(cell.ttfb)
            _show(ttfb, values, merged)
            sent.add_metric(values, sum(cell.bytes_sent for cell in cells))
            received.add_metric(values, sum(cell.bytes_received for cell in cells))
    yield from (ttfb, sent, received)


def _grouped(cells: Iterable[RequestCell]) -> dict[tuple[str, str], list[RequestCell]]:
    groups: dict[tuple[str, str], list[RequestCell]] = {}
    for cell in list(cells):
        groups.setdefault((cell.labels["state"], cell.labels.get(_STREAM, "")), []).append(cell)
    return groups


def _sessions(meters: list[Meter]) -> Iterator[Metric]:
    active = GaugeMetricFamily(
        "vigil_session_active", "Long streams that are open.", labels=_COMMON
    )
    duration = HistogramMetricFamily(
        "vigil_session_duration_seconds", "How long streams lasted.", labels=(*_COMMON, "state")
    )
    live = GaugeMetricFamily(
        "vigil_live_streams", "Streams that are asked about again on a change.", labels=("mode",)
    )
    by_mode: dict[str, int] = {}
    for meter in meters:
        active.add_metric(_common(meter), meter.sessions)
        mode = meter.identity.mode
        by_mode[mode] = by_mode.get(mode, 0) + meter.sessions
        for state, histogram in list(meter.session_durations.items()):
            _show(duration, (*_common(meter), state), histogram)
    for mode, count in by_mode.items():
        live.add_metric((mode,), count)
    yield from (active, duration, live)


def _connections(meters: list[Meter]) -> Iterator[Metric]:
    rejected = CounterMetricFamily(
        "vigil_conn_rejected",
        "Connections that never carried a request.",
        labels=(*_COMMON, "stage"),
    )
    dials = HistogramMetricFamily(
        "vigil_upstream_dial_duration_seconds",
        "Opening upstream connections.",
        labels=(*_COMMON, "result"),
    )
    for meter in meters:
        for stage, count in list(meter.rejected.items()):
            rejected.add_metric((*_common(meter), stage), count)
        for is_ok, histogram in meter.dials.items():
            _show(dials, (*_common(meter), "OK" if is_ok else "ERROR"), histogram)
    yield from (rejected, dials)


def _decisions(meters: list[Meter]) -> Iterator[Metric]:
    names = (*_COMMON, "req_authorized", "req_error", "reason")
    total = CounterMetricFamily("vigil_authorization_req", "Decisions of the gate.", labels=names)
    duration = HistogramMetricFamily(
        "vigil_authorization_req_duration_seconds", "Deciding one request.", labels=names
    )
    rechecks = CounterMetricFamily(
        "vigil_authz_reevaluation",
        "Streams asked about again, and what became of them.",
        labels=(*_COMMON, "result"),
    )
    for meter in meters:
        for reason, histogram in list(meter.decisions.items()):
            values = (*_common(meter), *_answer(reason))
            total.add_metric(values, histogram.count)
            _show(duration, values, histogram)
        for result, count in meter.rechecks.items():
            rechecks.add_metric((*_common(meter), result), count)
    yield from (total, duration, rechecks)


def _shadows(meters: list[Meter]) -> Metric:
    total = CounterMetricFamily(
        "vigil_policy_shadow",
        "Requests by what shadow policies, if they were real, would have made of them.",
        labels=(*_COMMON, "decision"),
    )
    for meter in meters:
        for outcome, count in meter.shadows.items():
            total.add_metric((*_common(meter), outcome), count)
    return total


def _answer(reason: Reason | None) -> _Labels:
    if reason is None:
        return ("true", "false", "")
    is_error = reason is Reason.EVALUATION_ERROR
    return ("false", "true" if is_error else "false", reason.name)


def _common(meter: Meter) -> _Labels:
    own = meter.identity
    return (own.svc, own.namespace, own.region, own.mode)


def _show(family: HistogramMetricFamily, values: _Labels, histogram: Histogram) -> None:
    bounds = [*map(str, histogram.bounds), "+Inf"]
    buckets = list(zip(bounds, map(float, accumulate(histogram.counts)), strict=True))
    family.add_metric(values, buckets, histogram.total)
