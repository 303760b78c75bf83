from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from config.errors import ConfigError, Severity
from config.resources.device import Device
from config.resources.namespace import Namespace
from config.resources.policy import Policy
from config.resources.region import Region
from config.resources.secret import Secret
from config.resources.service import Service
from config.resources.session import Session
from config.resources.user import User
from config.sources import tree
from config.sources.files import Loaded, load
from config.yamlfile import MAX_FILE_BYTES
from tests.harness.resources import (
    Resources,
    a_device,
    a_policy,
    a_secret,
    a_service,
    a_session,
    a_user,
    allow,
    document,
)

UID = "6f6f2d0e-6f0b-4f0e-9a52-0d4f4c1a2b3c"


@pytest.fixture
def resources(tmp_path: Path) -> Resources:
    return Resources(tmp_path / "resources")


def refusal(source: Path) -> list[str]:
    """Return the problems of a directory that must be refused, relative to the directory."""
    with pytest.raises(ConfigError) as caught:
        load(source)
    return [str(problem).replace(f"{source}/", "") for problem in caught.value.problems]


def warnings(loaded: Loaded, source: Path) -> list[str]:
    return [str(problem).replace(f"{source}/", "") for problem in loaded.warnings]


def the_session(loaded: Loaded, name: str = "s1") -> Session:
    session = loaded.snapshot.get(Session, name)
    assert session is not None
    return session


def test_a_directory_is_read_with_everything_below_it(resources: Resources) -> None:
    resources.write("users", a_user("alice"), a_user("bob"))
    (resources.path / "more" / "deep").mkdir(parents=True)
    (resources.path / "more" / "deep" / "policies.yml").write_text(
        "kind: Policy\nmetadata: {name: staff}\nspec: {}\n"
    )
    snapshot = load(resources.path).snapshot
    assert [user.metadata.name for user in snapshot.all(User)] == ["alice", "bob"]
    assert snapshot.get(Policy, "staff") is not None


def test_a_single_file_is_read_whatever_it_is_called(tmp_path: Path) -> None:
    file = tmp_path / "everything.txt"
    file.write_text("kind: User\nmetadata: {name: alice}\nspec: {type: HUMAN}\n")
    assert load(file).snapshot.get(User, "alice") is not None


def test_other_files_and_hidden_ones_are_passed_over(resources: Resources) -> None:
    resources.write("users", a_user("alice"))
    for name in (".hidden.yaml", "README.md", "users.yaml~", ".#users.yaml"):
        (resources.path / name).write_text("[[[")
    for name in (".vigil", ".git"):
        (resources.path / name).mkdir()
        (resources.path / name / "key.yaml").write_text("[[[")
    (resources.path / "nowhere.md").symlink_to("/does/not/exist")
    assert len(load(resources.path).snapshot.all(User)) == 1


def test_symbolic_links_are_followed_and_loops_are_harmless(
    resources: Resources, tmp_path: Path
) -> None:
    elsewhere = Resources(tmp_path / "elsewhere")
    elsewhere.write("users", a_user("alice"))
    (elsewhere.path / "back").symlink_to(resources.path)
    (resources.path / "linked").symlink_to(elsewhere.path)
    (resources.path / "again").symlink_to(elsewhere.path)
    (resources.path / "self").symlink_to(".")
    assert len(load(resources.path).snapshot.all(User)) == 1


def test_what_every_cluster_has_is_there_undeclared(resources: Resources) -> None:
    snapshot = load(resources.path).snapshot
    assert [each.metadata.name for each in snapshot.all(Namespace)] == ["default"]
    assert [each.metadata.name for each in snapshot.all(Region)] == ["default"]
    assert snapshot.cluster_config.status.domain == "localhost"
    assert snapshot.cluster_config.metadata.uid


