from __future__ import annotations

from collections.abc import Iterator

import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_open
from prometheus_client.parser import text_string_to_metric_families as parse

from policy.decision import Denied, Reason
from tests.harness.records import GET, LABELS, NO_MATCH, NOBODY, NOON, a_permit, a_record
from vigil.telemetry import meter
from vigil.telemetry.meter import Identity
from vigil.telemetry.metrics import Metrics
from vigil.telemetry.service import ServiceTelemetry

WEB = Identity(svc="web", namespace="default", region="default", mode="HTTP")
POINT = {"svc": "web", "namespace": "default", "region": "default", "mode": "HTTP"}
ALLOWED_GET = {
    "state": "ALLOWED",
    "req_http_method": "GET",
    "req_http_status": "2xx",
    "req_http_version": "HTTP11",
    "req_http_stream": "NONE",
}


class NoLog:
    """Takes entries and forgets them."""

    def append(self, record: object) -> None: ...
    def opened(self, record: object) -> None: ...
    def closed(self, record: object) -> None: ...


@pytest.fixture
def metrics() -> Metrics:
    return Metrics()


@pytest.fixture
def telemetry(metrics: Metrics) -> ServiceTelemetry:
    return ServiceTelemetry(metrics.meter(WEB, LABELS), NoLog())


def samples(metrics: Metrics, name: str) -> Iterator[tuple[dict[str, str], float]]:
    """Yield the points of one name that say something, as a scraper reads them."""
    for family in parse(metrics.render()[1].decode()):
        for sample in family.samples:
            if sample.name == name:
                yield {key: value for key, value in sample.labels.items() if value}, sample.value


def value(metrics: Metrics, name: str, **labels: str) -> float:
    """Return the one point that carries these labels."""
    found = [number for point, number in samples(metrics, name) if labels.items() <= point.items()]
    assert len(found) == 1, f"{name}{labels} has {len(found)} points"
    return found[0]


def test_an_allowed_request_is_counted_under_its_labels(
    metrics: Metrics, telemetry: ServiceTelemetry
) -> None:
    telemetry.finished(a_record())
    telemetry.finished(a_record())
    assert list(samples(metrics, "vigil_req_total")) == [({**POINT, **ALLOWED_GET}, 2.0)]


def test_a_denied_request_says_why_and_whether_the_caller_was_known(
    metrics: Metrics, telemetry: ServiceTelemetry
) -> None:
    telemetry.finished(a_record(NO_MATCH))
    telemetry.finished(a_record(NOBODY))
    known = value(metrics, "vigil_req_total", reason="NO_POLICY_MATCH", req_authenticated="true")
    unknown = value(metrics, "vigil_req_total", reason="UNAUTHENTICATED", req_authenticated="false")
    assert (known, unknown) == (1.0, 1.0)


def test_durations_are_seconds_and_cumulative(
    metrics: Metrics, telemetry: ServiceTelemetry
) -> None:
    telemetry.finished(a_record(ended=NOON + 0.02))
    telemetry.finished(a_record(ended=NOON + 3.0))
    name = "vigil_req_duration_seconds"
    assert value(metrics, f"{name}_bucket", le="0.025") == 1.0
    assert value(metrics, f"{name}_bucket", le="+Inf") == 2.0
    assert value(metrics, f"{name}_sum") == pytest.approx(3.02)
    assert value(metrics, f"{name}_count") == 2.0


def test_bytes_and_first_byte_times_are_summed_over_methods_and_status_codes(
    metrics: Metrics, telemetry: ServiceTelemetry
) -> None:
    telemetry.finished(a_record(bytes_sent=10, bytes_received=1, first_byte=NOON + 0.3))
    post = ("POST", "5xx", "HTTP11", "NONE")
    telemetry.finished(a_record(labels=post, bytes_sent=5, bytes_received=2))
    where = {"state": "ALLOWED", "req_http_stream": "NONE"}
    assert list(samples(metrics, "vigil_req_bytes_sent_total")) == [({**POINT, **where}, 15.0)]
    assert value(metrics, "vigil_req_bytes_received_total", **where) == 3.0
    assert value(metrics, "vigil_req_ttfb_seconds_count", **where) == 1.0


def test_active_requests_return_to_where_they_were(
    metrics: Metrics, telemetry: ServiceTelemetry
) -> None:
    telemetry.started()
    telemetry.started()
    telemetry.finished(a_record())
    assert value(metrics, "vigil_req_active", svc="web") == 1.0


def test_a_stream_counts_as_a_session_while_it_is_open(
    metrics: Metrics, telemetry: ServiceTelemetry
) -> None:
    record = a_record(ended=NOON + 20.0)
    telemetry.opened(record)
    assert value(metrics, "vigil_session_active", svc="web") == 1.0
    assert value(metrics, "vigil_live_streams", mode="HTTP") == 1.0
    telemetry.closed(record)
    assert value(metrics, "vigil_session_active", svc="web") == 0.0
    assert value(metrics, "vigil_session_duration_seconds_bucket", le="15.0") == 0.0
    assert value(metrics, "vigil_session_duration_seconds_bucket", le="60.0") == 1.0


def test_refused_connections_are_counted_by_stage_and_unknown_stages_as_other(
    metrics: Metrics, telemetry: ServiceTelemetry
) -> None:
    for stage in ("HANDSHAKE", "HANDSHAKE", "something new"):
        telemetry.rejected(stage)
    assert value(metrics, "vigil_conn_rejected_total", stage="HANDSHAKE") == 2.0
    assert value(metrics, "vigil_conn_rejected_total", stage="UPSTREAM_DIAL") == 0.0
    assert value(metrics, "vigil_conn_rejected_total", stage="OTHER") == 1.0


