"""The command line as an operator meets it: what it prints, and how it exits."""

from __future__ import annotations

import json
import socket
import stat
from pathlib import Path
from typing import Any, Final

import pytest

from tests.harness.cases import with_rules
from tests.harness.processes import LOOPBACK, free_port
from tests.harness.resources import (
    ALLOW_ALL,
    Resources,
    a_device,
    a_policy,
    a_service,
    a_session,
    a_user,
    allow,
    authorization,
)
from tests.harness.running import vigil_command

_KINDS: Final = (
    "ClusterConfig",
    "Namespace",
    "Service",
    "User",
    "Group",
    "Session",
    "Device",
    "Credential",
    "Secret",
    "Policy",
    "IdentityProvider",
    "Region",
    "Gateway",
    "Authenticator",
)


@pytest.fixture
def resources(tmp_path: Path) -> Resources:
    made = Resources(tmp_path / "resources")
    made.write(
        "world",
        a_user("alice"),
        a_device("laptop", "alice"),
        a_session("alice", "alice", device="laptop"),
        a_session("bare", "alice"),
        a_policy("linux", allow('ctx.device.status.osType == "LINUX"', name="on-linux")),
        a_service(
            "web", 8080, "http://localhost:1", authorization=authorization(policies=["linux"])
        ),
    )
    return made


def _check(resources: Resources) -> tuple[int, str]:
    done = vigil_command("check", str(resources.path))
    return done.returncode, done.stdout + done.stderr


def test_check_accepts_a_good_directory(resources: Resources) -> None:
    code, _ = _check(resources)
    assert code == 0


@pytest.mark.parametrize(
    ("text", "said"),
    [
        pytest.param(
            "kind: Service\nmetadata: {name: api}\nspec:\n  mode: HTTP\n  prot: 80\n"
            "  config: {upstream: {url: http://x}}\n",
            ["bad.yaml:5", "spec.prot", "port"],
            id="unknown-key-and-what-was-meant",
        ),
        pytest.param(
            "kind: Servise\nmetadata: {name: api}\nspec: {}\n",
            ["bad.yaml:1", "kind", "Service"],
            id="unknown-kind",
        ),
        pytest.param(
            "kind: User\nmetadata: {name: Bad_Name}\nspec: {type: HUMAN}\n",
            ["bad.yaml:2", "metadata.name"],
            id="bad-name",
        ),
        pytest.param(
            "kind: User\nmetadata: {name: eve}\nspec:\n  type: HUMAN\n  groups: [gone]\n",
            ["bad.yaml:5", "spec.groups", "gone"],
            id="dangling-group",
        ),
        pytest.param(
            "kind: Policy\nmetadata: {name: bad}\nspec:\n  rules:\n"
            "  - effect: ALLOW\n    condition:\n      match: 1 +\n",
            ["bad.yaml:7", "spec.rules[0].condition.match"],
            id="expression-that-does-not-compile",
        ),
        pytest.param(
            "kind: Policy\nmetadata: {name: bad}\nspec:\n  rules:\n"
            "  - effect: ALLOW\n    condition: {match: nope(ctx)}\n",
            ["bad.yaml:6", "spec.rules[0].condition.match", "nope"],
            id="A22-unknown-function",
        ),
        pytest.param(
            "kind: Policy\nmetadata: {name: bad}\nspec:\n  rules:\n"
            "  - effect: ALLOW\n    condition: {match: 'true', matchAny: true}\n",
            ["bad.yaml:6", "condition"],
            id="two-alternatives",
        ),
        pytest.param("kind: [\n", ["bad.yaml"], id="no-yaml"),
        pytest.param(
            "kind: Service\nmetadata: {name: box}\nspec:\n  mode: SSH\n"
            "  config: {upstream: {url: 'ssh://x'}}\n",
            ["bad.yaml", "SSH"],
            id="mode-not-built-yet",
        ),
        pytest.param(
            "a: &a [x, x]\nb: &b [*a, *a]\nc: &c [*b, *b]\nd: [*c, *c]\n",
            ["bad.yaml"],
            id="aliases",
        ),
        pytest.param("!!python/object/apply:os.system [id]\n", ["bad.yaml:1"], id="tag"),
    ],
)
def test_check_says_where_and_what_is_wrong(
    resources: Resources, text: str, said: list[str]
) -> None:
    resources.write_text("bad", text)
    code, told = _check(resources)
    assert code == 1
    for words in said:
        assert words in told
    assert "Traceback" not in told


def test_check_reports_every_problem_of_a_run(resources: Resources) -> None:
    resources.write_text("one", "kind: User\nmetadata: {name: eve}\nspec: {type: HUMEN}\n")
    resources.write_text("two", "kind: User\nmetadata: {name: eva}\nspec: {groups: [gone]}\n")
    code, told = _check(resources)
    assert code == 1
    assert "one.yaml" in told
    assert "two.yaml" in told
    assert "gone" in told


