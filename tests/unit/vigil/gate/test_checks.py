"""The pre-policy checks, at the gate of a Service whose policies allow everybody."""

from __future__ import annotations

from typing import Any, ClassVar

import pytest

from config.resources.meta import Resource
from config.resources.service import ManagedService, Service
from policy.decision import Denied, Reason
from protocols.permit import Permit
from tests.harness.builders import (
    a_cluster_config,
    a_device,
    a_namespace,
    a_service,
    a_session,
    a_user,
)
from tests.harness.gates import ALLOW_ALL, Asked, a_gate, at
from vigil.gate.checks import CHECKS


def outcome(
    *more: Resource,
    session: dict[str, Any] | None = None,
    user: dict[str, Any] | None = None,
    service: Service | None = None,
    facts: dict[str, Any] | None = None,
) -> Permit | Denied:
    """Ask once, as alice's Session."""
    who = a_session(**(session or {}))
    gatehouse = a_gate(a_user(**(user or {})), who, *more, service=service)
    return gatehouse.ask(who, facts)


def reason(*more: Resource, **given: Any) -> Reason:
    answer = outcome(*more, **given)
    assert isinstance(answer, Denied)
    assert answer.is_authenticated
    return answer.reason


def test_the_table_is_numbered_in_its_order() -> None:
    assert [check.number for check in CHECKS] == list(range(1, 14))


def test_an_active_session_passes() -> None:
    assert isinstance(outcome(), Permit)


@pytest.mark.parametrize("state", ["PENDING", "REJECTED"])
def test_a_session_that_is_not_active_is_denied_with_its_state(state: str) -> None:
    answer = outcome(session={"state": state})
    assert isinstance(answer, Denied)
    assert answer.reason is Reason.SESSION_NOT_ACTIVE
    assert state in answer.detail


def test_an_expired_session_is_denied() -> None:
    assert reason(session={"expiresAt": at(0)}) is Reason.SESSION_EXPIRED
    assert isinstance(outcome(session={"expiresAt": at(1)}), Permit)


def test_an_access_token_older_than_the_session_allows_is_denied() -> None:
    def aged(seconds: int) -> dict[str, Any]:
        made = {"setAt": at(-seconds), "accessTokenDuration": {"hours": 1}}
        return {"status": {"authentication": made}}

    assert reason(session=aged(3600)) is Reason.ACCESS_TOKEN_EXPIRED
    assert isinstance(outcome(session=aged(3599)), Permit)


def test_a_locked_session_is_denied() -> None:
    assert reason(session={"status": {"isLocked": True}}) is Reason.SESSION_LOCKED


def test_a_locked_user_is_denied() -> None:
    assert reason(user={"status": {"isLocked": True}}) is Reason.USER_LOCKED


@pytest.mark.parametrize(
    ("action", "expected"),
    [
        ("AUTHENTICATION_REQUIRED", Reason.AUTHENTICATOR_AUTHENTICATION_REQUIRED),
        ("REGISTRATION_REQUIRED", Reason.AUTHENTICATOR_REGISTRATION_REQUIRED),
    ],
)
def test_a_required_authenticator_is_asked_for(action: str, expected: Reason) -> None:
    assert reason(session={"status": {"authenticatorAction": action}}) is expected


@pytest.mark.parametrize("action", ["AUTHENTICATION_RECOMMENDED", "REGISTRATION_RECOMMENDED"])
def test_a_recommended_authenticator_is_not_asked_for(action: str) -> None:
    assert isinstance(outcome(session={"status": {"authenticatorAction": action}}), Permit)


@pytest.mark.parametrize("state", ["PENDING", "REJECTED"])
def test_a_device_that_is_not_active_is_denied_though_policies_allow(state: str) -> None:
    session = {"device": "linux-alicebox"}
    assert reason(a_device(state=state), session=session) is Reason.DEVICE_NOT_ACTIVE


def test_an_active_device_passes() -> None:
    assert isinstance(outcome(a_device(), session={"device": "linux-alicebox"}), Permit)


def test_a_locked_device_is_denied() -> None:
    device = a_device(status={"isLocked": True})
    assert reason(device, session={"device": "linux-alicebox"}) is Reason.DEVICE_LOCKED


def test_a_disabled_user_is_denied() -> None:
    assert reason(user={"isDisabled": True}) is Reason.USER_DEACTIVATED


def test_a_clientless_session_may_use_public_services_only() -> None:
    session = {"status": {"type": "CLIENTLESS"}}
    private = a_service(isPublic=False, authorization=ALLOW_ALL)
    assert reason(session=session, service=private) is Reason.SESSION_CLIENT_TYPE_INVALID
    assert isinstance(outcome(session=session), Permit)


def test_a_client_session_may_use_private_services() -> None:
    private = a_service(isPublic=False, authorization=ALLOW_ALL)
    assert isinstance(outcome(service=private), Permit)


def test_the_first_failure_is_the_one_that_is_reported() -> None:
    session = {"state": "PENDING", "status": {"isLocked": True}}
    assert reason(session=session, user={"isDisabled": True}) is Reason.SESSION_NOT_ACTIVE
    locked = {"status": {"isLocked": True}}
    assert reason(session=locked, user={"isDisabled": True}) is Reason.SESSION_LOCKED


