from __future__ import annotations

from typing import Any

import pytest

from config.decode import decode
from config.resources.cluster_config import ClusterConfig
from config.resources.meta import Metadata
from config.resources.states import State
from tests.harness.builders import (
    a_cluster_config,
    a_gateway,
    a_group,
    a_namespace,
    a_region,
    complaints,
)

BAD_LABEL = "must start with a letter, end with a letter or digit, and hold only a-z, 0-9 and -"


def test_the_cluster_config_needs_no_metadata() -> None:
    cluster = decode(ClusterConfig, {"spec": {}})
    assert cluster.metadata.name == "cluster-config"
    assert cluster.status.domain == "localhost"


def test_devices_have_defaults_by_type_of_user() -> None:
    cluster = a_cluster_config(
        device={
            "human": {"defaultState": "PENDING", "maxPerUser": 20},
            "workload": {"defaultState": "ACTIVE", "maxPerUser": 100},
        }
    )
    device = cluster.spec.device
    assert device
    assert device.human
    assert device.workload
    assert (device.human.default_state, device.human.max_per_user) == (State.PENDING, 20)
    assert (device.workload.default_state, device.workload.max_per_user) == (State.ACTIVE, 100)


@pytest.mark.parametrize("part", ["session", "device"])
@pytest.mark.parametrize("branch", ["human", "workload"])
def test_defaults_are_checked(part: str, branch: str) -> None:
    block = {part: {branch: {"defaultState": "REJECTED", "maxPerUser": 1_001}}}
    assert complaints(lambda: a_cluster_config(**block)) == [
        f"spec.{part}.{branch}.defaultState: must be ACTIVE or PENDING",
        f"spec.{part}.{branch}.maxPerUser: must be at most 1000",
    ]


def test_everything_a_cluster_config_may_say() -> None:
    condition = {"matchAny": True}
    assert a_cluster_config(
        authorization={"policies": ["base"]},
        session={"human": {"clientDuration": {"hours": 12}}},
        ingress={"useForwardedForHeader": True, "xffNumTrustedHops": 2},
        gateway={"wireguardKeyRotationDuration": {"hours": 12}},
        dns={"fallbackZone": {"servers": ["dot://1.1.1.1", "9.9.9.9", "dns.example.com"]}},
        authenticator={
            "registrationEnforcementRules": [{"condition": condition, "effect": "RECOMMEND"}],
            "postAuthenticationRules": [{"name": "x", "condition": condition, "effect": "ALLOW"}],
            "fido": {"attestationConveyancePreference": "DIRECT"},
        },
        authentication={"geolocation": {"mmdb": {"upstream": {"url": "http://x1.io/db"}}}},
        status={
            "network": {"clusterNetwork": {"v4": "100.64.0.0/10"}},
            "networkConfig": {"mode": "DUAL_STACK", "quicv0": {"enable": True, "mtu": 1280}},
        },
    )


@pytest.mark.parametrize(
    ("block", "complaint"),
    [
        ({"ingress": {"xffNumTrustedHops": 65}}, "ingress.xffNumTrustedHops: must be at most 64"),
        (
            {"dns": {"fallbackZone": {"servers": ["not a server"]}}},
            "dns.fallbackZone.servers[0]: must be a DNS name, an IP address or a URL like dot://host",
        ),
        (
            {"authentication": {"geolocation": {"mmdb": {}}}},
            "authentication.geolocation.mmdb: needs exactly one of fromConfig or upstream",
        ),
        (
            {"authentication": {"geolocation": {"mmdb": {"upstream": {"url": "ftp://x1.io"}}}}},
            "authentication.geolocation.mmdb.upstream.url: must be an http or https URL",
        ),
    ],
)
def test_the_cluster_config_is_checked(block: dict[str, Any], complaint: str) -> None:
    assert complaints(lambda: a_cluster_config(**block)) == [f"spec.{complaint}"]


@pytest.mark.parametrize("domain", ["Example.com", "exa mple.com", "-x.com", "a..b", "a" * 254])
def test_a_domain_is_a_domain(domain: str) -> None:
    [complaint] = complaints(lambda: a_cluster_config(domain=domain))
    assert complaint.startswith("status.domain: ")


def test_a_gateway_and_a_region() -> None:
    gateway = a_gateway(
        status={
            "id": "k3v9d2qz",
            "cidr": {"v4": "100.64.0.0/24", "v6": "fdee:1a2b::/112"},
            "publicIPs": ["203.0.113.10"],
            "wireguard": {"port": 53820, "publicKey": "mQx1="},
        }
    )
    assert gateway.status.public_ips == ("203.0.113.10",)
    assert a_region().metadata.name == "default"
    assert complaints(lambda: a_gateway(status={"publicIPs": ["x"]})) == [
        "status.publicIPs[0]: must be an IP address or a network"
    ]


@pytest.mark.parametrize(
    ("metadata", "complaint"),
    [
        ({"displayName": "x" * 101}, "displayName: must have at most 100 characters"),
        ({"description": "x" * 1_025}, "description: must have at most 1024 characters"),
        (
            {"labels": {"Bad": "x"}},
            f"labels.Bad: {BAD_LABEL}",
        ),
        ({"labels": {"tier": "Gold"}}, "labels.tier: has characters that are not allowed here"),
        ({"annotations": {"note": "x" * 64}}, "annotations.note: must have at most 63 characters"),
        ({"tags": ["ab", "ab"]}, "tags[1]: is there twice"),
        ({"tags": [f"t{index}" for index in range(65)]}, "tags: must have at most 64 items"),
        ({"uid": "1"}, "uid: must be a UUID"),
        ({"labels": {"a.b": "x"}}, 'labels["a.b"]: must be one name, without dots'),
    ],
)
def test_metadata_is_checked(metadata: dict[str, Any], complaint: str) -> None:
    assert complaints(lambda: a_group(metadata=metadata)) == [f"metadata.{complaint}"]


def test_metadata_keeps_what_the_store_wrote() -> None:
    metadata = {
        "uid": "3b0e7a52-6d55-4d38-9f0e-0a8a44f5b1c2",
        "createdAt": "2026-01-01T00:00:00Z",
        "resourceVersion": "17",
        "isSystem": True,
    }
    kept: Metadata = a_namespace(metadata=metadata).metadata
    assert (kept.resource_version, kept.is_system) == ("17", True)
