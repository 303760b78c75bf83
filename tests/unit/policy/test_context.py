"""What ``ctx`` holds of each resource, and what it never holds."""

from __future__ import annotations

from typing import Any

import pytest

from config.resources.cluster_config import ClusterConfig
from config.resources.device import Device
from config.resources.meta import Resource
from config.resources.secret import Secret
from config.resources.service import Service
from config.resources.session import Session
from config.resources.user import User
from policy.cel.values import Timestamp, UInt
from policy.context import build, seen, view
from tests.harness import builders
from tests.harness.policies import a_world

PLAIN = (str, bool, int, float, Timestamp, dict, list, type(None))


def a_user(**spec: Any) -> User:
    return User.model_validate({"metadata": {"name": "alice"}, "spec": {"type": "HUMAN", **spec}})


def a_service(**spec: Any) -> Service:
    config = {"upstream": {"url": "http://127.0.0.1:80"}}
    return Service.model_validate(
        {"metadata": {"name": "web.default"}, "spec": {"mode": "HTTP", "config": config, **spec}}
    )


def leaves(value: Any) -> list[Any]:
    children = value.values() if isinstance(value, dict) else value
    if isinstance(value, (dict, list)):
        return [value, *(leaf for child in children for leaf in leaves(child))]
    return [value]


def test_a_resource_has_its_five_keys() -> None:
    shown = view(a_user())
    assert list(shown) == ["apiVersion", "kind", "metadata", "spec", "status"]
    assert shown["apiVersion"] == "core/v1"
    assert shown["kind"] == "User"
    assert shown["metadata"]["name"] == "alice"


def test_unset_scalars_of_a_present_message_have_their_default() -> None:
    spec = view(a_user())["spec"]
    assert spec["isDisabled"] is False
    assert spec["email"] == ""
    assert spec["groups"] == []
    assert view(a_service())["spec"]["port"] == 0


def test_keys_are_spelt_as_in_yaml() -> None:
    spec = view(a_service(isTLS=True))["spec"]
    assert spec["isTLS"] is True
    assert spec["isPublic"] is False


def test_absent_messages_are_absent() -> None:
    spec = view(a_service())["spec"]
    assert "authorization" not in spec
    assert "tls" not in spec["config"]


def test_a_present_message_is_there_even_when_it_says_nothing() -> None:
    assert view(a_user(authorization={}))["spec"]["authorization"] == {
        "policies": [],
        "inlinePolicies": [],
    }


def test_only_the_alternative_that_was_chosen_is_there() -> None:
    upstream = view(a_service())["spec"]["config"]["upstream"]
    assert upstream["url"] == "http://127.0.0.1:80"
    assert "loadbalance" not in upstream
    assert "container" not in upstream


def test_a_chosen_alternative_is_there_even_when_it_is_false() -> None:
    rule = {"effect": "ALLOW", "condition": {"matchAny": False}}
    inline = {"spec": {"rules": [rule]}}
    shown = view(a_user(authorization={"inlinePolicies": [inline]}))
    (policy,) = shown["spec"]["authorization"]["inlinePolicies"]
    assert policy["name"] == ""
    assert policy["spec"]["rules"][0]["condition"] == {"matchAny": False}


def test_enums_are_plain_strings_and_unset_ones_empty() -> None:
    assert type(view(a_user())["spec"]["type"]) is str
    device = Device.model_validate({"metadata": {"name": "laptop"}, "spec": {"state": "ACTIVE"}})
    assert view(device)["spec"]["state"] == "ACTIVE"
    assert view(device)["status"]["osType"] == ""


def test_times_are_timestamps_and_unset_ones_absent() -> None:
    spec = {"state": "ACTIVE", "expiresAt": "2027-01-15T08:00:00.25Z"}
    session = Session.model_validate({"metadata": {"name": "alice-cli"}, "spec": spec})
    shown = view(session)
    assert shown["spec"]["expiresAt"] == Timestamp(1_800_000_000_250_000_000)
    assert "createdAt" not in shown["metadata"]


def test_durations_keep_the_form_of_the_yaml() -> None:
    shown = view(a_user(session={"clientDuration": {"hours": 10}}))
    assert shown["spec"]["session"]["clientDuration"] == {"hours": 10}


def test_attrs_are_the_json_they_were() -> None:
    attrs = {"clearance": 3, "ratio": 0.5, "tags": ["a", {"b": None}], "deep": {"yes": True}}
    assert view(a_user(attrs=attrs))["spec"]["attrs"] == attrs


def test_an_integer_beyond_int64_is_a_uint() -> None:
    big = seen({"big": 2**63, "small": 2**63 - 1, "yes": True})
    assert type(big["big"]) is UInt
    assert type(big["small"]) is int
    assert big["yes"] is True


def test_the_data_of_a_secret_is_never_there() -> None:
    secret = Secret.model_validate(
        {"metadata": {"name": "key"}, "spec": {}, "data": {"value": "hush"}}
    )
    shown = view(secret)
    assert "data" not in shown
    assert "hush" not in str(shown)


@pytest.mark.parametrize(
    "resource",
    [
        pytest.param(resource, id=resource.kind)
        for resource in (
            builders.a_cluster_config(session={"human": {"clientDuration": {"hours": 8}}}),
            builders.a_namespace(attrs={"tier": "gold"}),
            builders.a_service(mode="POSTGRES"),
            builders.a_user(groups=["dev"], authorization=builders.inline(builders.a_rule())),
            builders.a_group(),
            builders.a_session(status={"scopes": ["service:*"]}),
            builders.a_device(status={"posture": {"signals": {"disk": "PASS"}}}),
            builders.a_credential(),
            builders.a_policy(),
            builders.a_secret(),
            builders.an_identity_provider(),
            builders.a_region(),
            builders.a_gateway(),
            builders.an_authenticator(),
        )
    ],
)
def test_only_values_of_cel_are_there(resource: Resource) -> None:
    assert {type(leaf) for leaf in leaves(view(resource))} <= {*PLAIN, bytes}


def test_an_empty_cluster_config_can_be_seen() -> None:
    config = ClusterConfig.model_validate({"metadata": {"name": "cluster-config"}, "spec": {}})
    assert view(config)["kind"] == "ClusterConfig"


class TestCtx:
    def test_it_holds_the_caller_the_service_and_the_request(self) -> None:
        ctx = a_world().ctx({"ip": "127.0.0.1"})
        assert set(ctx) == {
            "user", "session", "groups", "device", "service", "namespace", "request",
        }  # fmt: skip
        assert ctx["groups"][0]["metadata"]["name"] == "dev"
        assert ctx["device"]["status"]["osType"] == "LINUX"

    def test_without_a_device_the_key_is_absent(self) -> None:
        assert "device" not in a_world(has_device=False).ctx()

    def test_for_nobody_in_particular_it_holds_no_identity(self) -> None:
        ctx = a_world().ctx({"ip": "127.0.0.1"}, anonymous=True)
        assert set(ctx) == {"service", "namespace", "request"}

    def test_without_facts_there_is_no_request(self) -> None:
        assert "request" not in a_world().ctx({})

    def test_the_facts_are_used_as_they_are(self) -> None:
        world, facts = a_world(), {"http": {"path": "/"}}
        ctx = build(world.principal, view(world.service), view(world.namespace), facts)
        assert ctx["request"] is facts
