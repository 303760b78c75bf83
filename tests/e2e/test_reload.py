"""Edits of a running Vigil: seen within a second, never half, and without a lost request."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Final

import pytest

from tests.harness.cases import with_rules
from tests.harness.curl import curl
from tests.harness.processes import free_port, listens, wait_for
from tests.harness.rawhttp import RawConnection
from tests.harness.resources import (
    ALLOW_ALL,
    Resources,
    a_service,
    a_session,
    a_user,
    allow,
    authorization,
    deny,
)
from tests.harness.running import Vigil, up

_BUDGET: Final = 1.0


@pytest.fixture
def port() -> int:
    return free_port()


@pytest.fixture
def vigil(tmp_path: Path, app_url: str, port: int) -> Iterator[Vigil]:
    resources = Resources(tmp_path / "resources")
    resources.write("world", a_user("alice"), a_session("alice", "alice"))
    resources.write("web", a_service("web", port, app_url, authorization=ALLOW_ALL))
    with up(resources, tmp_path, ports=[port]) as process:
        process.token("alice")
        yield process


def _status(vigil: Vigil, port: int) -> int:
    return vigil.status(port, "alice")


def test_a_broken_edit_keeps_the_last_good_generation_and_says_why(
    vigil: Vigil, port: int, app_url: str
) -> None:
    vigil.resources.write_text("web", "kind: Service\nmetadata: {name: web}\nspec: {mod: HTTP}\n")
    vigil.eventually("complaint", lambda: "spec.mod" in vigil.stderr)
    assert "web.yaml:3" in vigil.stderr
    assert _status(vigil, port) == 200
    assert vigil.admin("/readyz").status == 200
    vigil.resources.write("web", a_service("web", port, app_url))
    vigil.eventually("the next good edit", lambda: _status(vigil, port) == 403)


def test_a_policy_that_does_not_compile_keeps_the_last_good_generation(
    vigil: Vigil, port: int, app_url: str
) -> None:
    broken = a_service("web", port, app_url, **with_rules(allow("1 +")))
    vigil.resources.write("web", broken)
    vigil.eventually("complaint", lambda: "web.yaml" in vigil.stderr)
    assert _status(vigil, port) == 200


def test_a_dangling_policy_keeps_the_last_good_generation(
    vigil: Vigil, port: int, app_url: str
) -> None:
    dangling = authorization(policies=["gone"])
    vigil.resources.write("web", a_service("web", port, app_url, authorization=dangling))
    vigil.eventually("complaint", lambda: "gone" in vigil.stderr)
    assert _status(vigil, port) == 200


def test_a_file_that_is_half_written_is_never_served(vigil: Vigil, port: int, app_url: str) -> None:
    target = vigil.resources.path / "web.yaml"
    whole = target.read_text()
    for _ in range(5):
        target.write_text(whole[: len(whole) // 2])
        target.write_text(whole)
        assert _status(vigil, port) == 200
    assert listens(port)


def test_no_request_is_lost_while_policies_are_edited_under_load(
    vigil: Vigil, port: int, app_url: str
) -> None:
    stop, failures, answered = threading.Event(), list[str](), list[int]()
    token = vigil.token("alice")

    def load() -> None:
        request = f"GET /load HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\n\r\n"
        try:
            with RawConnection(port) as connection:
                while not stop.is_set():
                    connection.send(request.encode())
                    status = connection.response().status
                    answered.append(status)
        except (OSError, EOFError, ValueError) as error:
            failures.append(repr(error))

    threads = [threading.Thread(target=load) for _ in range(4)]
    for thread in threads:
        thread.start()
    for number in range(8):
        rules = with_rules(allow(name=f"edit-{number}"), deny(False))
        vigil.resources.write("web", a_service("web", port, app_url, **rules))
        wait_for(f"edit {number}", partial(_decided_by, vigil, f"edit-{number}"), within=5)
    stop.set()
    for thread in threads:
        thread.join(10)
    assert failures == []
    assert set(answered) == {200}
    assert len(answered) > 100


def _decided_by(vigil: Vigil, rule: str) -> bool:
    last = vigil.entries_for("/load")[-1:]
    return any(rule in str(entry) for entry in last)


@pytest.mark.parametrize("case", [pytest.param("web", id="A75-port")])
def test_a_port_change_opens_the_new_listener_and_closes_the_old(
    vigil: Vigil, port: int, app_url: str, case: str
) -> None:
    new = free_port()
    started = time.monotonic()
    vigil.resources.write(case, a_service(case, new, app_url, authorization=ALLOW_ALL))
    vigil.eventually("the new listener", lambda: listens(new), within=2)
    assert _status(vigil, new) == 200
    vigil.eventually("the end of the old listener", lambda: not listens(port), within=2)
    assert time.monotonic() - started < 2 * _BUDGET


@pytest.mark.parametrize("case", [pytest.param("web", id="A75-in-flight")])
def test_a_port_change_lets_the_request_in_flight_end(
    vigil: Vigil, port: int, app_url: str, case: str
) -> None:
    new = free_port()
    key = f"port-{new}"
    head = f"GET /held/{key} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {vigil.token('alice')}"
    with RawConnection(port) as connection:
        connection.send(head.encode() + b"\r\n\r\n")
        vigil.eventually("the request", lambda: vigil.metric("vigil_req_active") == 1)
        vigil.resources.write(case, a_service(case, new, app_url, authorization=ALLOW_ALL))
        vigil.eventually("the new listener", lambda: listens(new), within=2)
        curl(f"{app_url}/release/{key}", "-X", "POST")
        assert connection.response().body == b"released"


@pytest.mark.parametrize("case", [pytest.param("web", id="A75-mode")])
def test_a_mode_change_between_http_and_web_keeps_serving(
    vigil: Vigil, port: int, app_url: str, case: str
) -> None:
    vigil.resources.write(case, a_service(case, port, app_url, mode="WEB", authorization=ALLOW_ALL))
    vigil.eventually("mode WEB", lambda: _last_mode(vigil, port) == "WEB", within=2)


def _last_mode(vigil: Vigil, port: int) -> str:
    assert _status(vigil, port) == 200
    modes = [line["entry"]["common"]["mode"] for line in vigil.entries()]
    return modes[-1] if modes else ""


@pytest.mark.parametrize("case", [pytest.param("web", id="A76-headers")])
def test_a_header_edit_is_seen_on_an_open_connection(
    vigil: Vigil, port: int, app_url: str, case: str
) -> None:
    request = f"GET / HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {vigil.token('alice')}\r\n\r\n"
    header = {"addResponseHeaders": [{"key": "X-Edit", "value": "1"}]}
    edited = a_service(case, port, app_url, http={"header": header}, authorization=ALLOW_ALL)
    with RawConnection(port) as connection:
        connection.send(request.encode())
        assert connection.response().header("x-edit") is None
        vigil.resources.write(case, edited)

        def is_seen() -> bool:
            connection.send(request.encode())
            return connection.response().header("x-edit") == "1"

        vigil.eventually("the header", is_seen)


def test_a_directory_that_is_gone_for_a_while_changes_nothing(vigil: Vigil, port: int) -> None:
    place = vigil.resources.path
    place.rename(place.with_name("elsewhere"))
    vigil.eventually("complaint", lambda: "ERROR" in vigil.stderr)
    assert _status_with_known_token(vigil, port) == 200
    place.with_name("elsewhere").rename(place)
    assert _status(vigil, port) == 200


def _status_with_known_token(vigil: Vigil, port: int) -> int:
    return vigil.get(port, "/", "-H", f"Authorization: Bearer {vigil.token('alice')}").status


def test_a_swapped_symbolic_link_is_an_edit_like_any_other(
    tmp_path: Path, app_url: str, port: int
) -> None:
    versions = {name: Resources(tmp_path / name) for name in ("one", "two")}
    people = (a_user("alice"), a_session("alice", "alice"))
    versions["one"].write("all", *people, a_service("web", port, app_url, authorization=ALLOW_ALL))
    versions["two"].write("all", *people, a_service("web", port, app_url))
    link, mounted = tmp_path / "mounted" / "..data", Resources(tmp_path / "mounted")
    link.symlink_to(tmp_path / "one")
    (mounted.path / "all.yaml").symlink_to("..data/all.yaml")
    with up(mounted, tmp_path / "run", ports=[port]) as vigil:
        assert _status(vigil, port) == 200
        fresh = link.with_name("..fresh")
        fresh.symlink_to(tmp_path / "two")
        fresh.replace(link)
        vigil.eventually("refusal", lambda: _status(vigil, port) == 403)


def test_a_new_service_gets_a_listener_and_a_removed_one_loses_it(
    vigil: Vigil, port: int, app_url: str
) -> None:
    new = free_port()
    vigil.resources.write("late", a_service("late", new, app_url, authorization=ALLOW_ALL))
    vigil.eventually("the listener", lambda: listens(new), within=2)
    assert _status(vigil, new) == 200
    vigil.resources.remove("late")
    vigil.eventually("its end", lambda: not listens(new), within=2)
    assert _status(vigil, port) == 200
    assert vigil.exit_code is None