class TestAddressOfTheLogin:
    PINNED: ClassVar[dict[str, Any]] = {
        "status": {
            "type": "CLIENTLESS",
            "authentication": {"info": {"downstream": {"ipAddress": "192.0.2.1"}}},
        }
    }
    PINNING = a_cluster_config(ingress={"useForwardedForHeader": True})

    def test_another_address_is_denied_without_a_reason_type(self) -> None:
        facts = {"ip": "192.0.2.2"}
        answer = outcome(self.PINNING, session=self.PINNED, facts=facts)
        assert isinstance(answer, Denied)
        assert answer.reason is Reason.TYPE_UNKNOWN_REASON
        assert "address" in answer.detail

    def test_no_address_at_all_is_denied(self) -> None:
        assert reason(self.PINNING, session=self.PINNED) is Reason.TYPE_UNKNOWN_REASON

    def test_the_same_address_passes(self) -> None:
        facts = {"ip": "192.0.2.1"}
        assert isinstance(outcome(self.PINNING, session=self.PINNED, facts=facts), Permit)

    def test_it_does_not_matter_unless_the_cluster_says_so(self) -> None:
        facts = {"ip": "192.0.2.2"}
        assert isinstance(outcome(session=self.PINNED, facts=facts), Permit)

    def test_it_does_not_matter_where_no_address_was_recorded(self) -> None:
        session = {"status": {"type": "CLIENTLESS"}}
        assert isinstance(outcome(self.PINNING, session=session, facts={"ip": "x"}), Permit)

    def test_it_does_not_matter_for_a_client_session(self) -> None:
        session = {"status": {**self.PINNED["status"], "type": "CLIENT"}}
        assert isinstance(outcome(self.PINNING, session=session, facts={"ip": "x"}), Permit)


@pytest.mark.parametrize(
    ("scope", "is_covered"),
    [
        ("service:*", True),
        ("service:svc1.ns1", True),
        ("service:ns1/*", True),
        ("service:svc2.ns1", False),
        ("service:svc1", False),
        ("service:svc1.ns2", False),
        ("service:ns2/*", False),
        ("api:*", False),
        ("api:core", False),
    ],
)
def test_a_scope_narrows_what_the_session_may_reach(scope: str, is_covered: bool) -> None:
    service = a_service(name="svc1.ns1", isPublic=True, authorization=ALLOW_ALL)
    session = {"status": {"scopes": [scope]}}
    answer = outcome(a_namespace("ns1"), session=session, service=service)
    if is_covered:
        assert isinstance(answer, Permit)
    else:
        assert isinstance(answer, Denied)
        assert answer.reason is Reason.SCOPE_UNAUTHORIZED


def test_any_one_scope_is_enough() -> None:
    session = {"status": {"scopes": ["service:other", "service:web"]}}
    assert isinstance(outcome(session=session), Permit)


CREATE_USER = {
    "grpc": {"serviceFullName": "octelium.api.main.core.v1.MainService", "method": "CreateUser"}
}


@pytest.mark.parametrize(
    ("scope", "facts", "is_covered"),
    [
        ("api:*", CREATE_USER, True),
        ("api:core", CREATE_USER, True),
        ("api:core.MainService", CREATE_USER, True),
        ("api:core.MainService/CreateUser", CREATE_USER, True),
        ("api:core.MainService/DeleteUser", CREATE_USER, False),
        ("api:core.OtherService", CREATE_USER, False),
        ("api:user", CREATE_USER, False),
        ("api:*", {"http": {"path": "/"}}, False),
        ("api:core", {"grpc": {"serviceFullName": "core.v1.MainService", "method": "X"}}, False),
        ("api:core", {"grpc": {"serviceFullName": 7, "method": "X"}}, False),
    ],
)
def test_a_scope_narrows_which_methods_of_the_api_may_be_called(
    scope: str, facts: dict[str, Any], is_covered: bool
) -> None:
    api = a_service("GRPC", isPublic=True, port=443, authorization=ALLOW_ALL)
    status = api.status.model_copy(update={"managed_service": a_managed_service("apiserver")})
    session = {"status": {"scopes": [scope]}}
    answer = outcome(
        session=session, service=api.model_copy(update={"status": status}), facts=facts
    )
    assert isinstance(answer, Permit) is is_covered


def test_an_api_scope_does_not_cover_a_service_that_only_looks_like_the_api() -> None:
    impostor = a_service("GRPC", isPublic=True, port=443, authorization=ALLOW_ALL)
    session = {"status": {"scopes": ["api:*"]}}
    assert reason(session=session, service=impostor, facts=CREATE_USER) is Reason.SCOPE_UNAUTHORIZED


def a_managed_service(kind: str) -> Any:
    return ManagedService(type=kind)


def test_a_time_that_comes_is_noticed_by_a_gate_that_was_asked_before() -> None:
    session = a_session(expiresAt=at(10))
    gatehouse = a_gate(a_user(), session)
    who = gatehouse.principal(session)
    assert isinstance(gatehouse.gate.authorize(who, Asked()), Permit)
    gatehouse.clock.advance(10)
    answer = gatehouse.gate.authorize(who, Asked())
    assert isinstance(answer, Denied)
    assert answer.reason is Reason.SESSION_EXPIRED
