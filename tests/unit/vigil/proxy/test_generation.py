from __future__ import annotations

from pathlib import Path

import pytest

from config.errors import ConfigError
from config.resources.meta import Resource
from tests.harness.builders import a_rule, a_secret, a_service, inline
from tests.harness.certificates import Authority
from tests.harness.clock import FakeClock
from tests.harness.snapshot import a_snapshot
from vigil.identity.tokens import TokenVerifier
from vigil.proxy.generation import Builder, Generation, Generations


def build(
    *resources: Resource, names: tuple[str, ...] = (), before: Generations | None = None
) -> Generations:
    snapshot = a_snapshot(*resources)
    wanted = names or tuple(each.metadata.name for each in resources if each.kind == "Service")
    return Builder(TokenVerifier({}), FakeClock()).build(snapshot, wanted, before or {})


def one(*resources: Resource, before: Generation | None = None) -> Generation:
    previous = {} if before is None else {"web.default": before}
    return build(*resources, before=previous)["web.default"]


def refusal(*resources: Resource, names: tuple[str, ...] = ()) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        build(*resources, names=names)
    return [str(problem) for problem in caught.value.problems]


def test_a_service_is_built_whole() -> None:
    generation = one(a_service(port=8080))
    assert generation.port == 8080
    assert generation.gate.service is generation.service
    assert generation.tls is None


def test_only_the_services_asked_for_are_built() -> None:
    ssh = a_service("SSH", name="box")
    assert list(build(a_service(), ssh, names=("web.default",))) == ["web.default"]


def test_a_mode_that_is_not_built_is_refused() -> None:
    assert refusal(a_service("SSH", name="box")) == [
        "Service box.default: spec.mode: mode SSH is not built yet"
    ]


def test_a_service_that_is_not_declared_is_refused_with_those_that_are() -> None:
    (problem,) = refusal(a_service(), names=("gone.default",))
    assert problem.startswith("Service gone.default: ")
    assert "web.default" in problem


def test_every_problem_of_every_service_and_policy_is_found_at_once() -> None:
    problems = refusal(
        a_service("SSH", name="box"),
        a_service(name="web", config={"upstream": {"url": "http://a", "user": "alice"}}),
        a_service(name="api", authorization=inline(a_rule(match="1 +"))),
    )
    assert [problem.split(":")[0] for problem in problems] == [
        "Service api.default",
        "Service box.default",
        "Service web.default",
    ]


def test_a_listener_with_tls_needs_the_namespaces_certificate() -> None:
    (problem,) = refusal(a_service(isTLS=True))
    assert "spec.isTLS" in problem
    assert "crt-ns-default" in problem


class TestListenerCertificate:
    @pytest.fixture
    def authority(self, tmp_path: Path) -> Authority:
        return Authority(tmp_path)

    def certificate(self, authority: Authority) -> Resource:
        chain, key = authority.issue("web.localhost")
        return a_secret("crt-ns-default", key, data={"value": chain})

    def test_it_makes_a_listener_speak_tls(self, authority: Authority) -> None:
        assert one(a_service(isTLS=True), self.certificate(authority)).tls is not None

    def test_the_same_certificate_keeps_its_context(self, authority: Authority) -> None:
        certificate = self.certificate(authority)
        before = one(a_service(isTLS=True), certificate)
        after = one(a_service(isTLS=True), certificate, before=before)
        assert after.tls is before.tls

    def test_a_renewed_certificate_gets_a_new_one(self, authority: Authority) -> None:
        before = one(a_service(isTLS=True), self.certificate(authority))
        after = one(a_service(isTLS=True), self.certificate(authority), before=before)
        assert after.tls is not None
        assert before.tls is not None
        assert after.tls.context is not before.tls.context

    def test_a_certificate_without_its_key_is_refused(self, authority: Authority) -> None:
        chain, _ = authority.issue("a")
        _, key = authority.issue("b")
        secret = a_secret("crt-ns-default", key, data={"value": chain})
        assert "cannot be used" in refusal(a_service(isTLS=True), secret)[0]


def test_what_is_known_of_endpoints_outlives_a_generation() -> None:
    before = one(a_service())
    assert one(a_service(isPublic=True), before=before).upstreams is before.upstreams


def test_other_endpoints_start_with_a_clean_record() -> None:
    before = one(a_service(upstream="http://a"))
    after = one(a_service(upstream="http://b"), before=before)
    assert after.upstreams is not before.upstreams


def test_a_secret_an_upstream_needs_must_exist() -> None:
    options = {"auth": {"bearer": {"fromSecret": "gone"}}}
    assert "gone" in refusal(a_service(options=options))[0]
