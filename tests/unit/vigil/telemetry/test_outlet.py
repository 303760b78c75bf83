from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from vigil.telemetry.outlet import Outlet

SECONDS = 5.0


@pytest.fixture
def pipe() -> Iterator[tuple[int, int]]:
    reader, writer = os.pipe()
    yield reader, writer
    os.close(reader)  # which frees a thread that is still writing
    for thread in threading.enumerate():
        if thread.name == "test":
            thread.join(SECONDS)
    os.close(writer)


def test_lines_arrive_whole_and_in_order(tmp_path: Path) -> None:
    log = tmp_path / "access.log"
    outlet = Outlet(log, name="test")
    for number in range(500):
        outlet.put(f"line {number}\n".encode())
    outlet.close(SECONDS)
    assert log.read_text().splitlines() == [f"line {number}" for number in range(500)]
    assert outlet.lost == 0


def test_an_existing_file_is_continued(tmp_path: Path) -> None:
    log = tmp_path / "access.log"
    log.write_text("before\n")
    outlet = Outlet(log, name="test")
    outlet.put(b"after\n")
    outlet.close(SECONDS)
    assert log.read_text() == "before\nafter\n"


def test_a_log_file_is_not_for_everybody_to_read(tmp_path: Path) -> None:
    log = tmp_path / "access.log"
    Outlet(log, name="test").close(SECONDS)
    assert log.stat().st_mode & 0o007 == 0


def test_a_file_that_cannot_be_opened_is_an_error_at_once(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="missing"):
        Outlet(tmp_path / "missing" / "access.log", name="test")


def test_a_rotated_file_is_left_alone_and_its_successor_written(tmp_path: Path) -> None:
    log, old = tmp_path / "access.log", tmp_path / "access.log.1"
    outlet = Outlet(log, name="test")
    outlet.put(b"one\n")
    flush(outlet)
    log.rename(old)
    outlet.put(b"two\n")
    outlet.close(SECONDS)
    assert (old.read_text(), log.read_text()) == ("one\n", "two\n")


def test_a_removed_file_is_made_again(tmp_path: Path) -> None:
    log = tmp_path / "access.log"
    outlet = Outlet(log, name="test")
    outlet.put(b"one\n")
    flush(outlet)
    log.unlink()
    outlet.put(b"two\n")
    outlet.close(SECONDS)
    assert log.read_text() == "two\n"


def test_a_reader_that_does_not_read_costs_lines_and_no_time(pipe: tuple[int, int]) -> None:
    outlet = Outlet(pipe[1], name="test", capacity=200_000)
    line = b"x" * 999 + b"\n"
    for _ in range(1_000):
        outlet.put(line)
    assert outlet.is_full
    assert outlet.lost > 0
    outlet.close(0.05)
    assert outlet.lost >= 1_000 - 65_536 // 1_000 - 1


def test_a_pipe_set_not_to_block_loses_nothing(pipe: tuple[int, int]) -> None:
    os.set_blocking(pipe[1], False)
    outlet = Outlet(pipe[1], name="test")
    outlet.put(b"x" * 199_999 + b"\n")
    got = 0
    while got < 200_000:
        got += len(os.read(pipe[0], 1 << 16))
    outlet.close(SECONDS)
    assert outlet.lost == 0


def test_lines_that_cannot_be_written_are_counted() -> None:
    full = os.open("/dev/full", os.O_WRONLY)
    outlet = Outlet(full, name="test")
    outlet.put(b"a\nb\n", 2)
    outlet.close(SECONDS)
    os.close(full)
    assert outlet.lost == 2


def test_after_the_end_everything_is_lost_and_counted(tmp_path: Path) -> None:
    outlet = Outlet(tmp_path / "access.log", name="test")
    outlet.close(SECONDS)
    outlet.put(b"late\n")
    outlet.close(SECONDS)
    assert outlet.lost == 1
    assert (tmp_path / "access.log").read_bytes() == b""


def flush(outlet: Outlet) -> None:
    """Wait until nothing is on its way."""
    while outlet.waiting:
        os.sched_yield()