def test_what_is_declared_replaces_what_is_there_undeclared(resources: Resources) -> None:
    resources.write(
        "cluster",
        document("Namespace", "default", {"attrs": {"tier": "gold"}}),
        document("ClusterConfig", "anything", {}, {"domain": "example.com"}),
    )
    snapshot = load(resources.path).snapshot
    (namespace,) = snapshot.all(Namespace)
    assert namespace.spec.attrs == {"tier": "gold"}
    assert snapshot.cluster_config.status.domain == "example.com"


def test_a_session_is_complete_from_names_alone(resources: Resources) -> None:
    resources.write(
        "all",
        a_session("s1", "alice", device="laptop"),
        a_device("laptop", "alice"),
        a_user("alice"),
    )
    loaded = load(resources.path)
    session, device = the_session(loaded), loaded.snapshot.get(Device, "laptop")
    alice = loaded.snapshot.get(User, "alice")
    assert device is not None
    assert alice is not None
    assert session.status.user_ref is not None
    assert session.status.user_ref.uid == alice.metadata.uid
    assert session.status.device_ref is not None
    assert session.status.device_ref.uid == device.metadata.uid
    assert device.status.user_ref is not None
    assert device.status.user_ref.uid == alice.metadata.uid
    assert loaded.snapshot.by_uid(Session, session.metadata.uid) is session
    assert session.status.authentication is not None
    assert session.status.authentication.token_id
    assert session.status.authentication.set_at is not None
    assert session.metadata.created_at is not None


def test_no_end_is_made_up_for_a_session(resources: Resources) -> None:
    resources.write("all", a_session("s1", "alice"), a_user("alice"))
    session = the_session(load(resources.path))
    assert session.spec.expires_at is None
    assert session.status.authentication is not None
    assert session.status.authentication.access_token_duration is None


def test_declared_identifiers_and_times_are_kept(resources: Resources) -> None:
    authentication = {"tokenID": UID, "setAt": "2026-01-02T03:04:05Z"}
    session = a_session("s1", "alice", authentication=authentication)
    session["metadata"] |= {"uid": UID.replace("6", "7"), "createdAt": "2026-01-02T03:04:05Z"}
    resources.write("all", session, a_user("alice"))
    kept = the_session(load(resources.path))
    assert kept.metadata.uid == UID.replace("6", "7")
    assert kept.metadata.created_at is not None
    assert kept.metadata.created_at.year == 2026
    assert kept.status.authentication is not None
    assert kept.status.authentication.token_id == UID
    assert kept.status.authentication.set_at == kept.metadata.created_at


def test_a_token_lifetime_gets_no_beginning_that_would_have_ended_it(resources: Resources) -> None:
    authentication = {"accessTokenDuration": {"hours": 1}}
    session = a_session("s1", "alice", authentication=authentication)
    resources.write("all", session, a_user("alice"))
    kept = the_session(load(resources.path))
    assert kept.status.authentication is not None
    assert kept.status.authentication.set_at is None


def test_derived_identifiers_follow_from_kind_and_name(resources: Resources) -> None:
    resources.write(
        "one", a_user("alice"), a_session("s1", "alice"), document("Group", "alice", {})
    )
    first = load(resources.path)
    resources.write("one", a_user("bob"))
    resources.write("two", document("Group", "alice", {}), a_session("s1", "alice"))
    resources.write("three", a_user("alice", email="a@example.com"))
    second = load(resources.path)
    assert the_session(first).metadata.uid == the_session(second).metadata.uid
    assert the_session(first).status.authentication == the_session(second).status.authentication
    assert len(set(_uids(second))) == len(_uids(second))


def _uids(loaded: Loaded) -> list[str]:
    kinds = (User, Session, Namespace, Region)
    return [each.metadata.uid for kind in kinds for each in loaded.snapshot.all(kind)]


def test_another_process_derives_the_same(resources: Resources) -> None:
    resources.write("all", a_user("alice"), a_session("s1", "alice"))
    ask = (
        "import sys, pathlib; from config.sources.files import load;"
        "from config.resources.session import Session;"
        "s = load(pathlib.Path(sys.argv[1])).snapshot.get(Session, 's1');"
        "print(s.metadata.uid, s.status.authentication.token_id)"
    )
    command = [sys.executable, "-c", ask, str(resources.path)]
    answer = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()
    session = the_session(load(resources.path))
    assert session.status.authentication is not None
    assert answer == [session.metadata.uid, session.status.authentication.token_id]


