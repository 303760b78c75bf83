from __future__ import annotations

from typing import Any

import pytest

from config.decode import decode_resource
from config.errors import ConfigError
from config.names import full_service_name
from config.references import Declared, references
from config.validate import findings
from tests.harness.resources import (
    a_device,
    a_policy,
    a_secret,
    a_service,
    a_session,
    a_user,
    allow,
    authorization,
    document,
    inline,
)

ALICE = "6f6f2d0e-6f0b-4f0e-9a52-0d4f4c1a2b3c"
BOB = "3b0e7a52-6d55-4d38-9f0e-0a8a44f5b1c2"
SERIAL = "PF3XK2A9"
MACHINE = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
UPSTREAM = "http://127.0.0.1:9"


def declared(written: dict[str, Any]) -> Declared:
    try:
        resource = decode_resource(written)
    except ConfigError:
        resource = None
    name = written["metadata"]["name"]
    stored = full_service_name(name) if written["kind"] == "Service" else name
    return Declared(written["kind"], stored, written, resource)


def found(*documents: dict[str, Any], with_default: bool = True) -> list[str]:
    """Return the findings about the documents, beside a default Namespace and Region."""
    default = [document(kind, "default", {}) for kind in ("Namespace", "Region")]
    given = [declared(each) for each in (*(default if with_default else ()), *documents)]
    return sorted(
        f"{finding.declared.kind} {finding.declared.name} {finding.path}: {finding.message}"
        + (f"; {finding.hint}" if finding.hint else "")
        for finding in findings(given)
    )


def with_metadata(written: dict[str, Any], **metadata: Any) -> dict[str, Any]:
    return written | {"metadata": written["metadata"] | metadata}


ATTACHABLE = [
    pytest.param(document("ClusterConfig", "cluster-config", {}), id="ClusterConfig"),
    pytest.param(document("Namespace", "prod", {}), id="Namespace"),
    pytest.param(a_user("alice"), id="User"),
    pytest.param(document("Group", "sre", {}), id="Group"),
    pytest.param(a_service("web", 80, UPSTREAM), id="Service"),
    pytest.param(a_session("s1", "root"), id="Session"),
    pytest.param(a_device("d1", "root"), id="Device"),
    pytest.param(
        document("Credential", "ci", {"type": "AUTH_TOKEN", "user": "root"}), id="Credential"
    ),
]


@pytest.mark.parametrize("written", ATTACHABLE)
def test_a_policy_attached_anywhere_must_exist(written: dict[str, Any]) -> None:
    block = {"authorization": authorization(policies=["staff", "stuff"])}
    attached = written | {"spec": written["spec"] | block}
    (finding,) = found(attached, a_user("root"), a_policy("staff", allow()))
    assert "spec.authorization.policies[1]: names Policy" in finding
    assert finding.endswith('"stuff", which does not exist; did you mean "staff"?')


def test_a_set_that_names_only_what_exists_is_fine() -> None:
    service = a_service("web.prod", 80, UPSTREAM, region="default")
    service["spec"]["config"]["http"] = {"auth": {"bearer": {"fromSecret": "token"}}}
    service["spec"]["config"]["upstream"]["user"] = "alice"
    assert (
        found(
            service,
            document("Namespace", "prod", {"authorization": {"policies": ["leaf.parent"]}}),
            a_policy("leaf.parent", allow()),
            a_policy("parent", allow()),
            a_secret("token", "x"),
            document("Group", "sre", {}),
            a_user("alice", groups=["sre"], email="alice@example.com"),
            a_device("laptop", "alice", id=MACHINE),
            a_session("s1", "alice", device="laptop"),
        )
        == []
    )


def test_the_parent_of_a_policy_must_exist() -> None:
    assert found(a_policy("leaf.middle.root", allow()), a_policy("root", allow())) == [
        (
            "Policy leaf.middle.root metadata.name: "
            'needs its parent Policy "middle.root", which does not exist'
        )
    ]


def test_the_namespace_of_a_service_must_exist() -> None:
    (finding,) = found(a_service("web.prd", 80, UPSTREAM), document("Namespace", "prod", {}))
    assert finding.endswith('is in Namespace "prd", which does not exist; did you mean "prod"?')


def test_a_service_without_a_namespace_is_in_the_default_one() -> None:
    (finding,) = found(a_service("web", 80, UPSTREAM), with_default=False)
    assert 'is in Namespace "default", which does not exist' in finding


