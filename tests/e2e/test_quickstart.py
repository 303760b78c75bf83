"""The quick start does what the README says it does, with its own files and its own app."""

from __future__ import annotations

import asyncio
import re
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from tests.harness.curl import curl
from tests.harness.processes import LOOPBACK, ROOT, Process, free_port
from tests.harness.rawhttp import RawConnection
from tests.harness.resources import Resources
from tests.harness.running import Vigil, up, vigil_command

_EXAMPLE: Final = ROOT / "examples" / "quickstart"


@pytest.fixture(scope="module")
def port() -> int:
    return free_port()


@pytest.fixture(scope="module")
def vigil(tmp_path_factory: pytest.TempPathFactory, port: int) -> Iterator[Vigil]:
    place = tmp_path_factory.mktemp("quickstart")
    shutil.copytree(_EXAMPLE, place / "resources")
    resources, upstream = Resources(place / "resources"), free_port()
    _edit(resources, "web", "18000", str(upstream))
    _edit(resources, "web", "8080", str(port))
    argv = [sys.executable, str(_EXAMPLE / "app.py"), str(upstream)]
    with Process(argv, place, name="app").ready(upstream), up(resources, place, ports=[port]) as it:
        yield it


def _edit(resources: Resources, name: str, old: str, new: str, *, times: int = -1) -> None:
    text = (resources.path / f"{name}.yaml").read_text()
    assert old in text
    resources.write_text(name, text.replace(old, new, times))


def test_the_resources_pass_the_check() -> None:
    done = vigil_command("check", str(_EXAMPLE))
    assert done.returncode == 0, done.stderr
    assert "warning" not in done.stdout + done.stderr


def test_the_resources_of_the_readme_pass_the_check(tmp_path: Path) -> None:
    blocks = re.findall(r"```yaml\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)
    assert blocks
    for number, block in enumerate(blocks):
        (tmp_path / f"{number}.yaml").write_text(block)
    done = vigil_command("check", str(tmp_path))
    assert (done.returncode, done.stderr) == (0, "")


def test_the_policy_is_word_for_word_the_one_of_the_documentation() -> None:
    text = (_EXAMPLE / "policies.yaml").read_text()
    assert 'match: ctx.device.status.osType in ["LINUX", "MAC"]' in text


@pytest.mark.parametrize(
    ("session", "status", "reason", "rule"),
    [
        pytest.param("alice", 200, "POLICY_MATCH", "", id="alice-is-staff-on-linux"),
        pytest.param("bob", 403, "POLICY_MATCH", "not-staff", id="bob-is-not-staff"),
        pytest.param("alice-new", 403, "DEVICE_NOT_ACTIVE", "", id="a-new-machine-is-pending"),
        pytest.param("", 401, "UNAUTHENTICATED", "", id="nobody"),
    ],
)
def test_who_may_and_who_may_not(
    vigil: Vigil, port: int, *, session: str, status: int, reason: str, rule: str
) -> None:
    path = f"/hello-{session}"
    assert vigil.get(port, path, session=session).status == status
    logged = vigil.entry(path)["common"]["reason"]
    assert logged["type"] == reason
    if rule:
        assert logged["details"]["policyMatch"]["ruleName"] == rule


def test_the_token_the_command_prints_is_accepted(vigil: Vigil, port: int) -> None:
    data = str(vigil.stdout_file.parent / "data")
    where = ("--resources", str(vigil.resources.path), "--data", data)
    printed = vigil_command("token", "alice", *where)
    assert printed.returncode == 0, printed.stderr
    answer = curl(f"http://{LOOPBACK}:{port}/", token=printed.stdout.rstrip("\n"))
    assert answer.status == 200


def test_the_app_sees_the_request_without_the_token(vigil: Vigil, port: int) -> None:
    body = vigil.get(port, "/hello?x=1", session="alice").body.decode()
    assert body.startswith("GET /hello?x=1 HTTP/1.1\n")
    assert vigil.token("alice") not in body


def test_joining_the_group_is_seen_by_the_next_request(vigil: Vigil, port: int) -> None:
    vigil.token("bob")
    people = (vigil.resources.path / "people.yaml").read_text()
    vigil.resources.write_text("people", people.rstrip() + "\n  groups: [staff]\n")
    vigil.eventually("bob's grant", lambda: vigil.status(port, "bob") == 200)
    vigil.resources.write_text("people", people)
    vigil.eventually("bob's refusal", lambda: vigil.status(port, "bob") == 403)


def test_approving_the_device_is_seen_by_the_next_request(vigil: Vigil, port: int) -> None:
    vigil.token("alice-new")
    _edit(vigil.resources, "sessions", "state: PENDING", "state: ACTIVE")
    vigil.eventually("the approval", lambda: vigil.status(port, "alice-new") == 200)


def test_the_clock_ticks_as_it_is_read(vigil: Vigil, port: int) -> None:
    head = f"GET /clock HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {vigil.token('alice')}"
    with RawConnection(port) as connection:
        connection.send(head.encode() + b"\r\n\r\n")
        for _ in range(2):
            connection.read_until(b"data: ")


async def _read_to_end(opened: ClientConnection) -> None:
    while True:
        await opened.recv()


async def test_revoking_the_session_closes_its_websocket_within_a_second(
    vigil: Vigil, port: int
) -> None:
    headers = {"Authorization": f"Bearer {vigil.token('alice')}"}
    options: dict[str, Any] = {"additional_headers": headers, "proxy": None}
    async with connect(f"ws://{LOOPBACK}:{port}/clock", **options) as opened:
        assert len(await opened.recv()) == len("12:00:00")
        session = "name: alice\nspec:\n  state: ACTIVE"
        _edit(vigil.resources, "sessions", session, session.replace("ACTIVE", "REJECTED"))
        async with asyncio.timeout(1):
            with pytest.raises(ConnectionClosed) as caught:
                await _read_to_end(opened)
    assert caught.value.rcvd is not None
    assert caught.value.rcvd.code == 1008


def test_vigil_says_where_it_listens(vigil: Vigil, port: int) -> None:
    told = vigil.stdout + vigil.stderr
    assert "web" in told
    assert f":{port}" in told


def test_a_taken_port_is_offset_and_said(vigil: Vigil, port: int, tmp_path: Path) -> None:
    argv = [sys.executable, "-m", "vigil", "up", str(vigil.resources.path)]
    data = ["--data", str(tmp_path / "data")]
    with Process([*argv, *data], tmp_path, name="second") as second:
        vigil.eventually(
            "a second listener", lambda: "web" in second.stdout + second.stderr, within=10
        )
        assert second.exit_code is None
