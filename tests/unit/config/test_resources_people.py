from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from config.decode import decode
from config.resources.device import Device, OSType
from config.resources.session import Session, SessionType, State
from config.resources.user import User, UserType
from tests.harness.builders import (
    a_credential,
    a_device,
    a_group,
    a_session,
    a_user,
    an_authenticator,
    an_identity_provider,
    complaints,
)


def test_a_user_is_human_or_workload() -> None:
    assert a_user(type="WORKLOAD").spec.type is UserType.WORKLOAD
    assert complaints(lambda: decode(User, {"metadata": {"name": "bob"}, "spec": {}})) == [
        "spec.type: is required"
    ]


def test_absent_parts_of_a_user_have_their_zero() -> None:
    user = a_user()
    assert user.spec.groups == ()
    assert user.spec.is_disabled is False
    assert user.spec.authorization is None
    assert user.spec.attrs == {}
    assert user.status.is_locked is False


@pytest.mark.parametrize(
    "email", ["alice", "alice@corp", "Alice@corp.example", "é@corp.example", "a@b@corp.example"]
)
def test_an_email_is_ascii_and_lower_case(email: str) -> None:
    assert complaints(lambda: a_user(email=email)) == [
        "spec.email: must be an e-mail address in lower-case ASCII"
    ]


def test_a_workload_has_no_email() -> None:
    assert complaints(lambda: a_user(type="WORKLOAD", email="ci@corp.example")) == [
        "spec.email: is for a HUMAN only"
    ]
    assert a_user(email="alice@corp.example").spec.email == "alice@corp.example"


def test_devices_of_one_user_may_be_approved_by_default() -> None:
    user = a_user(device={"defaultState": "ACTIVE", "maxPerUser": 3})
    assert user.spec.device
    assert user.spec.device.default_state is State.ACTIVE
    assert user.spec.device.max_per_user == 3


@pytest.mark.parametrize("part", ["device", "session"])
def test_rejected_is_no_default_state(part: str) -> None:
    assert complaints(lambda: a_user(**{part: {"defaultState": "REJECTED"}})) == [
        f"spec.{part}.defaultState: must be ACTIVE or PENDING"
    ]


def test_limits_per_user() -> None:
    assert complaints(lambda: a_user(device={"maxPerUser": 1_001}))
    assert complaints(lambda: a_user(session={"maxPerUser": 10_001}))
    assert complaints(lambda: a_user(session={"maxPerUser": -1})) == [
        "spec.session.maxPerUser: must be at least 0"
    ]


def test_identities_differ() -> None:
    twice = [{"identityProvider": "github", "identifier": "alice"}] * 2
    assert complaints(lambda: a_user(authentication={"identities": twice})) == [
        "spec.authentication.identities[1]: is there twice"
    ]


def test_a_group_has_attrs_and_policies() -> None:
    group = a_group(attrs={"tier": "gold"}, authorization={"policies": ["allow-all"]})
    assert group.spec.attrs == {"tier": "gold"}
    assert group.spec.authorization
    assert group.spec.authorization.policies == ("allow-all",)


@pytest.mark.parametrize(
    ("duration", "seconds"),
    [
        ({"seconds": 1}, 1),
        ({"milliseconds": 1_500}, 1),
        ({"minutes": 2}, 120),
        ({"hours": 4}, 14_400),
        ({"days": 36_000}, 3_110_400_000),
        ({"weeks": 1}, 604_800),
        ({"months": 2}, 5_184_000),
    ],
)
def test_a_duration_has_one_unit(duration: dict[str, int], seconds: int) -> None:
    user = a_user(session={"clientDuration": duration})
    assert user.spec.session
    assert user.spec.session.client_duration
    assert user.spec.session.client_duration.seconds_total == seconds


@pytest.mark.parametrize(
    ("duration", "complaint"),
    [
        ({"hours": 1, "minutes": 1}, "minutes and hours are given, only one of them may be"),
        ({"seconds": 0}, "must be from 1 second to 36000 days"),
        ({"milliseconds": 999}, "must be from 1 second to 36000 days"),
        ({"days": 36_001}, "must be from 1 second to 36000 days"),
        ("4h", "must be a mapping, not text"),
    ],
)
def test_a_duration_is_checked(duration: Any, complaint: str) -> None:
    assert complaints(lambda: a_user(session={"clientDuration": duration})) == [
        f"spec.session.clientDuration: {complaint}"
    ]


def test_a_session_is_active_unless_told_otherwise() -> None:
    session = decode(Session, {"metadata": {"name": "s1"}, "spec": {}})
    assert session.spec.state is State.ACTIVE
    assert session.spec.expires_at is None


def test_a_device_is_pending_unless_told_otherwise() -> None:
    device = decode(Device, {"metadata": {"name": "d1"}, "spec": {}})
    assert device.spec.state is State.PENDING