@pytest.mark.parametrize(
    ("written", "path", "kind"),
    [
        (a_user("alice", groups=["nope"]), "spec.groups[0]", "Group"),
        (
            a_user(
                "alice",
                authentication={"identities": [{"identityProvider": "nope", "identifier": "a"}]},
            ),
            "spec.authentication.identities[0].identityProvider",
            "IdentityProvider",
        ),
        (
            document("Credential", "ci", {"type": "AUTH_TOKEN", "user": "nope"}),
            "spec.user",
            "User",
        ),
        (a_service("web", 80, UPSTREAM, region="nope"), "spec.region", "Region"),
        (a_device("d1", "nope"), "status.userRef.name", "User"),
        (a_session("s1", "nope"), "status.userRef.name", "User"),
        (a_session("s1", "root", device="nope"), "status.deviceRef.name", "Device"),
        (
            a_session("s1", "root", credentialRef={"name": "nope"}),
            "status.credentialRef.name",
            "Credential",
        ),
        (
            a_service("web", 80, UPSTREAM, tls={"clientCertificate": {"fromSecret": "nope"}}),
            "spec.config.tls.clientCertificate.fromSecret",
            "Secret",
        ),
        (
            a_service("web", 80, UPSTREAM, http={"auth": {"bearer": {"fromSecret": "nope"}}}),
            "spec.config.http.auth.bearer.fromSecret",
            "Secret",
        ),
        (
            document(
                "IdentityProvider",
                "github",
                {"github": {"clientID": "x", "clientSecret": {"fromSecret": "nope"}}},
            ),
            "spec.github.clientSecret.fromSecret",
            "Secret",
        ),
    ],
)
def test_what_is_named_must_exist(written: dict[str, Any], path: str, kind: str) -> None:
    (finding,) = found(written, a_user("root"))
    assert finding.endswith(f' {path}: names {kind} "nope", which does not exist')


@pytest.mark.parametrize("spelling", ["loadbalance", "loadBalance"])
def test_the_user_who_serves_an_upstream_must_exist(spelling: str) -> None:
    endpoints = [{"url": UPSTREAM}, {"url": UPSTREAM, "user": "nope"}]
    service = a_service("web", 80, UPSTREAM)
    service["spec"]["config"]["upstream"] = {spelling: {"endpoints": endpoints}}
    (finding,) = found(service)
    path = f"spec.config.upstream.{spelling}.endpoints[1].user"
    assert finding == f'Service web.default {path}: names User "nope", which does not exist'


def test_references_are_checked_in_a_document_with_other_errors() -> None:
    broken = a_service("web", 80, UPSTREAM, prot=80, authorization={"policies": ["nope"]})
    assert declared(broken).resource is None
    (finding,) = found(broken)
    assert 'names Policy "nope"' in finding


def test_a_document_with_errors_still_exists() -> None:
    broken = a_policy("staff", allow(), prot=1)
    assert found(a_user("alice", authorization={"policies": ["staff"]}), broken) == []


def test_free_json_names_nothing() -> None:
    attrs = {"fromSecret": "nope", "upstream": {"user": "nope"}}
    policy = inline(allow(), attrs={"fromSecret": "nope"})
    assert found(a_user("alice", attrs=attrs, authorization=authorization(policy))) == []


def test_what_is_no_name_is_not_repeated() -> None:
    """It may be the secret itself, written where its Secret's name belongs."""
    secret = "Hunter2 hunter2"
    service = a_service("web", 80, UPSTREAM, http={"auth": {"bearer": {"fromSecret": secret}}})
    assert list(references(declared(service))) == []


@pytest.mark.parametrize("spec", [None, "x", 1, [], {"authorization": "x"}, {"groups": {"a": 1}}])
def test_references_are_looked_for_in_anything(spec: Any) -> None:
    written = {"kind": "User", "metadata": {"name": "alice"}, "spec": spec}
    assert list(references(Declared("User", "alice", written))) == []


def test_a_session_and_a_device_need_an_owner() -> None:
    assert found(
        document("Session", "s1", {}, {"type": "CLIENT"}),
        document("Device", "d1", {"state": "ACTIVE"}),
    ) == [
        "Device d1 status.userRef: is required; the User it belongs to",
        "Session s1 status.userRef: is required; the User it belongs to",
    ]


def test_a_session_uses_a_device_of_its_own_user() -> None:
    (finding,) = found(
        a_user("alice"),
        a_user("bob"),
        a_device("laptop", "bob"),
        a_session("s1", "alice", device="laptop"),
    )
    assert finding == 'Session s1 status.deviceRef: Device "laptop" is of User "bob", not "alice"'


def test_a_reference_by_uid_finds_its_target() -> None:
    alice = with_metadata(a_user("alice"), uid=ALICE)
    session = document("Session", "s1", {}, {"userRef": {"uid": ALICE}})
    assert found(alice, session, a_device("d1", "alice")) == []


