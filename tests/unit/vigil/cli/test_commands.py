"""The commands that need no socket, through the command line itself."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Final

import pytest
from typer.testing import CliRunner, Result

from config.errors import ConfigError
from vigil.cli.app import app
from vigil.identity.keys import open_key
from vigil.identity.tokens import Handle, TokenVerifier, issuer_of

RESOURCES: Final = """\
kind: User
metadata: {name: alice}
spec: {type: HUMAN, groups: [sre]}
---
kind: Group
metadata: {name: sre}
spec: {}
---
kind: Session
metadata: {name: laptop}
spec: {state: ACTIVE}
status: {type: CLIENT, userRef: {name: alice}}
---
kind: Session
metadata: {name: revoked}
spec: {state: REJECTED}
status: {type: CLIENT, userRef: {name: alice}}
---
kind: Service
metadata: {name: web}
spec:
  mode: HTTP
  config: {upstream: {url: "http://127.0.0.1:9"}}
  authorization:
    inlinePolicies:
    - name: readers
      spec:
        rules:
        - name: no-secrets
          effect: DENY
          condition: {match: ctx.request.http.headers.x == "1"}
        - name: get
          effect: ALLOW
          condition: {match: ctx.request.http.method == "GET"}
"""


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    (tmp_path / "all.yaml").write_text(RESOURCES)
    return tmp_path


def vigil(*arguments: object) -> Result:
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def explained(directory: Path, session: str, request: str) -> dict[str, object]:
    asked = ("--service", "web", "--session", session, "--request", request, "-o", "json")
    result = vigil("explain", "--resources", directory, *asked)
    assert result.exit_code == 0
    shown: dict[str, object] = json.loads(result.stdout)
    return shown


def test_a_token_is_the_only_thing_printed_and_counts(directory: Path) -> None:
    result = vigil("token", "laptop", "--resources", directory)
    assert result.exit_code == 0
    assert result.stderr == ""
    token = result.stdout.removesuffix("\n").encode()
    key = open_key(directory / ".vigil")
    verified = TokenVerifier({key.kid: key.public}).verify(token, issuer_of("localhost"), 0)
    assert isinstance(verified, Handle)


def test_a_token_is_minted_for_a_session_that_the_gate_will_refuse(directory: Path) -> None:
    assert vigil("token", "revoked", "--resources", directory).exit_code == 0


def test_a_token_of_nobody_is_refused_with_those_there_are(directory: Path) -> None:
    with pytest.raises(ConfigError, match="laptop, revoked"):
        app(["token", "gone", "--resources", str(directory)], standalone_mode=False)


def test_an_explanation_names_each_check_policy_and_rule(directory: Path) -> None:
    shown = explained(directory, "laptop", '{"http": {"method": "GET", "headers": {}}}')
    assert shown["decision"]["isAllowed"] is True  # type: ignore[index]
    assert {check["outcome"] for check in shown["checks"]} == {"passed"}  # type: ignore[attr-defined]
    denied, allowed = shown["rules"]  # type: ignore[misc]
    assert denied["truth"] == "false"
    assert "x" in denied["missing"][0]
    assert allowed["truth"] == "true"


def test_an_explanation_of_a_refused_session_stops_at_the_check(directory: Path) -> None:
    shown = explained(directory, "revoked", "{}")
    assert shown["decision"]["reason"] == "SESSION_NOT_ACTIVE"  # type: ignore[index]
    first, second, *_ = shown["checks"]  # type: ignore[misc]
    assert first["outcome"] == "denied"
    assert second["outcome"] == "not reached"
    assert shown["rules"] == []


def test_an_explanation_for_nobody_says_that_the_service_asks_who(directory: Path) -> None:
    shown = explained(directory, "", "{}")
    assert shown["decision"]["reason"] == "UNAUTHENTICATED"  # type: ignore[index]


def test_an_explanation_for_people_is_plain_where_nobody_looks(directory: Path) -> None:
    asked = ("--service", "web", "--session", "laptop", "--request", "{}")
    result = vigil("explain", "--resources", directory, *asked)
    assert "\x1b" not in result.stdout
    assert result.stdout.splitlines()[-1].startswith("decision: DENIED")


def test_a_good_directory_is_said_to_be_good(directory: Path) -> None:
    result = vigil("check", directory)
    assert result.exit_code == 0
    assert "1 Service" in result.stdout


def test_what_cannot_be_served_is_refused_with_file_and_line(directory: Path) -> None:
    ssh = "kind: Service\nmetadata: {name: box}\nspec:\n  mode: SSH\n  config:\n"
    (directory / "box.yaml").write_text(ssh + "    upstream: {url: 'ssh://a'}\n")
    with pytest.raises(ConfigError, match=r"box\.yaml:4: spec\.mode"):
        app(["check", str(directory)], standalone_mode=False)


@pytest.mark.parametrize("arguments", [["Service"], ["PolicyTest"], []])
def test_a_schema_is_json(arguments: list[str]) -> None:
    assert "$schema" in json.loads(vigil("schema", *arguments).stdout)


@pytest.mark.parametrize(
    "arguments",
    [
        ["schema", "Servise"],
        ["explain", "--service", "web", "--request", "{", "--resources", "."],
        ["serve", "web", "--resources", ".", "--listen", "8080"],
        ["token"],
        ["nonsense"],
    ],
)
def test_a_wrong_command_line_exits_with_2(arguments: list[str]) -> None:
    assert vigil(*arguments).exit_code == 2