def test_upstream_dials_are_told_apart_by_their_result(
    metrics: Metrics, telemetry: ServiceTelemetry
) -> None:
    telemetry.dialled(0.001, is_ok=True)
    telemetry.dialled(2.0, is_ok=False)
    name = "vigil_upstream_dial_duration_seconds"
    assert value(metrics, f"{name}_sum", result="OK") == 0.001
    assert value(metrics, f"{name}_sum", result="ERROR") == 2.0


def test_decisions_are_counted_with_their_reason_and_errors_among_them(
    metrics: Metrics, telemetry: ServiceTelemetry
) -> None:
    telemetry.decided(2e-6, None)
    telemetry.decided(3e-6, NO_MATCH)
    telemetry.decided(4e-6, Denied(Reason.EVALUATION_ERROR))
    name = "vigil_authorization_req_total"
    assert value(metrics, name, req_authorized="true", req_error="false") == 1.0
    assert value(metrics, name, req_authorized="false", reason="NO_POLICY_MATCH") == 1.0
    assert value(metrics, name, req_error="true", reason="EVALUATION_ERROR") == 1.0
    duration = "vigil_authorization_req_duration_seconds_bucket"
    assert value(metrics, duration, req_authorized="true", le="5e-06") == 1.0


def test_passes_over_what_is_in_flight_are_counted_by_result(
    metrics: Metrics, telemetry: ServiceTelemetry
) -> None:
    telemetry.rechecked(kept=5, cut=2)
    telemetry.rechecked(kept=1, cut=0)
    assert value(metrics, "vigil_authz_reevaluation_total", result="KEPT") == 6.0
    assert value(metrics, "vigil_authz_reevaluation_total", result="CUT") == 2.0


def test_reloads_are_counted_and_a_refused_one_keeps_the_revision(metrics: Metrics) -> None:
    metrics.config_applied(4)
    metrics.config_refused()
    assert value(metrics, "vigil_config_revision") == 4.0
    assert value(metrics, "vigil_config_reload_total", result="OK") == 1.0
    assert value(metrics, "vigil_config_reload_total", result="ERROR") == 1.0


def test_lost_access_log_entries_are_asked_for_at_each_scrape(metrics: Metrics) -> None:
    assert value(metrics, "vigil_accesslog_dropped_total") == 0.0
    metrics.count_drops(lambda: 3)
    assert value(metrics, "vigil_accesslog_dropped_total") == 3.0


def test_the_process_tells_its_own_cost(metrics: Metrics) -> None:
    assert value(metrics, "process_resident_memory_bytes") > 0.0


def test_a_service_keeps_its_counters_over_a_reload(metrics: Metrics) -> None:
    ServiceTelemetry(metrics.meter(WEB, LABELS), NoLog()).finished(a_record())
    ServiceTelemetry(metrics.meter(WEB, LABELS), NoLog()).finished(a_record())
    assert value(metrics, "vigil_req_total", svc="web") == 2.0


def test_services_are_told_apart(metrics: Metrics) -> None:
    for name in ("web", "api"):
        identity = Identity(svc=name, namespace="default", region="default", mode="HTTP")
        ServiceTelemetry(metrics.meter(identity, LABELS), NoLog()).finished(a_record())
    assert value(metrics, "vigil_req_total", svc="web") == 1.0
    assert value(metrics, "vigil_req_total", svc="api") == 1.0


def test_labels_without_bound_overflow_into_other_and_nothing_is_lost(
    metrics: Metrics, telemetry: ServiceTelemetry, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(meter, "MAX_SERIES", 20)
    for number in range(50):
        telemetry.finished(a_record(labels=(f"M{number}", "2xx", "HTTP11", "NONE")))
    points = list(samples(metrics, "vigil_req_total"))
    assert len(points) == 21
    assert value(metrics, "vigil_req_total", req_http_method="OTHER") == 30.0
    assert sum(number for _, number in points) == 50


def test_an_overflow_still_says_what_was_decided(
    metrics: Metrics, telemetry: ServiceTelemetry, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(meter, "MAX_SERIES", 20)
    for number in range(20):
        telemetry.finished(a_record(labels=(f"M{number}", "2xx", "HTTP11", "NONE")))
    telemetry.finished(a_record(NO_MATCH, labels=("one more", "4xx", "HTTP11", "NONE")))
    assert value(metrics, "vigil_req_total", req_http_method="OTHER", state="DENIED") == 1.0


def test_values_that_look_the_same_when_shown_share_a_point(
    metrics: Metrics, telemetry: ServiceTelemetry
) -> None:
    telemetry.finished(a_record(labels=("x" * 200, *GET[1:])))
    telemetry.finished(a_record(labels=("y" * 200, *GET[1:])))
    assert value(metrics, "vigil_req_total", req_http_method="OTHER") == 2.0


def test_no_user_or_session_is_named(metrics: Metrics, telemetry: ServiceTelemetry) -> None:
    telemetry.finished(a_record(a_permit(), who=None))
    text = metrics.render()[1].decode()
    assert "alice" not in text
    assert "203.0.113.9" not in text


def test_openmetrics_is_spoken_to_those_who_ask_for_it(
    metrics: Metrics, telemetry: ServiceTelemetry
) -> None:
    telemetry.finished(a_record())
    kind, text = metrics.render("application/openmetrics-text; version=1.0.0")
    assert kind.startswith("application/openmetrics-text")
    names = {family.name for family in parse_open(text.decode())}
    assert {"vigil_req", "vigil_req_duration_seconds", "vigil_config_revision"} <= names


def test_prometheus_text_is_what_everybody_else_gets(metrics: Metrics) -> None:
    assert metrics.render("text/html")[0].startswith("text/plain; version=0.0.4")
