from __future__ import annotations

import pytest

from config.names import dotted_complaint, full_service_name, label_complaint, reserved_complaint
from tests.harness.builders import (
    a_cluster_config,
    a_device,
    a_namespace,
    a_policy,
    a_region,
    a_service,
    a_session,
    a_user,
    complaints,
)


@pytest.mark.parametrize("name", ["ab", "a1", "web-1", "a" * 40, "a-b-c"])
def test_a_good_label_has_no_complaint(name: str) -> None:
    assert label_complaint(name) == ""


@pytest.mark.parametrize(
    "name",
    [
        "",
        "a",
        "1a",
        "Web",
        "a_b",
        "a--b",
        "-ab",
        "ab-",
        "a" * 41,
        "a:b",
        "a.b",
        "é1",
        "ab\n",
        "a\uff11",
    ],
)
def test_a_bad_label_is_refused(name: str) -> None:
    assert label_complaint(name)


def test_a_generated_label_may_be_longer() -> None:
    assert label_complaint("a" * 47, longest=54) == ""


def test_a_dotted_name_is_limited_as_a_whole() -> None:
    assert "at most 128" in dotted_complaint(".".join(["a" * 40] * 4), most=6)


def test_a_bad_part_of_a_dotted_name_is_named_as_a_part() -> None:
    assert dotted_complaint("web.P", most=2).startswith("each part ")


def test_an_empty_part_is_refused() -> None:
    assert dotted_complaint("web.", most=2)


def test_a_service_without_namespace_is_in_the_default_one() -> None:
    assert full_service_name("web") == "web.default"
    assert full_service_name("web.prod") == "web.prod"


@pytest.mark.parametrize("name", ["local", "local-dev", "octelium", "cordium-x", "vigil", "system"])
def test_prefixes_of_the_cluster_are_reserved(name: str) -> None:
    assert reserved_complaint(name)


def test_a_service_is_stored_under_its_full_name() -> None:
    service = a_service(name="web")
    assert service.metadata.name == "web.default"
    assert (service.service_name, service.namespace_name) == ("web", "default")


def test_a_service_has_at_most_one_parent() -> None:
    assert complaints(lambda: a_service(name="x1.y1.z1")) == [
        "metadata.name: must have at most 2 parts, not 3"
    ]


def test_a_policy_has_up_to_five_parents() -> None:
    assert a_policy("a1.b2.c3.d4.e5.f6").metadata.name == "a1.b2.c3.d4.e5.f6"
    assert complaints(lambda: a_policy("a1.b2.c3.d4.e5.f6.g7"))


def test_other_kinds_have_no_parent() -> None:
    assert complaints(lambda: a_user("al.ice")) == ["metadata.name: must be one name, without dots"]


def test_a_name_is_required() -> None:
    assert complaints(lambda: a_user("")) == ["metadata.name: is required"]


def test_a_namespace_may_not_take_a_reserved_prefix() -> None:
    assert complaints(lambda: a_namespace("local-dev"))


def test_a_service_of_the_default_namespace_may_not_take_a_reserved_prefix() -> None:
    assert complaints(lambda: a_service(name="local-dev"))
    assert a_service(name="local-dev.prod").metadata.name == "local-dev.prod"


def test_what_the_cluster_itself_makes_may_have_a_reserved_name() -> None:
    assert a_namespace("octelium-api", metadata={"isSystem": True})


@pytest.mark.parametrize("build", [a_session, a_device], ids=["session", "device"])
def test_generated_names_may_be_longer(build: type) -> None:
    name = "a" * 40 + "-qkzmwp"
    assert build(name).metadata.name == name


def test_a_region_may_not_be_longer() -> None:
    assert complaints(lambda: a_region("a" * 41))


@pytest.mark.parametrize("name", ["default", "cluster-config", "Any Name!", ""])
def test_the_cluster_config_has_one_name_whatever_it_is_called(name: str) -> None:
    assert a_cluster_config(metadata={"name": name}).metadata.name == "cluster-config"
