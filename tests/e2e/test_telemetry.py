"""What Vigil tells its operator: log, metrics, admin listener; and what it never tells (A79)."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from tests.harness.cases import with_rules
from tests.harness.processes import LOOPBACK, Process, free_port, listens
from tests.harness.rawhttp import RawConnection
from tests.harness.recorder import Recorder
from tests.harness.resources import (
    ALLOW_ALL,
    Resources,
    a_device,
    a_secret,
    a_service,
    a_session,
    a_user,
    allow,
    authorization,
    inline,
)
from tests.harness.running import Vigil, up

_CANARY: Final = "canary-5f1d0c"


@pytest.fixture(scope="module")
def ports() -> dict[str, int]:
    return {name: free_port() for name in ("web", "guarded", "secretive", "broken")}


@pytest.fixture(scope="module")
def vigil(
    tmp_path_factory: pytest.TempPathFactory,
    app_url: str,
    recorder: Recorder,
    ports: dict[str, int],
) -> Iterator[Vigil]:
    place = tmp_path_factory.mktemp("telemetry")
    resources = Resources(place / "resources")
    bearer = {"auth": {"bearer": {"fromSecret": "upstream"}}}
    resources.write(
        "world",
        a_user("alice"),
        a_user("bob"),
        a_device("laptop", "alice"),
        a_session("alice", "alice", device="laptop"),
        a_session("bob", "bob"),
        a_secret("upstream", _CANARY),
    )
    guarded = with_rules(allow('ctx.user.metadata.name == "alice"', name="alice-only"), name="gate")
    broken = authorization(inline(allow("ctx.request.http.method > 1")))
    resources.write("web", a_service("web", ports["web"], app_url, authorization=ALLOW_ALL))
    resources.write("guarded", a_service("guarded", ports["guarded"], app_url, **guarded))
    resources.write(
        "secretive",
        a_service(
            "secretive", ports["secretive"], recorder.url, http=bearer, authorization=ALLOW_ALL
        ),
    )
    resources.write("broken", a_service("broken", ports["broken"], app_url, authorization=broken))
    with up(resources, place, ports=ports.values()) as process:
        yield process


def test_an_allowed_request_is_logged_with_everything_that_decided_it(
    vigil: Vigil, ports: dict[str, int]
) -> None:
    headers = ("-H", "Referer: http://user:pw@a.example/p?q=1", "-H", "User-Agent: my-agent")
    answer = vigil.get(ports["guarded"], "/allowed?secret=1", *headers, session="alice")
    vigil.entry("/allowed")
    (whole,) = vigil.entries_for("/allowed")
    common, http = whole["entry"]["common"], whole["entry"]["info"]["http"]
    assert (whole["apiVersion"], whole["kind"]) == ("core/v1", "AccessLog")
    assert whole["metadata"]["actorRef"]["name"] == "alice"
    assert whole["metadata"]["targetRef"]["name"] == "guarded.default"
    assert (common["status"], common["mode"]) == ("ALLOWED", "HTTP")
    for kind, name in (
        ("session", "alice"),
        ("user", "alice"),
        ("device", "laptop"),
        ("service", "guarded.default"),
    ):
        assert common[f"{kind}Ref"]["name"] == name
        assert common[f"{kind}Ref"]["uid"]
    assert common["namespaceRef"]["name"] == common["regionRef"]["name"] == "default"
    assert common["startedAt"] <= common["endedAt"]
    matched = common["reason"]["details"]["policyMatch"]
    assert (matched["ruleName"], matched["inlinePolicy"]["name"]) == ("alice-only", "gate")
    request, response = http["request"], http["response"]
    assert (request["method"], request["path"], request["uri"]) == ("GET", "/allowed", "/allowed")
    assert request["userAgent"] == "my-agent"
    assert request["referer"] == "http://a.example/p"
    assert response["code"] == 200
    assert response["bodyBytes"] == len(answer.body)
    assert http["httpVersion"] == "HTTP11"


def test_a_denied_request_is_logged_with_its_reason(vigil: Vigil, ports: dict[str, int]) -> None:
    assert vigil.get(ports["guarded"], "/denied", session="bob").status == 403
    entry = vigil.entry("/denied")
    common = entry["common"]
    assert (common["status"], common["reason"]["type"]) == ("DENIED", "NO_POLICY_MATCH")
    assert (common["userRef"]["name"], common["sessionRef"]["name"]) == ("bob", "bob")
    assert "deviceRef" not in common
    assert entry["info"]["http"]["response"]["code"] == 403


def test_a_malformed_request_is_logged_too(vigil: Vigil, ports: dict[str, int]) -> None:
    assert vigil.get(ports["web"], "/public/..%2fx", session="alice").status == 400
    vigil.eventually(
        "an entry of the 400",
        lambda: any(
            e["entry"]["info"]["http"]["response"]["code"] == 400
            for e in vigil.entries()
            if "http" in e.get("entry", {}).get("info", {})
        ),
    )


def test_every_entry_has_an_id_of_its_own(vigil: Vigil, ports: dict[str, int]) -> None:
    for _ in range(10):
        vigil.get(ports["web"], "/ids", session="alice")
    vigil.eventually("ten entries", lambda: len(vigil.entries_for("/ids")) == 10)
    ids = {entry["metadata"]["id"] for entry in vigil.entries()}
    assert len(ids) == len(vigil.entries())
    assert all(re.fullmatch(r"[a-z0-9]{4}(-[a-z0-9]+)+", each) for each in ids)


@pytest.mark.parametrize("case", [pytest.param("guarded", id="A79-denied")])
def test_a_denied_request_is_counted_with_its_reason(
    vigil: Vigil, ports: dict[str, int], case: str
) -> None:
    labels = {"state": "DENIED", "reason": "NO_POLICY_MATCH"}
    before = vigil.metric("vigil_req_total", **labels)
    nobody = vigil.metric("vigil_req_total", state="DENIED", reason="UNAUTHENTICATED")
    vigil.get(ports[case], "/", session="bob")
    vigil.get(ports[case], "/")
    assert vigil.metric("vigil_req_total", **labels) == before + 1
    assert vigil.metric("vigil_req_total", state="DENIED", reason="UNAUTHENTICATED") == nobody + 1


@pytest.mark.parametrize("case", [pytest.param("web", id="A79-balance")])
def test_active_counters_return_to_zero_however_a_request_ends(
    vigil: Vigil, ports: dict[str, int], case: str
) -> None:
    token = vigil.token("alice")
    head = f"POST /gone HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\n"
    with RawConnection(ports[case]) as connection:
        connection.send(f"{head}Content-Length: 100\r\n\r\npart".encode())
        vigil.eventually("one active", lambda: vigil.metric("vigil_req_active") == 1)
    with RawConnection(ports[case]) as connection:
        connection.send(f"{head}Transfer-Encoding: chunked\r\n\r\nzz\r\n".encode())
        connection.read_to_end()
    vigil.get(ports["broken"], "/", session="alice")
    vigil.eventually("none active", lambda: vigil.metric("vigil_req_active") == 0, within=3)
    assert vigil.metric("vigil_session_active") == 0


@pytest.mark.parametrize("case", [pytest.param("web", id="A79-allowed")])
def test_an_allowed_request_is_counted_by_method_status_and_bytes(
    vigil: Vigil, ports: dict[str, int], case: str
) -> None:
    labels = {"state": "ALLOWED"}
    before = vigil.metric("vigil_req_total", **labels)
    received = vigil.metric("vigil_req_bytes_received_total")
    sent = vigil.metric("vigil_req_bytes_sent_total")
    answer = vigil.get(ports[case], "/count", "-d", "x" * 1000, session="alice")
    assert vigil.metric("vigil_req_total", **labels) == before + 1
    assert vigil.metric("vigil_req_bytes_received_total") >= received + 1000
    assert vigil.metric("vigil_req_bytes_sent_total") >= sent + len(answer.body)
    assert vigil.metric("vigil_req_duration_seconds_count") > 0
    assert vigil.metric("vigil_req_duration_seconds_bucket", le="+Inf") > 0


def test_no_label_names_a_person_or_an_invented_method(vigil: Vigil, ports: dict[str, int]) -> None:
    for number in range(20):
        vigil.get(ports["web"], f"/label-{number}", "-X", f"MADEUP{number}", session="alice")
    text = vigil.admin("/metrics").body.decode()
    assert "MADEUP" not in text
    assert "alice" not in text
    assert "/label-" not in text


@pytest.mark.parametrize(
    ("path", "status"),
    [("/healthz", 200), ("/readyz", 200), ("/metrics", 200), ("/", 404), ("/debug", 404)],
)
def test_the_admin_listener_has_these_paths_only(vigil: Vigil, path: str, status: int) -> None:
    assert vigil.admin(path).status == status


def test_metrics_are_prometheus_text(vigil: Vigil) -> None:
    answer = vigil.admin("/metrics")
    assert (answer.header("content-type") or "").startswith(
        ("text/plain", "application/openmetrics")
    )
    for line in answer.body.decode().splitlines():
        assert re.match(r"^(# (HELP|TYPE|UNIT|EOF)|[a-zA-Z_:][a-zA-Z0-9_:]*(\{.*\})? \S+)", line)


def test_without_admin_option_there_is_no_admin_listener(tmp_path: Path, app_url: str) -> None:
    port = free_port()
    resources = Resources(tmp_path / "resources")
    resources.write("web", a_service("web", port, app_url, authorization=ALLOW_ALL))
    argv = [sys.executable, "-m", "vigil", "up", str(resources.path)]
    with Process(argv, tmp_path, name="vigil").ready(port) as process:
        assert _listening_ports(process.pid) == {port}


def _listening_ports(pid: int) -> set[int]:
    shown = subprocess.run(["ss", "-Hltnp"], capture_output=True, text=True, check=True)
    lines = [line for line in shown.stdout.splitlines() if f"pid={pid}," in line]
    return {int(line.split()[3].rpartition(":")[2]) for line in lines}


def test_no_secret_leaves_by_log_metrics_or_error(
    vigil: Vigil, recorder: Recorder, ports: dict[str, int]
) -> None:
    cookie = ("-H", "Cookie: session=cookie-canary", "-H", "X-Api-Key: key-canary")
    recorder.answers(
        "/leaky",
        b"HTTP/1.1 200 OK\r\nSet-Cookie: s=set-cookie-canary\r\nContent-Length: 0\r\n\r\n",
    )
    vigil.get(ports["secretive"], "/leaky?q=query-canary", *cookie, session="alice")
    vigil.get(ports["secretive"], "/", "-H", "Authorization: Bearer bearer-canary")
    assert recorder.at("/leaky")[0].header("authorization") == f"Bearer {_CANARY}"
    vigil.resources.write_text(
        "secret-typo",
        f"kind: Secret\nmetadata: {{name: x}}\nspec: {{}}\ndata: {{valeu: {_CANARY}}}\n",
    )
    vigil.eventually("complaint", lambda: "secret-typo" in vigil.stderr)
    vigil.resources.remove("secret-typo")
    vigil.entry("/leaky")
    told = vigil.stdout + vigil.stderr + vigil.admin("/metrics").body.decode()
    for secret in (_CANARY, "-canary", vigil.token("alice")):
        assert secret not in told


def test_the_signing_key_is_readable_by_its_owner_only(vigil: Vigil) -> None:
    data = vigil.stdout_file.parent / "data"
    files = [path for path in data.rglob("*") if path.is_file()]
    assert files
    assert all(path.stat().st_mode & 0o077 == 0 for path in files)
    assert all(b"PRIVATE" not in path.name.encode() for path in files)
    assert listens(vigil.admin_port, LOOPBACK)
