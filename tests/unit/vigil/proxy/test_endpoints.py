from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from config.errors import ConfigError
from config.resources.meta import Resource
from protocols.permit import Upstream, UpstreamTLS
from tests.harness.builders import a_secret, a_service
from tests.harness.certificates import Authority
from tests.harness.snapshot import a_snapshot
from vigil.proxy.certificates import KnownSecrets
from vigil.proxy.endpoints import endpoints_of


def endpoints(url: str, *secrets: Resource, **config: Any) -> tuple[Upstream, ...]:
    service = a_service(config={"upstream": {"url": url}, **config})
    return endpoints_of(service, KnownSecrets(a_snapshot(*secrets)))


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("http://app.internal", Upstream("app.internal", 80, "app.internal")),
        ("http://app.internal:8080", Upstream("app.internal", 8080, "app.internal:8080")),
        ("ws://app.internal", Upstream("app.internal", 80, "app.internal")),
        ("http://[::1]:8080", Upstream("::1", 8080, "[::1]:8080")),
        ("http://app/base/", Upstream("app", 80, "app", "/base")),
        ("http://app/search?q=1#top", Upstream("app", 80, "app", "/search")),
    ],
)
def test_a_url_says_where_to_dial(url: str, expected: Upstream) -> None:
    assert endpoints(url) == (expected,)


def test_https_is_spoken_with_the_hosts_name() -> None:
    (upstream,) = endpoints("https://app.internal")
    assert upstream.port == 443
    assert upstream.tls == UpstreamTLS(server_name="app.internal")


def test_an_address_is_no_server_name() -> None:
    (upstream,) = endpoints("https://192.0.2.1")
    assert upstream.tls is not None
    assert upstream.tls.server_name == ""


def test_what_the_service_says_of_tls_is_taken_over(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    chain, key = authority.issue("client")
    secret = a_secret("client", key, data={"value": chain})
    tls = {
        "trustedCAs": [authority.pem],
        "appendToSystemPool": True,
        "clientCertificate": {"fromSecret": "client"},
    }
    (upstream,) = endpoints("https://app", secret, tls=tls)
    assert upstream.tls is not None
    assert [pem.strip() for pem in upstream.tls.trusted_cas] == [authority.pem.strip()]
    assert upstream.tls.append_to_system_pool
    assert upstream.tls.certificate == chain
    assert upstream.tls.private_key.reveal() == key.encode()


def test_a_client_certificate_that_does_not_exist_is_refused() -> None:
    with pytest.raises(ConfigError, match="does not exist"):
        endpoints("https://app", tls={"clientCertificate": {"fromSecret": "gone"}})


def test_a_secret_that_is_no_certificate_is_refused() -> None:
    with pytest.raises(ConfigError, match="no certificate"):
        endpoints("https://app", a_secret(), tls={"clientCertificate": {"fromSecret": "password"}})


def test_a_key_that_does_not_fit_its_certificate_is_refused(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    chain, _ = authority.issue("client")
    _, other = authority.issue("client")
    secret = a_secret("client", other, data={"value": chain})
    with pytest.raises(ConfigError, match="cannot be used"):
        endpoints("https://app", secret, tls={"clientCertificate": {"fromSecret": "client"}})


def test_several_endpoints_keep_their_order_and_each_is_there_once() -> None:
    urls = ["http://a", "http://b", "http://a"]
    balanced = {"loadbalance": {"endpoints": [{"url": url} for url in urls]}}
    service = a_service(config={"upstream": balanced})
    found = endpoints_of(service, KnownSecrets(a_snapshot()))
    assert [upstream.host for upstream in found] == ["a", "b"]


@pytest.mark.parametrize(
    "upstream",
    [
        pytest.param({"url": "http://a", "user": "alice"}, id="served by a User"),
        pytest.param({"container": {"image": "x", "port": 80}}, id="a container"),
    ],
)
def test_what_nothing_here_can_reach_is_refused(upstream: dict[str, Any]) -> None:
    service = a_service(port=80, config={"upstream": upstream})
    with pytest.raises(ConfigError, match="not built"):
        endpoints_of(service, KnownSecrets(a_snapshot()))
