from __future__ import annotations

from typing import Any

import pytest

from config.decode import decode, decode_resource
from config.errors import ConfigError
from config.kinds import KINDS
from config.resources.meta import Duration
from config.resources.service import Service
from config.resources.user import User
from tests.harness.builders import a_service, a_user, complaints


def a_document(**changes: Any) -> dict[str, Any]:
    document = {"kind": "User", "metadata": {"name": "alice"}, "spec": {"type": "HUMAN"}}
    return document | changes


def refused(document: object) -> list[str]:
    return complaints(lambda: decode_resource(document))


def test_a_document_becomes_the_resource_of_its_kind() -> None:
    user = decode_resource(a_document(apiVersion="core/v1"))
    assert isinstance(user, User)
    assert (user.kind, user.api_version, user.metadata.name) == ("User", "core/v1", "alice")


def test_every_kind_is_in_the_table_under_its_own_name() -> None:
    assert len(KINDS) == 14
    assert all(name == kind.kind == kind.__name__ for name, kind in KINDS.items())


@pytest.mark.parametrize("document", [None, 1, "kind: User", [], [{"kind": "User"}]])
def test_a_document_is_a_mapping(document: object) -> None:
    [complaint] = refused(document)
    assert complaint.startswith("a resource must be a mapping, not ")


@pytest.mark.parametrize("kind", [None, 1, ["User"], {}])
def test_a_kind_is_text(kind: Any) -> None:
    [complaint] = refused(a_document(kind=kind))
    assert complaint.startswith("kind: is required and must be text; one of ClusterConfig, ")


def test_an_unknown_kind_is_refused_with_the_nearest() -> None:
    assert refused(a_document(kind="Usr")) == ['kind: is no kind of resource; did you mean "User"?']
    assert refused(a_document(kind="service")) == [
        'kind: is no kind of resource; did you mean "Service"?'
    ]
    [complaint] = refused(a_document(kind="Deployment"))
    assert complaint.startswith("kind: is no kind of resource; one of ClusterConfig, Namespace")


def test_a_document_of_another_kind_is_refused() -> None:
    assert complaints(lambda: decode(Service, a_document())) != []
    assert "kind: must be Service" in complaints(lambda: decode(Service, a_document()))


def test_another_api_version_is_refused() -> None:
    assert refused(a_document(apiVersion="v2")) == ["apiVersion: must be core/v1"]


def test_an_unknown_key_is_refused_with_the_nearest() -> None:
    assert refused(a_document(spec={"type": "HUMAN", "gruops": ["dev"]})) == [
        'spec.gruops: unknown key; did you mean "groups"?'
    ]
    assert complaints(lambda: a_service(prot=80)) == [
        'spec.prot: unknown key; did you mean "port"?'
    ]


def test_snake_case_is_another_key() -> None:
    assert complaints(lambda: a_user(is_disabled=True)) == [
        'spec.is_disabled: unknown key; did you mean "isDisabled"?'
    ]


def test_an_unknown_key_far_from_any_lists_those_there_are() -> None:
    assert complaints(lambda: decode(Duration, {"fortnights": 1}))[1] == (
        "fortnights: unknown key;"
        " known keys: milliseconds, seconds, minutes, hours, days, weeks, months"
    )


def test_many_unknown_keys_are_counted() -> None:
    found = complaints(lambda: a_user(**{f"key{index}": 1 for index in range(1_000)}))
    assert len(found) == 21
    assert found[0] == "spec: has 980 more unknown keys"


def test_where_nothing_may_be_given_the_hint_says_so() -> None:
    document = {"kind": "Region", "metadata": {"name": "eu"}, "spec": {"zone": 1}}
    assert refused(document) == ["spec.zone: unknown key; nothing may be given here"]


def test_a_key_that_is_no_text_is_unknown() -> None:
    assert refused(a_document(spec={"type": "HUMAN", 1: 2, None: 3, 2.5: 4})) != []


