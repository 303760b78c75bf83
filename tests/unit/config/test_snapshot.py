from __future__ import annotations

import dataclasses

import pytest

from config.errors import ConfigError
from config.resources.cluster_config import ClusterConfig
from config.resources.namespace import Namespace
from config.resources.service import Service
from config.resources.session import Session
from config.resources.user import User
from config.snapshot import Snapshot
from tests.harness.builders import (
    a_cluster_config,
    a_device,
    a_namespace,
    a_service,
    a_session,
    a_user,
)

ALICE = "6f6f2d0e-6f0b-4f0e-9a52-0d4f4c1a2b3c"
LAPTOP = "3b0e7a52-6d55-4d38-9f0e-0a8a44f5b1c2"


def test_a_resource_is_found_by_its_name_and_its_uid() -> None:
    alice = a_user("alice", metadata={"uid": ALICE})
    snapshot = Snapshot.of([alice, a_user("bob")])
    assert snapshot.get(User, "alice") is alice
    assert snapshot.by_uid(User, ALICE) is alice


def test_what_is_not_there_is_none() -> None:
    snapshot = Snapshot.of([a_user("alice")])
    assert snapshot.get(User, "bob") is None
    assert snapshot.get(Session, "alice") is None
    assert snapshot.by_uid(User, ALICE) is None
    assert snapshot.by_uid(User, "") is None
    assert snapshot.all(Session) == ()


def test_names_of_different_kinds_are_different() -> None:
    snapshot = Snapshot.of([a_user("web"), a_namespace("web")])
    assert isinstance(snapshot.get(User, "web"), User)
    assert isinstance(snapshot.namespace("web"), Namespace)


def test_a_service_is_found_with_and_without_the_default_namespace() -> None:
    web = a_service(name="web")
    snapshot = Snapshot.of([web, a_service(name="web.prod")])
    assert snapshot.get(Service, "web") is web
    assert snapshot.get(Service, "web.default") is web


def test_all_of_a_kind_come_in_the_order_of_declaration() -> None:
    snapshot = Snapshot.of([a_user("bob"), a_namespace("prod"), a_user("alice")])
    assert [user.metadata.name for user in snapshot.all(User)] == ["bob", "alice"]


def test_the_cluster_config_is_the_declared_one() -> None:
    snapshot = Snapshot.of([a_cluster_config(status={"domain": "example.com"})])
    assert snapshot.cluster_config.status.domain == "example.com"
    assert snapshot.all(ClusterConfig) == (snapshot.cluster_config,)


def test_without_a_declared_cluster_config_there_is_an_empty_one() -> None:
    snapshot = Snapshot.of([])
    assert snapshot.cluster_config.status.domain == "localhost"
    assert snapshot.cluster_config.spec.authorization is None


def test_references_by_name_get_the_uid_of_their_target() -> None:
    snapshot = Snapshot.of(
        [
            a_session("s1", status={"userRef": {"name": "alice"}, "deviceRef": {"name": "laptop"}}),
            a_device("laptop", status={"userRef": {"name": "alice"}}, metadata={"uid": LAPTOP}),
            a_user("alice", metadata={"uid": ALICE}),
        ]
    )
    session = snapshot.get(Session, "s1")
    assert session is not None
    assert session.status.user_ref is not None
    assert session.status.device_ref is not None
    assert (session.status.user_ref.uid, session.status.user_ref.kind) == (ALICE, "User")
    assert session.status.device_ref.uid == LAPTOP


def test_references_by_uid_get_the_name_of_their_target() -> None:
    snapshot = Snapshot.of(
        [
            a_session("s1", status={"userRef": {"uid": ALICE}}),
            a_user("alice", metadata={"uid": ALICE}),
        ]
    )
    (session,) = snapshot.all(Session)
    assert session.status.user_ref is not None
    assert session.status.user_ref.name == "alice"


def test_a_dangling_reference_stays_as_it_is() -> None:
    snapshot = Snapshot.of([a_session("s1", status={"userRef": {"name": "nobody"}})])
    (session,) = snapshot.all(Session)
    assert session.status.user_ref is not None
    assert (session.status.user_ref.name, session.status.user_ref.uid) == ("nobody", "")


def test_two_of_one_kind_and_name_are_refused() -> None:
    with pytest.raises(ConfigError, match='User "alice" is declared twice'):
        Snapshot.of([a_user("alice"), a_user("alice")])


def test_a_snapshot_does_not_change() -> None:
    snapshot = Snapshot.of([], revision=7)
    assert snapshot.revision == 7
    with pytest.raises(dataclasses.FrozenInstanceError):
        snapshot.revision = 8  # type: ignore[misc]  # what is refused here
