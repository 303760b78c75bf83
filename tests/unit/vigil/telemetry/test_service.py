from __future__ import annotations

from dataclasses import fields

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policy.decision import Denied, Reason
from protocols.api import Record, Telemetry
from protocols.permit import Permit
from tests.harness.records import LABELS, NO_MATCH, a_permit, a_record
from vigil.telemetry.meter import Identity, Meter
from vigil.telemetry.service import ServiceTelemetry

WEB = Identity(svc="web", namespace="default", region="default", mode="HTTP")


class Book:
    """An access log that keeps what it is given."""

    def __init__(self) -> None:
        self.lines: list[tuple[str, Record]] = []

    def append(self, record: Record) -> None:
        self.lines.append(("finished", record))

    def opened(self, record: Record) -> None:
        self.lines.append(("opened", record))

    def closed(self, record: Record) -> None:
        self.lines.append(("closed", record))


@pytest.fixture
def meter() -> Meter:
    return Meter(WEB, LABELS)


@pytest.fixture
def book() -> Book:
    return Book()


@pytest.fixture
def telemetry(meter: Meter, book: Book) -> Telemetry:
    return ServiceTelemetry(meter, book)


def test_each_finished_request_is_logged_once(telemetry: Telemetry, book: Book) -> None:
    allowed, denied = a_record(), a_record(NO_MATCH)
    telemetry.finished(allowed)
    telemetry.finished(denied)
    assert [record for _, record in book.lines] == [allowed, denied]


def test_a_stream_is_logged_at_both_ends_and_counted_as_one_request(
    telemetry: Telemetry, meter: Meter, book: Book
) -> None:
    record = a_record()
    telemetry.started()
    telemetry.opened(record)
    telemetry.closed(record)
    telemetry.finished(record)
    assert [what for what, _ in book.lines] == ["opened", "closed"]
    assert (meter.active, meter.sessions) == (0, 0)
    assert [cell.duration.count for cell in meter.requests.values()] == [1]


def test_a_record_may_be_reported_again_after_its_stream_is_forgotten(
    telemetry: Telemetry, book: Book
) -> None:
    record = a_record()
    telemetry.closed(record)
    telemetry.finished(record)
    telemetry.finished(record)
    assert [what for what, _ in book.lines] == ["closed", "finished"]


@given(
    verdict=st.sampled_from([a_permit(), a_permit(None), *(Denied(reason) for reason in Reason)]),
    values=st.tuples(*(st.text() for _ in LABELS)),
    times=st.tuples(*(st.floats() for _ in range(3))),
)
def test_no_record_makes_it_raise(
    verdict: Permit | Denied, values: tuple[str, ...], times: tuple[float, float, float]
) -> None:
    meter = Meter(WEB, LABELS)
    started, ended, first_byte = times
    record = a_record(verdict, labels=values, started=started, ended=ended, first_byte=first_byte)
    ServiceTelemetry(meter, Book()).finished(record)
    assert sum(cell.duration.count for cell in meter.requests.values()) == 1


def test_a_record_is_left_as_it_was(telemetry: Telemetry) -> None:
    record = a_record(bytes_sent=3)
    before = [getattr(record, field.name) for field in fields(record)]
    telemetry.opened(record)
    telemetry.closed(record)
    telemetry.finished(record)
    assert [getattr(record, field.name) for field in fields(record)] == before