def test_every_problem_is_reported_at_once() -> None:
    document = {
        "kind": "User",
        "metadata": {"name": "A"},
        "spec": {
            "type": "HUMEN",
            "groups": ["ok-name", 7, "No"],
            "isDisabled": "yes",
            "session": {"clientDuration": {"hours": 1, "days": 1}, "maxPerUsers": 1},
        },
        "specs": {},
    }
    assert [line.partition(":")[0] for line in refused(document)] == [
        "metadata.name",
        "spec.groups[1]",
        "spec.groups[2]",
        "spec.isDisabled",
        "spec.session.clientDuration",
        "spec.session.maxPerUsers",
        "spec.type",
        "specs",
    ]


def test_rules_between_fields_are_reported_beside_wrong_fields() -> None:
    found = complaints(lambda: a_service("SSH", isPublic=True, region=5))
    assert [line.partition(":")[0] for line in found] == ["spec.isPublic", "spec.region"]


@pytest.mark.parametrize(
    ("spec", "complaint"),
    [
        ({"isDisabled": "true"}, "isDisabled: must be true or false, not text"),
        ({"isDisabled": 1}, "isDisabled: must be true or false, not a number"),
        ({"email": 5}, "email: must be text, not a number; write it in quotes"),
        ({"email": True}, "email: must be text, not true or false; write it in quotes"),
        ({"groups": "dev"}, "groups: must be a list, not text"),
        ({"groups": {"dev": None}}, "groups: must be a list, not a mapping"),
        ({"session": []}, "session: must be a mapping, not a list"),
        ({"session": {"maxPerUser": "5"}}, "session.maxPerUser: must be a whole number, not text"),
        (
            {"session": {"maxPerUser": 5.0}},
            "session.maxPerUser: must be a whole number, not a number",
        ),
        (
            {"session": {"maxPerUser": True}},
            "session.maxPerUser: must be a whole number, not true or false",
        ),
        ({"session": None}, "session: has no value; give it one or remove the key"),
        ({"type": "HUMA"}, 'type: must be HUMAN or WORKLOAD; did you mean "HUMAN"?'),
        ({"type": "X"}, "type: must be HUMAN or WORKLOAD"),
        ({"type": 1}, "type: must be HUMAN or WORKLOAD"),
    ],
)
def test_types_are_strict_and_named_in_plain_words(spec: dict[str, Any], complaint: str) -> None:
    assert complaints(lambda: a_user(**spec)) == [f"spec.{complaint}"]


def test_required_parts_are_named() -> None:
    assert refused({"kind": "User"}) == ["metadata: is required", "spec: is required"]
    assert refused({"kind": "User", "metadata": {}, "spec": None}) == [
        "metadata.name: is required",
        "spec: has no value; give it one or remove the key",
    ]


def test_a_zero_value_is_as_good_as_absent() -> None:
    service = a_service(port=0, region="", isPublic=False)
    assert service == a_service()


def test_the_place_of_a_part_may_be_given() -> None:
    assert complaints(lambda: decode(Duration, {"hours": -1}, at="spec.retry.maxInterval")) == [
        "spec.retry.maxInterval.hours: must be at least 0"
    ]
    [complaint] = complaints(lambda: decode(Duration, {}, at="spec.window"))
    assert complaint.startswith("spec.window: needs exactly one of milliseconds, ")


def test_a_list_is_not_too_short_because_its_items_are_wrong() -> None:
    upstream = {"loadbalance": {"endpoints": [{}]}}
    assert complaints(lambda: a_service(config={"upstream": upstream})) == [
        "spec.config.upstream.loadbalance.endpoints[0].url: is required"
    ]


def test_resources_are_frozen() -> None:
    with pytest.raises(ValueError, match="frozen"):
        a_user().metadata.name = "bob"  # type: ignore[misc]


def test_an_error_holds_no_document() -> None:
    with pytest.raises(ConfigError) as caught:
        decode_resource(a_document(spec={"type": "s3cret"}))
    assert caught.value.__context__ is None
    assert caught.value.__cause__ is None
    assert "s3cret" not in str(caught.value)