def _explain(resources: Resources, session: str, *more: str) -> Any:
    request = json.dumps({"http": {"method": "GET", "path": "/x"}})
    where = ("--resources", str(resources.path), "--service", "web", "--session", session)
    done = vigil_command("explain", *where, "--request", request, *more)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_explain_shows_the_rule_that_allows(resources: Resources) -> None:
    told = _explain(resources, "alice")
    assert "on-linux" in told
    assert "ALLOWED" in told.upper()


def test_explain_names_the_missing_key_that_made_a_rule_false(resources: Resources) -> None:
    told = _explain(resources, "bare")
    assert "ctx.device" in told
    assert "NO_POLICY_MATCH" in told


def test_explain_speaks_json(resources: Resources) -> None:
    told = json.loads(_explain(resources, "alice", "-o", "json"))
    assert "on-linux" in json.dumps(told)
    assert json.loads(_explain(resources, "bare", "-o", "json")) != told


def _token(resources: Resources, session: str, data: Path) -> tuple[int, str, str]:
    where = ("--resources", str(resources.path), "--data", str(data))
    done = vigil_command("token", session, *where)
    return done.returncode, done.stdout, done.stderr


def test_token_prints_the_token_and_nothing_else(resources: Resources, tmp_path: Path) -> None:
    code, out, _ = _token(resources, "alice", tmp_path / "data")
    assert code == 0
    assert out.count("\n") == 1
    assert len(out.strip().split(".")) == 3


def test_token_makes_a_key_only_its_owner_reads(resources: Resources, tmp_path: Path) -> None:
    _token(resources, "alice", tmp_path / "data")
    files = [path for path in (tmp_path / "data").rglob("*") if path.is_file()]
    assert files
    assert {stat.S_IMODE(path.stat().st_mode) for path in files} <= {0o600, 0o400}


def test_token_of_a_session_nobody_declared_is_refused(
    resources: Resources, tmp_path: Path
) -> None:
    code, out, err = _token(resources, "nobody", tmp_path / "data")
    assert (code, out) == (1, "")
    assert "nobody" in err


@pytest.mark.parametrize("kind", _KINDS)
def test_schema_of_a_kind_is_a_json_schema(kind: str) -> None:
    done = vigil_command("schema", kind)
    assert done.returncode == 0, done.stderr
    schema = json.loads(done.stdout)
    assert schema["$schema"].startswith("https://json-schema.org/")
    assert "spec" in json.dumps(schema)


def test_schema_of_everything_names_every_kind() -> None:
    text = vigil_command("schema").stdout
    json.loads(text)
    assert [kind for kind in _KINDS if kind not in text] == []


@pytest.mark.parametrize(
    "arguments",
    [
        pytest.param(["nonsense"], id="no-such-command"),
        pytest.param(["serve"], id="no-service"),
        pytest.param(["check", "--nonsense"], id="no-such-option"),
        pytest.param(["schema", "Nonsense"], id="no-such-kind"),
    ],
)
def test_a_wrong_command_line_exits_with_2(arguments: list[str]) -> None:
    assert vigil_command(*arguments).returncode == 2


def test_help_names_every_command() -> None:
    done = vigil_command("--help")
    assert done.returncode == 0
    for command in ("serve", "up", "check", "token", "explain", "test", "replay", "schema"):
        assert command in done.stdout


def test_serve_refuses_a_broken_directory_at_once(resources: Resources) -> None:
    resources.write_text("bad", "kind: Service\nmetadata: {name: api}\nspec: {}\n")
    done = vigil_command("serve", "web", "--resources", str(resources.path))
    assert done.returncode == 1
    assert "bad.yaml" in done.stderr
    assert "Traceback" not in done.stderr


def test_serve_of_a_service_nobody_declared_is_refused(resources: Resources) -> None:
    done = vigil_command("serve", "gone", "--resources", str(resources.path))
    assert done.returncode == 1
    assert "gone" in done.stderr


def test_a_dangling_secret_is_refused_at_a_cold_start(resources: Resources) -> None:
    http = {"auth": {"bearer": {"fromSecret": "gone"}}}
    resources.write("bad", a_service("api", 8081, "http://x", http=http, authorization=ALLOW_ALL))
    done = vigil_command("up", str(resources.path))
    assert done.returncode == 1
    assert "gone" in done.stderr


def test_a_port_that_is_taken_is_said_by_serve(resources: Resources, tmp_path: Path) -> None:
    port = free_port()
    rules = with_rules(allow())
    resources.write("late", a_service("late", port, "http://x", **rules))
    with socket.create_server((LOOPBACK, port)):
        where = ("--resources", str(resources.path), "--data", str(tmp_path / "data"))
        done = vigil_command("serve", "late", *where, "--listen", f"{LOOPBACK}:{port}")
    assert done.returncode == 1
    assert str(port) in done.stderr
    assert "Traceback" not in done.stderr
