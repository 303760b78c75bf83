"""A change of policy tried on real traffic before it decides: shadow mode, replay, test."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest

from tests.harness.processes import free_port
from tests.harness.resources import (
    Document,
    Resources,
    a_device,
    a_policy,
    a_service,
    a_session,
    a_user,
    allow,
    authorization,
    deny,
    inline,
)
from tests.harness.running import Vigil, up, vigil_command
from tests.harness.trials import DENY, a_case, a_policy_test

_METRIC: Final = "vigil_policy_shadow_total"


@pytest.fixture(scope="module")
def port() -> int:
    return free_port()


def a_world(app_url: str, port: int, *, is_shadow: bool) -> tuple[Document, ...]:
    """Everybody may use the Service; soon a Device is needed."""
    block = authorization(inline(allow(name="everybody")), policies=["soon"])
    return (
        a_user("alice"),
        a_device("laptop", "alice"),
        a_session("managed", "alice", device="laptop"),
        a_session("bare", "alice"),
        a_policy("soon", deny({"not": "has(ctx.device)"}, name="no-device"), isShadow=is_shadow),
        a_service("web", port, app_url, authorization=block),
    )


@pytest.fixture(scope="module")
def vigil(tmp_path_factory: pytest.TempPathFactory, app_url: str, port: int) -> Iterator[Vigil]:
    place = tmp_path_factory.mktemp("rehearsals")
    resources = Resources(place / "resources")
    resources.write("world", *a_world(app_url, port, is_shadow=True))
    with up(resources, place, ports=[port]) as running:
        yield running


@pytest.fixture
def edited(tmp_path: Path, app_url: str, port: int) -> Resources:
    """The same resources, but the shadow policy is real."""
    resources = Resources(tmp_path / "edited")
    resources.write("world", *a_world(app_url, port, is_shadow=False))
    return resources


def test_a_shadow_policy_stops_nobody_and_is_counted_and_logged(vigil: Vigil, port: int) -> None:
    assert vigil.status(port, "bare", "/shadowed") == 200
    common = vigil.entry("/shadowed")["common"]
    assert common["status"] == "ALLOWED"
    assert common["shadow"]["status"] == "DENIED"
    assert common["shadow"]["reason"]["details"]["policyMatch"]["ruleName"] == "no-device"
    assert vigil.metric(_METRIC, decision="DENIED", svc="web") >= 1


def test_a_request_that_would_not_change_is_only_counted(vigil: Vigil, port: int) -> None:
    before = vigil.metric(_METRIC, decision="UNCHANGED")
    assert vigil.status(port, "managed", "/unshadowed") == 200
    assert "shadow" not in vigil.entry("/unshadowed")["common"]
    assert vigil.metric(_METRIC, decision="UNCHANGED") == before + 1


def _replayed(vigil: Vigil, log: Path, resources: Resources) -> dict[str, Any]:
    shutil.copy(vigil.stdout_file, log)
    done = vigil_command("replay", str(log), "--resources", str(resources.path), "-o", "json")
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def test_a_log_replayed_on_the_same_resources_gives_the_same_answers(
    vigil: Vigil, port: int, tmp_path: Path
) -> None:
    for session in ("bare", "managed"):
        vigil.get(port, f"/same-{session}?secret=1", session=session)
    vigil.get(port, "/same-nobody")
    for session in ("bare", "managed", "nobody"):
        vigil.entry(f"/same-{session}")
    found = _replayed(vigil, tmp_path / "access.log", vigil.resources)
    assert (found["changed"], found["sameDecidedOtherwise"]) == (0, 0)
    assert found["same"] >= 2
    assert [each["why"] for each in found["undecided"]] == [
        "the caller was not recognised, and credentials are not recorded"
    ]


def test_a_log_replayed_on_an_edit_shows_whom_it_would_shut_out(
    vigil: Vigil, port: int, tmp_path: Path, edited: Resources
) -> None:
    assert vigil.status(port, "bare", "/shut-out") == 200
    vigil.entry("/shut-out")
    found = _replayed(vigil, tmp_path / "access.log", edited)
    (change,) = [each for each in found["changes"] if each["path"] == "/shut-out"]
    assert (change["session"], change["was"]["isAllowed"]) == ("bare", True)
    assert change["wouldBe"]["rule"]["rule"] == "no-device"
    assert {each["session"] for each in found["changes"]} == {"bare"}


def test_explain_shows_what_the_edit_would_change(vigil: Vigil, edited: Resources) -> None:
    request = json.dumps({"http": {"method": "GET", "path": "/"}})
    where = ("--resources", str(vigil.resources.path), "--against", str(edited.path))
    asked = ("--service", "web", "--session", "bare", "--request", request)
    done = vigil_command("explain", *where, *asked)
    assert done.returncode == 0
    assert "policy  soon of Service web.default: shadow -> enforced" in done.stdout
    assert done.stdout.rstrip().endswith("the answer would change")


def test_tests_lie_beside_resources_and_fail_with_the_edit(vigil: Vigil, edited: Resources) -> None:
    case = a_policy_test(a_case("a device is needed", session="bare", expect=DENY))
    edited.write("tests", case)
    assert vigil_command("check", str(edited.path)).returncode == 0
    assert vigil_command("test", str(edited.path)).returncode == 0
    vigil.resources.write("tests", case)
    try:
        done = vigil_command("test", str(vigil.resources.path))
    finally:
        vigil.resources.remove("tests")
    assert done.returncode == 1
    assert "FAIL cases: a device is needed" in done.stdout
    assert "got       ALLOWED: everybody" in done.stdout