def test_the_status_of_other_kinds_is_ignored_with_a_warning(resources: Resources) -> None:
    resources.write(
        "all",
        a_user("alice") | {"status": {"isLocked": True}},
        a_service("web", 80, "http://127.0.0.1:9") | {"status": {"fromSecret": "nope", "odd": [1]}},
        document("ClusterConfig", "x", {}, {"domain": "example.com", "network": {}, "odd": 1}),
        document("Group", "sre", {}, {}),
    )
    loaded = load(resources.path)
    alice = loaded.snapshot.get(User, "alice")
    assert alice is not None
    assert not alice.status.is_locked
    assert {problem.severity for problem in loaded.warnings} == {Severity.WARNING}
    assert warnings(loaded, resources.path) == [
        "all.yaml:6: warning: status: is ignored; only the Cluster writes it",
        "all.yaml:18: warning: status: is ignored; only the Cluster writes it",
        "all.yaml:29: warning: status.network: is ignored; only the Cluster writes it",
        "all.yaml:30: warning: status.odd: is ignored; only the Cluster writes it",
    ]


def test_a_secret_holds_what_was_declared(resources: Resources) -> None:
    resources.write("all", a_secret("token", "hunter2"))
    secret = load(resources.path).snapshot.get(Secret, "token")
    assert secret is not None
    assert secret.data.reveal() == b"hunter2"


def test_empty_documents_and_policy_tests_are_passed_over(resources: Resources) -> None:
    resources.write_text(
        "all",
        "---\n# nothing\n---\nkind: PolicyTest\nodd: [1]\n---\nkind: Group\n"
        "metadata: {name: sre}\nspec: {}\n---\n",
    )
    assert load(resources.path).warnings == ()


def test_a_directory_without_resources_is_worth_a_warning(resources: Resources) -> None:
    (warning,) = load(resources.path).warnings
    assert str(warning) == f"{resources.path}: warning: holds no resources"


def test_every_error_of_every_file_is_reported_at_once_in_order(resources: Resources) -> None:
    resources.write_text(
        "b",
        "kind: User\nmetadata: {name: alice}\nspec: {type: HUMAN, grops: [sre]}\n"
        "---\nkind: Usr\nmetadata: {name: bob}\nspec: {}\n"
        "---\nkind: Group\nmetadata: {name: sre\n"
        "---\n- a list\n",
    )
    resources.write_text(
        "a",
        "kind: Policy\nmetadata:\n  name: leaf.parent\nspec: {}\nspec: {}\n"
        "---\nkind: User\nmetadata: {name: carol}\n"
        "spec:\n  type: HUMAN\n  isDisable: true\n  authorization:\n    policies: [nope]\n",
    )
    assert refusal(resources.path) == [
        'a.yaml:3: metadata.name: needs its parent Policy "parent", which does not exist',
        'a.yaml:5: the key "spec" is there twice; first on line 4',
        'a.yaml:11: spec.isDisable: unknown key; did you mean "isDisabled"?',
        'a.yaml:13: spec.authorization.policies[0]: names Policy "nope", which does not exist',
        'b.yaml:3: spec.grops: unknown key; did you mean "groups"?',
        'b.yaml:5: kind: is no kind of resource; did you mean "User"?',
        "b.yaml:11: metadata: ',' or '}' was expected here (see line 10)",
        "b.yaml:12: a resource must be a mapping, not a list",
    ]


