from __future__ import annotations

from config.resources.meta import Resource
from config.resources.session import Session
from policy.decision import Denied
from policy.principal import Principal
from tests.harness.builders import a_device, a_session, a_user
from tests.harness.snapshot import a_snapshot
from vigil.identity.principals import Principals


def resolved(*resources: Resource) -> Principal | Denied:
    snapshot = a_snapshot(*resources)
    (session,) = snapshot.all(Session)
    return Principals(snapshot).of_session(session.metadata.uid)


def why(*resources: Resource) -> str:
    answer = resolved(*resources)
    assert isinstance(answer, Denied)
    assert not answer.is_authenticated
    return answer.detail


def test_a_session_without_a_device_is_somebody() -> None:
    who = resolved(a_user(), a_session())
    assert isinstance(who, Principal)
    assert who.device is None


def test_a_session_of_a_user_who_does_not_exist_is_nobody() -> None:
    assert "User" in why(a_session(user="bob"))


def test_a_user_in_a_group_that_does_not_exist_is_nobody() -> None:
    assert "Group" in why(a_user(groups=["gone"]), a_session())


def test_a_session_on_a_device_that_does_not_exist_is_nobody() -> None:
    assert "Device" in why(a_user(), a_session(device="gone"))


def test_a_session_on_a_device_of_another_user_is_nobody() -> None:
    device = a_device(user="bob")
    assert "another User" in why(
        a_user(), a_user("bob"), device, a_session(device="linux-alicebox")
    )


def test_a_session_nobody_knows_is_nobody() -> None:
    answer = Principals(a_snapshot()).of_session("8d1c7f7e-0000-4000-8000-000000000000")
    assert isinstance(answer, Denied)
