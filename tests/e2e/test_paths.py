"""The path policy judged is the path the upstream received, or the request is refused (A45)."""

from __future__ import annotations

from collections.abc import Iterator
from posixpath import normpath
from typing import Final
from urllib.parse import unquote

import pytest

from tests.harness.cases import with_rules
from tests.harness.processes import free_port
from tests.harness.rawhttp import ask
from tests.harness.recorder import Recorder
from tests.harness.resources import Resources, a_service, a_session, a_user, allow, deny
from tests.harness.running import Vigil, up

_PATH: Final = "ctx.request.http.path"


@pytest.fixture(scope="module")
def ports() -> dict[str, int]:
    return {name: free_port() for name in ("open", "public-only", "all-but-secret")}


@pytest.fixture(scope="module")
def vigil(
    tmp_path_factory: pytest.TempPathFactory, recorder: Recorder, ports: dict[str, int]
) -> Iterator[Vigil]:
    place = tmp_path_factory.mktemp("paths")
    resources = Resources(place / "resources")
    rules = {
        "open": with_rules(allow()),
        "public-only": with_rules(allow(f'{_PATH} == "/public" || {_PATH}.startsWith("/public/")')),
        "all-but-secret": with_rules(allow(), deny(f'{_PATH}.startsWith("/secret")')),
    }
    resources.write("world", a_user("alice"), a_session("alice", "alice"))
    for name, spec in rules.items():
        resources.write(name, a_service(name, ports[name], recorder.url, **spec))
    with up(resources, place, ports=ports.values()) as process:
        yield process


def _status(vigil: Vigil, port: int, target: bytes, *, host: bytes = b"svc.example") -> int:
    token = vigil.token("alice").encode()
    head = b"GET " + target + b" HTTP/1.1\r\nHost: " + host
    data = head + b"\r\nAuthorization: Bearer " + token + b"\r\nConnection: close\r\n\r\n"
    answer = ask(port, data)
    return int(answer.split(b" ", 2)[1])


@pytest.mark.parametrize(
    ("sent", "received"),
    [
        pytest.param(b"/public/../secret", "/secret", id="A45-dot-dot"),
        pytest.param(b"/public/%2e%2e/secret", "/secret", id="A45-encoded-dot-dot"),
        pytest.param(b"/public/.%2E/secret", "/secret", id="A45-half-encoded"),
        pytest.param(b"/./a/./b", "/a/b", id="A45-single-dots"),
        pytest.param(b"/a/%2e/b", "/a/b", id="A45-encoded-single-dot"),
        pytest.param(b"/../../etc", "/etc", id="A45-above-the-root"),
        pytest.param(b"/a/b/..", "/a/", id="A45-trailing-dot-dot"),
        pytest.param(b"/a//b", "/a//b", id="A45-double-slash"),
        pytest.param(b"/a%2Fb", "/a%2Fb", id="A45-encoded-slash"),
        pytest.param(b"/.well-known/x", "/.well-known/x", id="A45-well-known"),
        pytest.param(b"/a/...", "/a/...", id="A45-three-dots"),
        pytest.param(b"/caf%C3%A9", "/caf%C3%A9", id="A45-utf8"),
        pytest.param(b"/a?x=/../b", "/a?x=/../b", id="A45-query-untouched"),
        pytest.param(b"/a;b=1/c", "/a;b=1/c", id="A45-path-parameters"),
    ],
)
def test_the_upstream_receives_the_cleaned_path(
    vigil: Vigil, recorder: Recorder, ports: dict[str, int], sent: bytes, received: str
) -> None:
    before = len(recorder.seen)
    assert _status(vigil, ports["open"], sent) == 200
    assert [seen.target for seen in recorder.seen[before:]] == [received]


@pytest.mark.parametrize(
    "target",
    [
        pytest.param(b"/public%2f..%2fsecret", id="A45-encoded-slashes"),
        pytest.param(b"/public/..%2fsecret", id="A45-one-encoded-slash"),
        pytest.param(b"/public\\..\\secret", id="A45-backslashes"),
        pytest.param(b"/public/..%5csecret", id="A45-encoded-backslash"),
        pytest.param(b"/a%00b", id="A45-nul"),
        pytest.param(b"/a%0ab", id="A45-line-feed"),
        pytest.param(b"/a%0d%0ab", id="A45-crlf"),
        pytest.param(b"/a\x00b", id="A45-raw-nul"),
        pytest.param(b"/a\x7fb", id="A45-raw-del"),
        pytest.param(b"/a%zz", id="A45-bad-escape"),
        pytest.param(b"/a%2", id="A45-cut-escape"),
        pytest.param(b"/admin#x", id="A45-fragment"),
        pytest.param(b"/pub#/../admin", id="A45-fragment-and-dots"),
        pytest.param(b"public", id="A45-relative"),
        pytest.param(b"", id="A45-empty"),
    ],
)
def test_a_path_with_two_readings_is_refused_and_never_forwarded(
    vigil: Vigil, recorder: Recorder, ports: dict[str, int], target: bytes
) -> None:
    before = len(recorder.seen)
    assert _status(vigil, ports["open"], target) == 400
    assert recorder.seen[before:] == []