def test_a_uid_of_nothing_and_a_uid_of_another_are_refused() -> None:
    alice = with_metadata(a_user("alice"), uid=ALICE)
    nobody = document("Session", "s1", {}, {"userRef": {"uid": BOB}})
    other = document("Session", "s2", {}, {"userRef": {"uid": ALICE, "name": "bob"}})
    assert found(alice, a_user("bob"), nobody, other) == [
        "Session s1 status.userRef.uid: is the uid of no User",
        'Session s2 status.userRef.uid: is the uid of User "alice", not "bob"',
    ]


def _provider(name: str, **spec: Any) -> dict[str, Any]:
    return document("IdentityProvider", name, spec)


OIDC = {"clientID": "x", "clientSecret": {"fromSecret": "idp"}}
IDENTITY = {"identities": [{"identityProvider": "idp", "identifier": "x"}]}


@pytest.mark.parametrize(
    ("first", "second", "said"),
    [
        (
            a_user("alice", email="a@example.com"),
            a_user("bob", email="a@example.com"),
            'User bob spec.email: is also the e-mail address of User "alice"',
        ),
        (
            a_user("alice", authentication=IDENTITY),
            a_user("bob", authentication=IDENTITY),
            'User bob spec.authentication.identities[0]: is also the identity of User "alice"',
        ),
        (
            a_device("d1", "root", id=MACHINE),
            a_device("d2", "root", id=MACHINE),
            'Device d2 status.id: is also the id of Device "d1"',
        ),
        (
            a_device("d1", "root", serialNumber=SERIAL),
            a_device("d2", "root", serialNumber=SERIAL),
            'Device d2 status.serialNumber: is also the serial number of Device "d1"',
        ),
        (
            _provider("one", oidc=OIDC | {"issuerURL": "https://idp.example.com/"}),
            _provider("two", oidc=OIDC | {"issuerURL": "https://idp.example.com"}),
            (
                "IdentityProvider two spec.oidc.issuerURL: is also the OIDC issuer of "
                'IdentityProvider "one"'
            ),
        ),
        (
            _provider("one", oidcIdentityToken={"issuerURL": "https://ci.example.com"}),
            _provider(
                "two",
                oidcIdentityToken={
                    "jwksURL": "https://ci.example.com/jwks",
                    "issuer": "https://ci.example.com",
                },
            ),
            (
                "IdentityProvider two spec.oidcIdentityToken.issuer: is also the token issuer of "
                'IdentityProvider "one"'
            ),
        ),
        (
            with_metadata(a_user("alice"), uid=ALICE),
            with_metadata(a_device("d1", "root"), uid=ALICE.upper()),
            'Device d1 metadata.uid: is also the uid of User "alice"',
        ),
        (
            a_session("s1", "root", authentication={"tokenID": ALICE}),
            a_session("s2", "root", authentication={"tokenID": ALICE}),
            'Session s2 status.authentication.tokenID: is also the tokenID of Session "s1"',
        ),
    ],
)
def test_what_must_be_unique_is(first: dict[str, Any], second: dict[str, Any], said: str) -> None:
    others = (a_user("root"), _provider("idp", oidc=OIDC | {"issuerURL": "https://o.example.com"}))
    assert found(first, second, *others, a_secret("idp", "x")) == [said]


def test_addresses_that_differ_in_more_than_punctuation_are_different() -> None:
    assert found(a_user("alice", email="a.b@x.io"), a_user("bob", email="a-b@x.io")) == []


def test_a_service_and_a_namespace_do_not_share_a_hostname() -> None:
    service = a_service("web", 80, UPSTREAM)
    assert found(service, document("Namespace", "web", {})) == [
        (
            'Service web.default metadata.name: has the same hostname as Namespace "web"; '
            "rename one of them"
        )
    ]
    assert found(a_service("web.prod", 80, UPSTREAM), document("Namespace", "prod", {})) == []
    assert found(a_service("default", 80, UPSTREAM)) == []


def test_a_choice_of_the_default_configuration_needs_one() -> None:
    named = {"name": "other", "parent": "default", "upstream": {"url": UPSTREAM}}
    rules = [{"condition": {"matchAny": True}, "configName": "default"}]
    dynamic = {"configs": [named], "rules": rules}
    spec = {"mode": "HTTP", "port": 80, "dynamicConfig": dynamic}
    said = "names the default configuration, which is absent"
    assert found(document("Service", "web", spec)) == [
        f"Service web.default spec.dynamicConfig.configs[0].parent: {said}",
        f"Service web.default spec.dynamicConfig.rules[0].configName: {said}",
    ]
    whole = spec | {"config": {"upstream": {"url": UPSTREAM}}}
    assert found(document("Service", "web", whole)) == []
