"""What ``vigil check`` says about the policies of a directory, and where."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import pytest
from typer.testing import CliRunner, Result

from config.errors import ConfigError
from vigil.cli.app import app

SERVICE: Final = """\
kind: Service
metadata: {name: web}
spec:
  mode: HTTP
  config: {upstream: {url: "http://127.0.0.1:9"}}
  authorization:
    inlinePolicies:
    - name: devices
      spec:
        rules:
        - name: windows
          effect: DENY
          condition:
            any:
              of:
              - match: ctx.device.status.osType == "WINDOWS"
        - effect: ALLOW
          condition: {matchAny: true}
"""
PROVIDER: Final = """\
kind: IdentityProvider
metadata: {name: github}
spec:
  github: {clientID: "0123456789", clientSecret: {fromSecret: github}}
  aalRules:
  - aal: AAL2
    condition: {match: 1 +}
---
kind: Secret
metadata: {name: github}
spec: {}
data: {value: x}
"""


def check(directory: Path) -> Result:
    return CliRunner().invoke(app, ["check", str(directory)])


def refused(directory: Path) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        app(["check", str(directory)], standalone_mode=False)
    return [str(problem) for problem in caught.value.problems]


def test_a_warning_stands_at_the_expression_and_all_is_well(tmp_path: Path) -> None:
    (tmp_path / "web.yaml").write_text(SERVICE)
    result = check(tmp_path)
    assert result.exit_code == 0
    assert "can be served" in result.stdout
    (warning,) = result.stderr.splitlines()
    assert warning.startswith(f"{tmp_path}/web.yaml:16: warning: spec.authorization.")
    assert 'DENY rule "windows" reads ctx.device' in warning
    assert warning.endswith("(optional-path)")


def test_a_path_no_schema_knows_is_refused_where_it_stands(tmp_path: Path) -> None:
    (tmp_path / "web.yaml").write_text(SERVICE.replace("ctx.device", "ctx.devce"))
    (problem,) = refused(tmp_path)
    assert problem.startswith(f"{tmp_path}/web.yaml:16: spec.authorization.inlinePolicies[0]")
    assert problem.endswith("no schema knows ctx.devce (at character 4); did you mean ctx.device?")


def test_an_expression_that_does_not_compile_is_refused_where_it_stands(tmp_path: Path) -> None:
    (tmp_path / "web.yaml").write_text(SERVICE.replace(' == "WINDOWS"', " =="))
    (problem,) = refused(tmp_path)
    assert problem.startswith(f"{tmp_path}/web.yaml:16: ")
    assert "does not compile" in problem


def test_conditions_that_no_policy_holds_are_compiled_too(tmp_path: Path) -> None:
    (tmp_path / "github.yaml").write_text(PROVIDER)
    (problem,) = refused(tmp_path)
    assert problem.startswith(f"{tmp_path}/github.yaml:7: spec.aalRules[0].condition.match")