_MUTANTS: Final = [
    b"/public/../secret",
    b"/public/%2e%2e/secret",
    b"/public/%2e%2e%2fsecret",
    b"/public/..;/secret",
    b"/public//../secret",
    b"/public//../../secret",
    b"/public/./../secret",
    b"/%73ecret",
    b"/secre%74",
    b"/%73%65%63%72%65%74",
    b"/secret/",
    b"/secret/../secret",
    b"/x/../secret",
    b"//secret",
    b"/./secret",
    b"/secret%2f",
    b"/public/%252e%252e/secret",
    b"/public/\xc0\xae\xc0\xae/secret",
    b"/public/%c0%ae%c0%ae/secret",
    b"/secret?x=/public/",
    b"/secret;/public/",
    b"/public/..%00/secret",
    b"/public\t/../secret",
]


@pytest.mark.parametrize("service", ["public-only", "all-but-secret"])
@pytest.mark.parametrize("target", [pytest.param(t, id=f"A45-{t!r}") for t in _MUTANTS])
def test_no_spelling_of_a_path_gets_around_a_prefix_rule(
    vigil: Vigil, recorder: Recorder, ports: dict[str, int], service: str, target: bytes
) -> None:
    before = len(recorder.seen)
    _status(vigil, ports[service], target)
    for seen in recorder.seen[before:]:
        path = _as_an_upstream_reads(seen.target)
        assert not path.startswith("/secret")
        assert service != "public-only" or path.startswith("/public/")


def _as_an_upstream_reads(target: str) -> str:
    """Decode and clean the way a lenient upstream does."""
    return normpath(unquote(target.partition("?")[0]))


def test_a_path_in_the_query_opens_nothing(vigil: Vigil, ports: dict[str, int]) -> None:
    assert _status(vigil, ports["public-only"], b"/private?x=/public/") == 403


def test_an_absolute_form_target_is_judged_by_its_path(
    vigil: Vigil, recorder: Recorder, ports: dict[str, int]
) -> None:
    before = len(recorder.seen)
    status = _status(vigil, ports["all-but-secret"], b"http://svc.example/secret")
    assert status in (400, 403)
    assert recorder.seen[before:] == []


@pytest.mark.parametrize(
    "host",
    [b"a/b", b"user@svc.example", b"svc.example?x", b"svc example", b"svc.example, other", b""],
)
def test_a_malformed_host_is_refused(
    vigil: Vigil, recorder: Recorder, ports: dict[str, int], host: bytes
) -> None:
    before = len(recorder.seen)
    if host:
        assert _status(vigil, ports["open"], b"/", host=host) == 400
    assert recorder.seen[before:] == []


def test_two_host_headers_are_refused(
    vigil: Vigil, recorder: Recorder, ports: dict[str, int]
) -> None:
    before = len(recorder.seen)
    assert _status(vigil, ports["open"], b"/", host=b"a.example\r\nHost: b.example") == 400
    assert recorder.seen[before:] == []


@pytest.mark.parametrize("path", ["/metrics", "/healthz", "/readyz", "/debug/pprof", "/-/reload"])
def test_a_service_listener_has_no_path_of_its_own(
    vigil: Vigil, ports: dict[str, int], path: str
) -> None:
    assert vigil.get(ports["public-only"], path).status == 401
    assert vigil.get(ports["public-only"], path, session="alice").status == 403


def test_a_proxy_protocol_line_is_no_http(
    vigil: Vigil, recorder: Recorder, ports: dict[str, int]
) -> None:
    before = len(recorder.seen)
    line = b"PROXY TCP4 100.64.0.1 127.0.0.1 1 80\r\nGET / HTTP/1.1\r\nHost: x\r\n\r\n"
    assert b" 400 " in ask(ports["open"], line).split(b"\r\n")[0]
    assert recorder.seen[before:] == []