def test_a_session_refers_by_name_alone() -> None:
    session = a_session(user="alice", device="alice-laptop")
    assert session.status.type is SessionType.CLIENT
    assert session.status.user_ref
    assert session.status.user_ref.name == "alice"
    assert session.status.device_ref
    assert session.status.device_ref.name == "alice-laptop"


@pytest.mark.parametrize(
    ("reference", "complaint"),
    [
        ({}, "userRef: needs a name or a uid"),
        ({"name": "alice", "kind": "Device"}, "userRef.kind: must be User"),
        ({"uid": "alice"}, "userRef.uid: must be a UUID"),
    ],
)
def test_a_reference_points_at_something(reference: dict[str, Any], complaint: str) -> None:
    assert complaints(lambda: a_session(status={"userRef": reference})) == [f"status.{complaint}"]


def test_the_authentication_of_a_session() -> None:
    session = a_session(
        status={
            "authentication": {
                "setAt": "2026-01-02T03:04:05.678Z",
                "tokenID": "3b0e7a52-6d55-4d38-9f0e-0a8a44f5b1c2",
                "accessTokenDuration": {"hours": 4},
                "info": {
                    "type": "IDENTITY_PROVIDER",
                    "identityProvider": {"type": "OIDC"},
                    "aal": "AAL2",
                },
            }
        }
    )
    authentication = session.status.authentication
    assert authentication
    assert authentication.set_at == datetime(2026, 1, 2, 3, 4, 5, 678_000, tzinfo=UTC)
    assert authentication.token_id.startswith("3b0e7a52")
    assert authentication.access_token_duration
    assert authentication.access_token_duration.seconds_total == 14_400


def test_a_login_was_made_in_one_way() -> None:
    info = {"credential": {}, "external": {}}
    assert complaints(lambda: a_session(status={"authentication": {"info": info}})) == [
        "status.authentication.info: credential and external are given, only one of them may be"
    ]


@pytest.mark.parametrize(
    "given",
    [
        "2027-01-01",
        "2027-01-01T00:00:00",
        "20270101T000000Z",
        "2027-13-01T00:00:00Z",
        "2027-01-01T00:00:60Z",
        "",
        "now",
        1_800_000_000,
        True,
        datetime(2027, 1, 1),  # noqa: DTZ001 - a time without zone is what is refused
    ],
)
def test_a_time_is_rfc3339_with_a_zone(given: Any) -> None:
    [complaint] = complaints(lambda: a_session(expiresAt=given))
    assert complaint.startswith("spec.expiresAt: ")


@pytest.mark.parametrize(
    "given",
    [
        "2027-01-01T02:00:00+02:00",
        "2027-01-01T00:00:00.000000000Z",
        "2027-01-01t00:00:00z",
        datetime(2027, 1, 1, tzinfo=UTC),
    ],
)
def test_a_time_may_be_written_in_several_ways(given: Any) -> None:
    assert a_session(expiresAt=given).spec.expires_at == datetime(2027, 1, 1, tzinfo=UTC)


def test_the_connection_of_a_session() -> None:
    connection = {
        "type": "WIREGUARD",
        "l3Mode": "V6",
        "addresses": [{"v4": "100.65.0.2/32", "v6": "fdee::2/128"}],
        "ignoreDNS": True,
        "eSSHEnable": True,
        "eSSHPort": 22022,
        "eSOCKS5Enable": False,
        "publishedServices": [{"serviceRef": {"name": "web"}, "port": 80, "address": "localhost"}],
    }
    session = a_session(status={"connection": connection})
    assert session.status.connection
    assert session.status.connection.e_ssh_port == 22022
    assert session.status.connection.ignore_dns
    broken = {"publishedServices": [{"port": 80, "address": "example.com"}]}
    assert complaints(lambda: a_session(status={"connection": broken})) == [
        "status.connection.publishedServices[0].address: must be an IP address or localhost"
    ]


@pytest.mark.parametrize(
    ("text", "scope"),
    [
        ("service:*", {"service": {"all": {}}}),
        ("service:web", {"service": {"filter": {"names": ["web.default"]}}}),
        ("service:web.prod", {"service": {"filter": {"names": ["web.prod"]}}}),
        ("service:prod/*", {"service": {"filter": {"namespaces": ["prod"]}}}),
        ("api:*", {"api": {"all": {}}}),
        (
            "api:octelium.api.main.core.v1",
            {"api": {"filter": {"packages": ["octelium.api.main.core.v1"]}}},
        ),
        ("api:core.MainService", {"api": {"filter": {"services": ["core.MainService"]}}}),
        (
            "api:core.MainService/CreateUser",
            {"api": {"filter": {"methods": ["core.MainService/CreateUser"]}}},
        ),
    ],
)
def test_a_scope_may_be_text_or_its_structure(text: str, scope: dict[str, Any]) -> None:
    assert (
        a_session(status={"scopes": [text]}).status == a_session(status={"scopes": [scope]}).status
    )


