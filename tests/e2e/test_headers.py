"""What reaches the upstream of a caller's headers, and what reaches the caller (A38, A40-A42)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import pytest

from tests.harness.curl import Answer
from tests.harness.processes import free_port
from tests.harness.recorder import Recorder, Seen
from tests.harness.resources import (
    ALLOW_ALL,
    Document,
    Resources,
    a_secret,
    a_service,
    a_session,
    a_user,
    document,
)
from tests.harness.running import Vigil, up

_DOMAIN: Final = "vigil.example"
_CANARY: Final = "upstream-credential-canary"
_HEADER_EDITS: Final = {
    "addRequestHeaders": [
        {"key": "X-Env", "value": "prod"},
        {"key": "X-User", "eval": "ctx.user.metadata.name"},
        {"key": "X-List", "value": "ours", "append": True},
    ],
    "removeRequestHeaders": ["X-Unwanted"],
    "addResponseHeaders": [{"key": "X-Added", "value": "yes"}],
    "removeResponseHeaders": ["X-Powered-By"],
}
_SERVICES: Final[dict[str, Document]] = {
    "plain": {},
    "transparent": {"header": {"forwardedMode": "TRANSPARENT"}},
    "obfuscated": {"header": {"forwardedMode": "OBFUSCATE"}},
    "preserving": {"header": {"host": {"preserve": True}}},
    "hosted": {"header": {"host": {"value": "fixed.example"}}},
    "passing": {"header": {"authorizationMode": "PASS"}},
    "editing": {"header": _HEADER_EDITS},
    "bearer": {"auth": {"bearer": {"fromSecret": "upstream"}}},
    "basic": {"auth": {"basic": {"username": "svc", "password": {"fromSecret": "upstream"}}}},
    "custom": {"auth": {"custom": {"header": "X-Api-Key", "value": {"fromSecret": "upstream"}}}},
    "prefixed": {"path": {"removePrefix": "/outer", "addPrefix": "/inner"}},
}


@pytest.fixture(scope="module")
def ports() -> dict[str, int]:
    return {name: free_port() for name in (*_SERVICES, "anonymous", "disabled", "nowhere")}


@pytest.fixture(scope="module")
def vigil(
    tmp_path_factory: pytest.TempPathFactory, recorder: Recorder, ports: dict[str, int]
) -> Iterator[Vigil]:
    place = tmp_path_factory.mktemp("headers")
    resources = Resources(place / "resources")
    cluster = document("ClusterConfig", "cluster-config", {}, {"domain": _DOMAIN})
    resources.write("world", cluster, a_user("alice"), a_session("alice", "alice"))
    resources.write("secret", a_secret("upstream", _CANARY))
    for name, http in _SERVICES.items():
        service = a_service(name, ports[name], recorder.url, http=http, authorization=ALLOW_ALL)
        resources.write(name, service)
    resources.write(
        "special",
        a_service("anonymous", ports["anonymous"], recorder.url, isPublic=True, isAnonymous=True),
        a_service("disabled", ports["disabled"], recorder.url, isDisabled=True),
        a_service(
            "nowhere", ports["nowhere"], f"http://localhost:{free_port()}", authorization=ALLOW_ALL
        ),
    )
    with up(resources, place, ports=ports.values()) as process:
        yield process


class Asking:
    """Asks a Service as alice and shows what the upstream received for that very request."""

    def __init__(self, vigil: Vigil, recorder: Recorder, ports: dict[str, int]) -> None:
        self._vigil, self._recorder, self._ports = vigil, recorder, ports
        self._asked = 0

    def answer(self, service: str, *headers: str, path: str = "/", who: str = "alice") -> Answer:
        options = [part for header in headers for part in ("-H", header)]
        return self._vigil.get(self._ports[service], path, *options, session=who)

    def seen(self, service: str, *headers: str, path: str = "/", who: str = "alice") -> Seen:
        before = len(self._recorder.seen)
        assert self.answer(service, *headers, path=path, who=who).status == 200
        (seen,) = self._recorder.seen[before:]
        return seen


@pytest.fixture
def asking(vigil: Vigil, recorder: Recorder, ports: dict[str, int]) -> Asking:
    return Asking(vigil, recorder, ports)


def _names(seen: Seen) -> set[str]:
    return {name.lower() for name, _ in seen.lines}


@pytest.mark.parametrize(
    "header",
    [
        pytest.param("X-Octelium-Auth: {token}", id="A40-own-auth"),
        pytest.param("X-Octelium-Session-Uid: root", id="A40-own-session"),
        pytest.param("x-octelium-anything: 1", id="A40-own-lower-case"),
        pytest.param("X_Octelium_Session_Uid: root", id="A40-own-underscores"),
        pytest.param("X-Envoy-Original-Path: /x", id="A40-envoy"),
        pytest.param("X-Forwarded-Client-Cert: By=x", id="A40-client-certificate"),
        pytest.param("X-Request-Id: 1", id="A40-request-id"),
        pytest.param("X-Forwarded-For: 1.2.3.4", id="A41-forwarded-for"),
        pytest.param("X-Forwarded-Host: evil", id="A41-forwarded-host"),
        pytest.param("X-Forwarded-Proto: https", id="A41-forwarded-proto"),
        pytest.param("X-Forwarded-Port: 1", id="A41-forwarded-port"),
        pytest.param("X-Forwarded-Server: s", id="A41-forwarded-server"),
        pytest.param("X-Forwarded-Prefix: /p", id="A41-forwarded-prefix"),
        pytest.param("X-Forwarded-Uri: /p", id="A41-forwarded-uri"),
        pytest.param("X-Forwarded-Scheme: https", id="A41-forwarded-scheme"),
        pytest.param("X_Forwarded_For: 1.2.3.4", id="A41-forwarded-underscores"),
        pytest.param("Forwarded: for=1.2.3.4", id="A41-forwarded"),
        pytest.param("X-Real-IP: 1.2.3.4", id="A41-real-ip"),
        pytest.param("Keep-Alive: timeout=5", id="A40-keep-alive"),
        pytest.param("Proxy-Connection: keep-alive", id="A40-proxy-connection"),
        pytest.param("TE: gzip", id="A40-te"),
    ],
)
def test_a_header_that_claims_something_never_reaches_the_upstream(
    vigil: Vigil, asking: Asking, header: str
) -> None:
    name = header.partition(":")[0].lower()
    seen = asking.seen("plain", header.format(token=vigil.token("alice")), "X-Kept: yes")
    assert name not in _names(seen)
    assert seen.header("x-kept") == "yes"


@pytest.mark.parametrize("case", [pytest.param("plain", id="A40-authorization")])
def test_the_callers_token_never_reaches_the_upstream(
    vigil: Vigil, asking: Asking, case: str
) -> None:
    seen = asking.seen(case)
    assert "authorization" not in _names(seen)
    assert vigil.token("alice").encode() not in seen.head


def test_a_header_named_by_connection_is_hop_by_hop(asking: Asking) -> None:
    seen = asking.seen("plain", "Connection: X-Hop", "X-Hop: 1", "X-Kept: 2")
    assert "x-hop" not in _names(seen)
    assert seen.header("x-kept") == "2"


@pytest.mark.parametrize(
    ("sent", "received"),
    [
        pytest.param("octelium_auth=x", None, id="A40-only-ours"),
        pytest.param("octelium_rt=x", None, id="A40-only-refresh"),
        pytest.param("a=1; octelium_auth=x; b=2", "a=1; b=2", id="A40-in-the-middle"),
        pytest.param("octelium_auth=x; a=1", "a=1", id="A40-first"),
        pytest.param("a=1; octelium_rt=x", "a=1", id="A40-last"),
        pytest.param('a="q u o t"; b==; c', 'a="q u o t"; b==; c', id="A40-others-as-they-came"),
        pytest.param(
            "octelium_auth2=x; xoctelium_auth=y; octelium_auth=z",
            "octelium_auth2=x; xoctelium_auth=y",
            id="A40-names-that-only-resemble",
        ),
    ],
)
def test_our_cookies_are_removed_and_others_kept(
    vigil: Vigil, asking: Asking, sent: str, received: str | None
) -> None:
    token = vigil.token("alice")
    cookie = sent.replace("octelium_auth=x", f"octelium_auth={token}")
    cookie = cookie.replace("; octelium_auth=z", f"; octelium_auth={token}")
    assert asking.seen("plain", f"Cookie: {cookie}").header("cookie") == received


@pytest.mark.parametrize(
    "header",
    [
        pytest.param("X-Forwarded-For: 1.2.3.4", id="A41-transparent-for"),
        pytest.param("Forwarded: for=1.2.3.4", id="A41-transparent-forwarded"),
        pytest.param("X-Real-IP: 1.2.3.4", id="A41-transparent-real-ip"),
    ],
)
def test_transparent_mode_copies_what_the_client_said(asking: Asking, header: str) -> None:
    name, _, value = header.partition(": ")
    assert asking.seen("transparent", header).header(name) == value


@pytest.mark.parametrize("case", [pytest.param("obfuscated", id="A41-obfuscate")])
def test_obfuscated_mode_tells_no_address(asking: Asking, case: str) -> None:
    seen = asking.seen(case, "X-Forwarded-For: 1.2.3.4", "X-Real-IP: 1.2.3.4")
    assert seen.header("x-forwarded-for") == "10.0.0.1"
    assert seen.header("x-real-ip") == "10.0.0.1"
    assert seen.header("x-forwarded-proto") == "http"
    assert seen.header("x-forwarded-host") == f"obfuscated.{_DOMAIN}"
    assert (seen.header("forwarded") or "").startswith("for=_octelium-")
    assert b"1.2.3.4" not in seen.head
    assert b"127.0.0.1" not in seen.head


@pytest.mark.parametrize(
    ("service", "expected"),
    [
        pytest.param("plain", "localhost:{port}", id="A42-upstream-authority"),
        pytest.param("preserving", f"preserving.{_DOMAIN}", id="A42-preserve"),
        pytest.param("hosted", "fixed.example", id="A42-value"),
    ],
)
def test_the_upstream_sees_the_host_the_service_says(
    recorder: Recorder, asking: Asking, service: str, expected: str
) -> None:
    seen = asking.seen(service, "Host: client.example")
    assert [value for name, value in seen.lines if name.lower() == "host"] == [
        expected.format(port=recorder.port)
    ]


def test_declared_header_edits_are_made(recorder: Recorder, asking: Asking) -> None:
    recorder.answers("/edited", b"HTTP/1.1 200 OK\r\nX-Powered-By: x\r\nContent-Length: 0\r\n\r\n")
    seen = asking.seen("editing", "X-Unwanted: 1", "X-Env: spoofed", "X-List: theirs")
    assert seen.header("x-env") == "prod"
    assert [v for k, v in seen.lines if k.lower() == "x-env"] == ["prod"]
    assert seen.header("x-user") == "alice"
    assert "x-unwanted" not in _names(seen)
    assert "ours" in ",".join(v for k, v in seen.lines if k.lower() == "x-list")
    assert "theirs" in ",".join(v for k, v in seen.lines if k.lower() == "x-list")
    answer = asking.answer("editing", path="/edited")
    assert answer.header("x-added") == "yes"
    assert answer.header("x-powered-by") is None


def test_the_answer_says_octelium_whatever_the_upstream_said(
    recorder: Recorder, asking: Asking
) -> None:
    recorder.answers("/server", b"HTTP/1.1 200 OK\r\nServer: x/1\r\nContent-Length: 0\r\n\r\n")
    assert asking.answer("plain", path="/server").header("server") == "octelium"


def test_pass_forwards_a_foreign_authorization_but_never_our_token(
    vigil: Vigil, asking: Asking, ports: dict[str, int], recorder: Recorder
) -> None:
    own = f"X-Octelium-Auth: {vigil.token('alice')}"
    options = ("-H", own, "-H", "Authorization: Basic Zm9vOmJhcg==")
    assert vigil.get(ports["passing"], "/pass", *options).status == 200
    assert recorder.at("/pass")[0].header("authorization") == "Basic Zm9vOmJhcg=="
    assert "authorization" not in _names(asking.seen("passing"))


@pytest.mark.parametrize(
    ("service", "header", "value"),
    [
        pytest.param("bearer", "authorization", f"Bearer {_CANARY}", id="bearer"),
        pytest.param(
            "basic",
            "authorization",
            "Basic c3ZjOnVwc3RyZWFtLWNyZWRlbnRpYWwtY2FuYXJ5",
            id="basic",
        ),
        pytest.param("custom", "x-api-key", _CANARY, id="custom"),
    ],
)
def test_the_upstream_gets_the_credential_the_caller_never_sees(
    asking: Asking, service: str, header: str, value: str
) -> None:
    seen = asking.seen(service, "X-Api-Key: mine")
    assert [v for k, v in seen.lines if k.lower() == header] == [value]


@pytest.mark.parametrize("case", [pytest.param("bearer", id="A76-secret")])
def test_a_rotated_secret_is_used_by_the_next_request(
    vigil: Vigil, asking: Asking, case: str
) -> None:
    vigil.resources.write("secret", a_secret("upstream", "rotated"))
    try:
        vigil.eventually(
            "the new credential",
            lambda: asking.seen(case).header("authorization") == "Bearer rotated",
        )
    finally:
        vigil.resources.write("secret", a_secret("upstream", _CANARY))
    vigil.eventually(
        "the old credential",
        lambda: asking.seen(case).header("authorization") == f"Bearer {_CANARY}",
    )


def test_path_prefixes_are_edited_after_the_decision(vigil: Vigil, asking: Asking) -> None:
    assert asking.seen("prefixed", path="/outer/page?q=1").target == "/inner/page?q=1"
    assert vigil.entry("/outer/page")["common"]["status"] == "ALLOWED"


def test_an_anonymous_service_asks_nobody(
    vigil: Vigil, ports: dict[str, int], recorder: Recorder
) -> None:
    options = ("-H", "Authorization: Basic Zm9vOmJhcg==")
    assert vigil.get(ports["anonymous"], "/anonymous", *options).status == 200
    assert recorder.at("/anonymous")[0].header("authorization") == "Basic Zm9vOmJhcg=="


def test_a_disabled_service_answers_503_to_everybody(vigil: Vigil, ports: dict[str, int]) -> None:
    assert vigil.get(ports["disabled"], "/").status == 503
    assert vigil.status(ports["disabled"], "alice") == 503


def test_an_upstream_that_is_not_there_is_502(vigil: Vigil, ports: dict[str, int]) -> None:
    assert vigil.status(ports["nowhere"], "alice") == 502
    assert vigil.metric("vigil_upstream_dial_duration_seconds_count") >= 1


def _grant(recorder: Recorder, port: int, **more: Any) -> Document:
    return a_service("plain", port, recorder.url, **more)


@pytest.mark.parametrize("case", [pytest.param("plain", id="A38-edit")])
def test_a_policy_edit_decides_the_next_request(
    vigil: Vigil, recorder: Recorder, ports: dict[str, int], case: str
) -> None:
    def status() -> int:
        return vigil.status(ports[case], "alice", "/edit")

    assert status() == 200
    vigil.resources.write(case, _grant(recorder, ports[case]))
    vigil.eventually("refusal", lambda: status() == 403)
    denied = vigil.get(ports[case], "/edit", session="alice")
    assert denied.header("x-octelium-unauthorized") == "true"
    vigil.resources.write(case, _grant(recorder, ports[case], authorization=ALLOW_ALL))
    vigil.eventually("grant", lambda: status() == 200)