def test_a_broken_document_still_exists_for_the_others(resources: Resources) -> None:
    resources.write_text("broken", "kind: Policy\nmetadata: {name: staff}\nspec: {rules: [")
    resources.write_text(
        "more",
        "kind: Service\nmetadata: {name: web}\nspec: {mode: HTTPS}\n"
        "---\nkind: ClusterConfig\nspec: [1\n",
    )
    resources.write("users", a_user("alice", authorization={"policies": ["staff"]}))
    assert [line.split(":")[0] for line in refusal(resources.path)] == [
        "broken.yaml",
        "more.yaml",
        "more.yaml",
        "more.yaml",
    ]


def test_a_name_declared_twice_is_refused_with_both_places(resources: Resources) -> None:
    resources.write("a", a_user("alice"), a_service("web", 80, "http://127.0.0.1:9"))
    resources.write("b", a_user("alice"), a_service("web.default", 80, "http://127.0.0.1:9"))
    assert refusal(resources.path) == [
        'b.yaml:3: metadata.name: User "alice" is declared twice; first at a.yaml:3',
        'b.yaml:9: metadata.name: Service "web.default" is declared twice; first at a.yaml:9',
    ]


def test_a_problem_is_not_said_twice_of_one_place(resources: Resources) -> None:
    resources.write("a", a_policy("leaf.x", allow()))
    (problem,) = refusal(resources.path)
    assert "2 to 40 characters" in problem


def test_no_problem_shows_a_secret(resources: Resources) -> None:
    resources.write_text(
        "all",
        "kind: Secret\nmetadata: {name: one}\nspec: {}\ndata: hunter2\n"
        "---\nkind: Secret\nmetadata: {name: two}\nspec: {}\ndata: {value: a, valu: hunter2}\n"
        "---\nkind: Secret\nmetadata: {name: three}\nspec: {}\ndata: {value: 0777}\n"
        "---\nkind: Secret\nmetadata: {name: four}\nspec: {}\ndata: {value: !x hunter2}\n"
        "---\nkind: Secret\nmetadata: {name: five}\nspec: {}\ndata: {valueBytes: 'hunter2'}\n"
        '---\nkind: Secret\nmetadata: {name: six}\nspec: {}\ndata: {value: "hunter2\n',
    )
    text = "\n".join(refusal(resources.path))
    assert len(text.splitlines()) >= 6
    assert "hunter" not in text
    assert "777" not in text


def test_what_cannot_be_read_is_refused(resources: Resources, tmp_path: Path) -> None:
    resources.write("users", a_user("alice"))
    (resources.path / "gone.yaml").symlink_to("/does/not/exist")
    os.mkfifo(resources.path / "pipe.yaml")
    (resources.path / "large.yaml").write_bytes(b"#" * (MAX_FILE_BYTES + 1))
    assert refusal(resources.path) == [
        "gone.yaml: cannot be read: No such file or directory",
        "large.yaml:1: the file is larger than 10000000 bytes; split it",
        "pipe.yaml: is not a regular file",
    ]
    (problem,) = refusal(tmp_path / "absent")
    assert problem.endswith("cannot be read: No such file or directory")


def test_a_directory_of_too_much_is_refused(
    resources: Resources, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("a", "b", "c"):
        resources.write(name, a_user(name * 2))
    (resources.path / "sub").mkdir()
    monkeypatch.setattr(tree, "MAX_BYTES", 100)
    assert "bytes together" in "\n".join(refusal(resources.path))
    monkeypatch.setattr(tree, "MAX_FILES", 2)
    assert "more than 2 resource files" in "\n".join(refusal(resources.path))


def test_a_file_whose_name_is_no_unicode_can_be_reported(resources: Resources) -> None:
    Path(os.fsdecode(bytes(resources.path) + b"/\xff.yaml")).write_text("[")
    (problem,) = refusal(resources.path)
    assert problem.startswith("\\xff.yaml:")


def test_the_services_of_a_directory_are_there(resources: Resources) -> None:
    resources.write("all", a_service("web", 80, "http://127.0.0.1:9"))
    loaded = load(resources.path, revision=7)
    assert loaded.snapshot.get(Service, "web") is not None
    assert loaded.snapshot.revision == 7