@pytest.mark.parametrize(
    "text",
    [
        "",
        "*",
        "service",
        "service:",
        "service:Web",
        "service:a1.b1.c1",
        "service:/*",
        "api:",
        "api:Core",
        "api:core.MainService/",
        "file:x",
        "service:" + "a" * 300,
    ],
)
def test_a_scope_that_cannot_be_read_is_refused(text: str) -> None:
    [complaint] = complaints(lambda: a_session(status={"scopes": [text]}))
    assert complaint.startswith("status.scopes[0]: ")


def test_a_structured_scope_completes_service_names_as_its_text_does() -> None:
    short, full = (
        a_session(status={"scopes": [{"service": {"filter": {"names": [name]}}}]}).status
        for name in ("web", "web.default")
    )
    assert short == full


def test_no_scope_is_given_twice() -> None:
    assert complaints(
        lambda: a_session(status={"scopes": ["service:web", "service:web.default"]})
    ) == ["status.scopes[1]: is there twice"]


def test_a_device_knows_its_machine() -> None:
    device = a_device(
        os="MAC",
        status={
            "id": "9f" * 32,
            "serialNumber": "PF3XK2A9",
            "hostname": "alice-x1",
            "macAddresses": ["3C-6A-9D-12-34-56", "3c6a9d123457"],
        },
    )
    assert device.status.os_type is OSType.MAC
    assert device.status.mac_addresses == ("3c:6a:9d:12:34:56", "3c:6a:9d:12:34:57")


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("id", "9F" * 32),
        ("id", "9f" * 31),
        ("serialNumber", "12345"),
        ("serialNumber", "Default String"),
        ("hostname", "h" * 254),
        ("macAddresses", ["3c:6a:9d:12:34"]),
        ("macAddresses", ["3c:6a-9d:12:34:56"]),
        ("osType", "linux"),
        ("state", "ACTIVE"),
    ],
)
def test_what_a_device_says_of_its_machine_is_checked(key: str, value: Any) -> None:
    [complaint] = complaints(lambda: a_device(status={key: value}))
    assert complaint.startswith(f"status.{key}")


def test_a_credential_that_deletes_itself_needs_a_count() -> None:
    assert complaints(lambda: a_credential(autoDelete=True)) == [
        "spec.autoDelete: needs maxAuthentications"
    ]
    assert a_credential(autoDelete=True, maxAuthentications=1)
    assert complaints(lambda: a_credential(maxAuthentications=1_000_001))


def test_an_authenticator_keeps_its_secret_out_of_its_repr() -> None:
    info = {"totp": {"sharedSecret": "JBSWY3DPEHPK3PXP", "algorithm": "SHA1"}}
    authenticator = an_authenticator(status={"type": "TOTP", "info": info})
    assert "JBSWY3DPEHPK3PXP" not in repr(authenticator)


@pytest.mark.parametrize(
    ("spec", "complaint"),
    [
        pytest.param(
            {
                "oidc": {
                    "issuerURL": "http://x1.io",
                    "clientID": "a",
                    "clientSecret": {"fromSecret": "s1"},
                }
            },
            "oidc.issuerURL: must be an https URL",
            id="http issuer",
        ),
        pytest.param(
            {
                "oidc": {
                    "issuerURL": "https://x1.io/.well-known/openid-configuration",
                    "clientID": "a",
                    "clientSecret": {"fromSecret": "s1"},
                }
            },
            "oidc.issuerURL: must be the issuer, not its discovery document",
            id="discovery document",
        ),
        pytest.param(
            {"oidcIdentityToken": {"issuerURL": "https://x1.io", "issuer": "https://x1.io"}},
            "oidcIdentityToken.issuer: is not for use with issuerURL, which already says it",
            id="two issuers",
        ),
        pytest.param(
            {"oidcIdentityToken": {"jwksURL": "https://x1.io/jwks"}},
            "oidcIdentityToken.issuer: is required with jwksURL and jwksContent",
            id="no issuer",
        ),
        pytest.param(
            {"oidcIdentityToken": {"audience": "x"}},
            "oidcIdentityToken: needs exactly one of issuerURL, jwksURL or jwksContent",
            id="no keys",
        ),
        pytest.param(
            {"saml": {"metadata": "<x/>", "metadataURL": "https://x1.io"}},
            "saml: metadataURL and metadata are given, only one of them may be",
            id="two metadata",
        ),
    ],
)
def test_identity_providers_are_checked(spec: dict[str, Any], complaint: str) -> None:
    assert complaints(lambda: an_identity_provider(**spec)) == [f"spec.{complaint}"]


def test_an_issuer_is_canonical() -> None:
    oidc = {"issuerURL": "https://x1.io/", "clientID": "a", "clientSecret": {"fromSecret": "s1"}}
    provider = an_identity_provider(oidc=oidc)
    assert provider.spec.oidc
    assert provider.spec.oidc.issuer_url == "https://x1.io"
