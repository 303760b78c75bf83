"""TLS towards the upstream: verified, with a client certificate where asked, or refused (A43)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from tests.harness.certificates import Authority
from tests.harness.processes import free_port
from tests.harness.recorder import Recorder
from tests.harness.resources import (
    ALLOW_ALL,
    Document,
    Resources,
    a_service,
    a_session,
    a_user,
)
from tests.harness.running import Vigil, up


@dataclass
class Upstreams:
    """Three TLS upstreams and the authority that signed them."""

    authority: Authority
    good: Recorder
    wrong_name: Recorder
    mutual: Recorder


@pytest.fixture(scope="module")
def upstreams(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Upstreams]:
    authority = Authority(tmp_path_factory.mktemp("authority"))
    made = Upstreams(
        authority,
        Recorder(authority.server("localhost")),
        Recorder(authority.server("other.example")),
        Recorder(authority.server("localhost", asks_for_certificate=True)),
    )
    yield made
    for upstream in (made.good, made.wrong_name, made.mutual):
        upstream.close()


@pytest.fixture(scope="module")
def ports() -> dict[str, int]:
    names = ("trusted", "untrusted", "wrong-name", "unverified", "mutual", "no-certificate")
    return {name: free_port() for name in names}


def _client_certificate(authority: Authority) -> Document:
    certificate, key = authority.issue("client.example")
    return {
        "kind": "Secret",
        "metadata": {"name": "client"},
        "spec": {"data": {"value": certificate}},
        "data": {"value": key},
    }


@pytest.fixture(scope="module")
def vigil(
    tmp_path_factory: pytest.TempPathFactory, upstreams: Upstreams, ports: dict[str, int]
) -> Iterator[Vigil]:
    place = tmp_path_factory.mktemp("tls")
    trusted: Document = {"trustedCAs": [upstreams.authority.pem]}
    mutual = {**trusted, "clientCertificate": {"fromSecret": "client"}}
    services: dict[str, tuple[Recorder, Document]] = {
        "trusted": (upstreams.good, trusted),
        "untrusted": (upstreams.good, {}),
        "wrong-name": (upstreams.wrong_name, trusted),
        "unverified": (upstreams.wrong_name, {"insecureSkipVerify": True}),
        "mutual": (upstreams.mutual, mutual),
        "no-certificate": (upstreams.mutual, trusted),
    }
    resources = Resources(place / "resources")
    resources.write("world", a_user("alice"), a_session("alice", "alice"))
    resources.write("client", _client_certificate(upstreams.authority))
    for name, (upstream, tls) in services.items():
        service = a_service(name, ports[name], upstream.url, tls=tls, authorization=ALLOW_ALL)
        resources.write(name, service)
    with up(resources, place, ports=ports.values()) as process:
        yield process


@pytest.mark.parametrize(
    ("service", "status"),
    [
        pytest.param("trusted", 200, id="A43-trusted-authority"),
        pytest.param("untrusted", 502, id="A43-unknown-authority"),
        pytest.param("wrong-name", 502, id="A43-wrong-name"),
        pytest.param("unverified", 200, id="A43-skip-verify"),
        pytest.param("mutual", 200, id="A43-client-certificate"),
        pytest.param("no-certificate", 502, id="A43-no-client-certificate"),
    ],
)
def test_an_upstream_is_reached_only_as_its_tls_says(
    vigil: Vigil, upstreams: Upstreams, ports: dict[str, int], service: str, status: int
) -> None:
    answer = vigil.get(ports[service], f"/{service}", session="alice")
    assert answer.status == status
    all_seen = [*upstreams.good.seen, *upstreams.wrong_name.seen, *upstreams.mutual.seen]
    assert any(seen.target == f"/{service}" for seen in all_seen) == (status == 200)


def test_upstream_connections_are_used_again(
    vigil: Vigil, upstreams: Upstreams, ports: dict[str, int]
) -> None:
    vigil.get(ports["trusted"], "/first", session="alice")
    before = upstreams.good.accepted
    for _ in range(5):
        assert vigil.get(ports["trusted"], "/again", session="alice").status == 200
    assert upstreams.good.accepted == before


def test_a_key_that_cannot_be_resolved_is_refused_at_the_edit_not_at_the_request(
    vigil: Vigil, upstreams: Upstreams, ports: dict[str, int]
) -> None:
    tls = {"clientCertificate": {"fromSecret": "gone"}}
    good = vigil.resources.path / "mutual.yaml"
    kept = good.read_text()
    vigil.resources.write("mutual", a_service("mutual", ports["mutual"], "https://x", tls=tls))
    vigil.eventually("complaint", lambda: "gone" in vigil.stderr)
    assert vigil.status(ports["mutual"], "alice") == 200
    vigil.resources.write_text("mutual", kept)
