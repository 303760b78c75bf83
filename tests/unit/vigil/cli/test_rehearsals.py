"""``vigil test``, ``vigil explain --against`` and ``vigil replay`` through the command line."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import orjson
import pytest
import yaml
from typer.testing import CliRunner, Result

from tests.harness.resources import (
    Document,
    a_service,
    a_session,
    a_user,
    allow,
    authorization,
    deny,
    document,
    inline,
)
from tests.harness.trials import DENY, a_case, a_policy_test
from vigil.cli.app import app

REQUEST = '{"http": {"method": "GET", "path": "/admin"}}'


def vigil(*arguments: object, stdin: bytes = b"") -> Result:
    return CliRunner().invoke(app, [str(argument) for argument in arguments], input=stdin)


def written(directory: Path, *documents: Document) -> Path:
    directory.mkdir(exist_ok=True)
    (directory / "all.yaml").write_text(yaml.safe_dump_all(documents, sort_keys=False))
    return directory


def a_world(*rules: Document) -> tuple[Document, ...]:
    block = authorization(inline(*rules))
    service = a_service("web", 8080, "http://localhost:1", authorization=block)
    return (service, a_user("alice"), a_session("laptop", "alice"))


@pytest.fixture
def before(tmp_path: Path) -> Path:
    return written(tmp_path / "before", *a_world(allow(name="all")))


@pytest.fixture
def after(tmp_path: Path) -> Path:
    closed = deny('ctx.request.http.path == "/admin"', name="closed")
    return written(tmp_path / "after", *a_world(allow(name="all"), closed))


def test_cases_that_pass_exit_with_0(tmp_path: Path) -> None:
    directory = written(tmp_path, *a_world(allow()), a_policy_test(a_case(session="laptop")))
    result = vigil("test", directory)
    assert result.exit_code == 0
    assert result.stdout.splitlines()[0] == "ok   cases: it is so"


def test_a_case_that_fails_exits_with_1(tmp_path: Path) -> None:
    directory = written(tmp_path, *a_world(), a_policy_test(a_case(session="laptop")))
    result = vigil("test", directory)
    assert result.exit_code == 1
    assert "FAIL cases: it is so" in result.stdout


def test_ci_gets_its_xml_on_stdout_or_in_a_file(tmp_path: Path) -> None:
    directory = written(tmp_path / "d", *a_world(), a_policy_test(a_case(session="laptop")))
    file = tmp_path / "report.xml"
    on_stdout = vigil("test", directory, "-o", "junit")
    beside = vigil("test", directory, "--junit", file)
    assert (on_stdout.exit_code, beside.exit_code) == (1, 1)
    assert ET.fromstring(on_stdout.stdout_bytes).get("failures") == "1"
    assert ET.parse(file).getroot().get("failures") == "1"
    assert "FAIL" in beside.stdout


def test_a_report_that_cannot_be_written_is_an_error(tmp_path: Path) -> None:
    directory = written(tmp_path, *a_world(allow()), a_policy_test(a_case(session="laptop")))
    result = vigil("test", directory, "--junit", tmp_path / "gone" / "report.xml")
    assert result.exit_code == 1
    assert "cannot be written" in str(result.exception)


def test_a_program_gets_json(tmp_path: Path) -> None:
    directory = written(tmp_path, *a_world(allow()), a_policy_test(a_case(session="laptop")))
    shown = json.loads(vigil("test", directory, "-o", "json").stdout)
    assert (shown["passed"], shown["failed"]) == (1, 0)


@pytest.mark.parametrize(
    ("documents", "said"),
    [
        pytest.param(a_world(), "holds no PolicyTest", id="no-tests"),
        pytest.param(
            (*a_world(allow("1 +")), a_policy_test(a_case(session="laptop"))),
            "rules[0].condition.match: does not compile",
            id="does-not-compile",
        ),
        pytest.param(
            (*a_world(), a_policy_test(a_case(session="desktop"))),
            'names Session "desktop"',
            id="unknown-session",
        ),
    ],
)
def test_tests_that_cannot_be_run_are_an_error(
    tmp_path: Path, documents: tuple[Document, ...], said: str
) -> None:
    result = vigil("test", written(tmp_path, *documents))
    assert result.exit_code == 1
    assert said in str(result.exception)


def test_what_is_wrong_with_resources_and_tests_is_said_at_once(tmp_path: Path) -> None:
    wrong = document("User", "eve", {"type": "HUMEN"})
    result = vigil("test", written(tmp_path, wrong, a_policy_test(a_case(now="soon"))))
    assert "spec.type" in str(result.exception)
    assert "spec.cases[0].now" in str(result.exception)


def test_a_format_nobody_knows_is_a_wrong_command_line(tmp_path: Path) -> None:
    assert vigil("test", tmp_path, "-o", "xml").exit_code == 2


def explained(before: Path, after: Path, *more: str, session: str = "laptop") -> Result:
    asked = ("--service", "web", "--session", session, "--request", REQUEST)
    return vigil("explain", "--resources", before, "--against", after, *asked, *more)


def test_an_edit_shows_what_it_would_change(before: Path, after: Path) -> None:
    result = explained(before, after)
    assert result.exit_code == 0
    assert result.stdout.splitlines()[-1] == "the answer would change"
    assert "not there -> DENY true" in result.stdout


def test_an_edit_that_changes_nothing_says_so(before: Path) -> None:
    assert explained(before, before).stdout.splitlines()[-1] == "nothing would change"


def test_an_edit_is_shown_to_programs(before: Path, after: Path) -> None:
    shown: dict[str, Any] = json.loads(explained(before, after, "-o", "json").stdout)
    assert shown["isOtherAnswer"]
    assert shown["before"]["decision"]["isAllowed"]
    assert shown["after"]["decision"]["rule"]["rule"] == "closed"


def test_a_session_that_an_edit_removes_would_be_nobody(before: Path, tmp_path: Path) -> None:
    edited = written(tmp_path / "edited", *a_world(allow(name="all"))[:2])
    result = explained(before, edited)
    assert result.exit_code == 0
    assert "after   DENIED UNAUTHENTICATED: the Session does not exist" in result.stdout


def test_a_session_that_is_nowhere_is_a_mistake(before: Path, after: Path) -> None:
    result = explained(before, after, session="desktop")
    assert result.exit_code == 1
    assert "declared: laptop" in str(result.exception)


def a_line(path: str) -> bytes:
    common = {
        "startedAt": "2027-01-15T08:00:00Z",
        "status": "ALLOWED",
        "reason": {"type": "POLICY_MATCH", "details": {"policyMatch": {"ruleName": "all"}}},
        "mode": "HTTP",
        "serviceRef": {"name": "web.default"},
        "sessionRef": {"name": "laptop"},
    }
    info = {"http": {"request": {"method": "GET", "path": path}}}
    return orjson.dumps({"kind": "AccessLog", "entry": {"common": common, "info": info}}) + b"\n"


def test_a_log_is_decided_again(tmp_path: Path, after: Path) -> None:
    log = tmp_path / "access.log"
    log.write_bytes(a_line("/") + b"\n" + a_line("/admin"))
    result = vigil("replay", log, "--resources", after)
    assert result.exit_code == 0
    assert result.stdout.splitlines()[0] == "1 of 2 answers would change"
    assert "(first in line 3)" in result.stdout


def test_a_log_may_come_from_stdin_and_go_to_a_program(before: Path) -> None:
    result = vigil("replay", "-", "--resources", before, "-o", "json", stdin=a_line("/"))
    shown = json.loads(result.stdout)
    assert (shown["same"], shown["changed"]) == (1, 0)


def test_a_log_that_cannot_be_read_is_an_error(before: Path, tmp_path: Path) -> None:
    result = vigil("replay", tmp_path / "gone", "--resources", before)
    assert result.exit_code == 1
    assert "cannot be read" in str(result.exception)


def test_policies_that_do_not_compile_are_said_with_their_line(tmp_path: Path) -> None:
    broken = written(tmp_path / "broken", *a_world(allow("1 +", name="all")))
    result = vigil("replay", "-", "--resources", broken, stdin=a_line("/"))
    assert result.exit_code == 1
    assert "all.yaml:" in str(result.exception)


def test_denials_expected_by_reason_hold(tmp_path: Path) -> None:
    case = a_case(session="laptop", expect=DENY | {"reason": "NO_POLICY_MATCH"})
    assert vigil("test", written(tmp_path, *a_world(), a_policy_test(case))).exit_code == 0
