from __future__ import annotations

import asyncio
import contextlib
import os
import threading
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import orjson
import pytest

from policy.decision import Denied, Reason
from tests.harness.records import LABELS, a_record
from vigil.telemetry.accesslog import AccessLog
from vigil.telemetry.meter import Identity
from vigil.telemetry.metrics import Metrics
from vigil.telemetry.outlet import Outlet
from vigil.telemetry.service import ServiceTelemetry

SECONDS = 5.0


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "access.log"


@pytest.fixture
def outlet(path: Path) -> Outlet:
    return Outlet(path, name="test")


@pytest.fixture
def full_pipe() -> Iterator[int]:
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    with contextlib.suppress(BlockingIOError):
        while True:
            os.write(writer, b"x" * 4096)
    os.set_blocking(writer, True)
    yield writer
    os.close(reader)  # which frees a thread that is still writing
    for thread in threading.enumerate():
        if thread.name == "test":
            thread.join(SECONDS)
    os.close(writer)


def entries(path: Path) -> list[dict[str, Any]]:
    return [orjson.loads(line)["entry"] for line in path.read_bytes().splitlines()]


def paths(path: Path) -> list[str]:
    return [entry["info"]["path"] for entry in entries(path)]


def wait_for_bytes(path: Path) -> None:
    deadline = time.monotonic() + SECONDS
    while not path.read_bytes():
        assert time.monotonic() < deadline
        os.sched_yield()


def broken() -> Mapping[str, Any]:
    raise KeyError("no such thing")


def a_telemetry(log: AccessLog) -> ServiceTelemetry:
    identity = Identity(svc="web", namespace="default", region="default", mode="HTTP")
    return ServiceTelemetry(Metrics().meter(identity, LABELS), log)


async def test_everything_taken_is_written_before_the_end(path: Path, outlet: Outlet) -> None:
    log = AccessLog(outlet, region="default")
    for number in range(1_000):
        log.append(a_record(info=lambda number=number: {"path": f"/{number}"}))
    await log.close(SECONDS)
    assert paths(path) == [f"/{number}" for number in range(1_000)]
    assert log.dropped == 0


async def test_entries_are_written_without_being_asked_for(path: Path, outlet: Outlet) -> None:
    log = AccessLog(outlet, region="default")
    log.append(a_record())
    async with asyncio.timeout(SECONDS):
        await asyncio.to_thread(wait_for_bytes, path)
    await log.close(SECONDS)


async def test_what_comes_on_top_of_a_full_queue_is_dropped_and_said_once(
    path: Path, outlet: Outlet, caplog: pytest.LogCaptureFixture
) -> None:
    log = AccessLog(outlet, region="default", capacity=3)
    for _ in range(10):
        log.append(a_record())
    await log.close(SECONDS)
    assert log.dropped == 7
    assert len(entries(path)) == 3
    warnings = [line for line in caplog.messages if "dropped" in line]
    assert len(warnings) == 1


async def test_an_entry_whose_details_fail_costs_its_own_line_only(
    path: Path, outlet: Outlet
) -> None:
    complaints: list[dict[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, told: complaints.append(told))
    log = AccessLog(outlet, region="default")
    for info in (lambda: {"path": "/a"}, broken, lambda: {"path": "/b"}):
        log.append(a_record(info=info))
    await log.close(SECONDS)
    assert paths(path) == ["/a", "/b"]
    assert log.dropped == 1
    assert [type(told["exception"]) for told in complaints] == [KeyError]


async def test_a_stuck_reader_holds_up_neither_requests_nor_the_end(
    full_pipe: int, caplog: pytest.LogCaptureFixture
) -> None:
    outlet = Outlet(full_pipe, name="test", capacity=10_000)
    log = AccessLog(outlet, region="default", capacity=50)
    for _ in range(200):
        log.append(a_record())
        await asyncio.sleep(0)
    await log.close(0.05)
    assert log.dropped == 200
    assert any("dropped" in line for line in caplog.messages)


async def test_a_stream_is_logged_when_it_opens_and_when_it_closes_and_then_no_more(
    path: Path, outlet: Outlet
) -> None:
    log = AccessLog(outlet, region="default")
    telemetry = a_telemetry(log)
    telemetry.started()
    record = a_record(connection_id="c-1")
    telemetry.opened(record)
    telemetry.closed(record)
    telemetry.finished(record)
    await log.close(SECONDS)
    opened, closed = [entry["common"] for entry in entries(path)]
    assert (opened["sequence"], "endedAt" in opened) == (1, False)
    assert (closed["sequence"], "endedAt" in closed) == (2, True)
    assert opened["connectionID"] == closed["connectionID"] == "c-1"


async def test_the_beginning_of_a_stream_does_not_know_its_end(path: Path, outlet: Outlet) -> None:
    log = AccessLog(outlet, region="default")
    record = a_record()
    log.opened(record)
    record.end_reason = Denied(Reason.SESSION_LOCKED)
    log.closed(record)
    await log.close(SECONDS)
    assert [entry["common"]["status"] for entry in entries(path)] == ["ALLOWED", "DENIED"]


async def test_a_request_beside_an_open_stream_is_logged(path: Path, outlet: Outlet) -> None:
    log = AccessLog(outlet, region="default")
    telemetry = a_telemetry(log)
    stream, request = a_record(), a_record()
    telemetry.opened(stream)
    telemetry.closed(stream)
    telemetry.finished(request)
    telemetry.finished(stream)
    await log.close(SECONDS)
    assert len(entries(path)) == 3
