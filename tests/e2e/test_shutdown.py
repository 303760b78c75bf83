"""SIGTERM: what is in flight ends well, nothing new is taken, and the exit code is 0."""

from __future__ import annotations

import signal
from pathlib import Path

from tests.harness.curl import curl
from tests.harness.processes import free_port, listens, wait_for
from tests.harness.rawhttp import RawConnection
from tests.harness.resources import ALLOW_ALL, Resources, a_service, a_session, a_user
from tests.harness.running import Vigil, serve


def _vigil(tmp_path: Path, upstream: str, port: int, *options: str) -> Vigil:
    resources = Resources(tmp_path / "resources")
    resources.write(
        "world",
        a_user("alice"),
        a_session("alice", "alice"),
        a_service("web", port, upstream, authorization=ALLOW_ALL),
    )
    return serve("web", port, resources, tmp_path, *options)


def test_a_slow_response_in_flight_is_finished_before_the_exit(
    tmp_path: Path, app_url: str
) -> None:
    port = free_port()
    with _vigil(tmp_path, app_url, port) as vigil, RawConnection(port) as connection:
        head = f"GET /held/{port} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer "
        connection.send(f"{head}{vigil.token('alice')}\r\n\r\n".encode())
        wait_for("the request", lambda: vigil.metric("vigil_req_active") == 1)
        vigil.signal(signal.SIGTERM)
        wait_for("the end of the listener", lambda: not listens(port))
        assert vigil.exit_code is None
        curl(f"{app_url}/release/{port}", "-X", "POST")
        assert connection.response().body == b"released"
        assert vigil.wait() == 0
        assert vigil.entries_for(f"/held/{port}")


def test_an_idle_connection_does_not_delay_the_exit(tmp_path: Path, app_url: str) -> None:
    port = free_port()
    with _vigil(tmp_path, app_url, port) as vigil, RawConnection(port) as connection:
        vigil.signal(signal.SIGTERM)
        assert vigil.wait(5) == 0
        assert connection.is_closed_by_peer()


def test_a_reader_of_the_log_that_goes_away_does_not_stop_the_service(
    tmp_path: Path, app_url: str
) -> None:
    port = free_port()
    with _vigil(tmp_path, app_url, port, "--access-log", "/dev/full") as vigil:
        for _ in range(20):
            assert vigil.status(port, "alice") == 200
        vigil.eventually("losses", lambda: vigil.metric("vigil_accesslog_dropped_total") > 0)


def test_an_interrupt_from_the_keyboard_ends_it_as_well(tmp_path: Path, app_url: str) -> None:
    port = free_port()
    with _vigil(tmp_path, app_url, port) as vigil:
        vigil.signal(signal.SIGINT)
        assert vigil.wait(5) in (0, 130)
        assert "Traceback" not in vigil.stderr
