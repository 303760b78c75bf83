"""The pre-policy checks, each over a real request (spec/data-plane.md §1.3, §1.4)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import pytest

from tests.harness.cases import Case
from tests.harness.processes import free_port
from tests.harness.resources import Document, Resources, document
from tests.harness.running import Vigil, up

_AUTHENTICATOR: Final = "authenticatorAction"
_LONG_AGO: Final = "2020-01-01T00:00:00Z"


def _refused(name: str, reason: str, **declared: Document) -> Case:
    return Case(name=name, status=403, reason=reason, **declared)  # type: ignore[arg-type]  # every keyword is a Document here


def _allowed(name: str, **declared: Document) -> Case:
    return Case(name=name, status=200, reason="POLICY_MATCH", rule="all", **declared)  # type: ignore[arg-type]  # as above


CASES: Final = [
    _refused("a05-pending-session", "SESSION_NOT_ACTIVE", session={"state": "PENDING"}),
    _refused("a05-rejected-session", "SESSION_NOT_ACTIVE", session={"state": "REJECTED"}),
    _allowed("a05-active-session"),
    _refused("a06-locked-session", "SESSION_LOCKED", session_status={"isLocked": True}),
    _refused(
        "a07-login-factor-wanted",
        "AUTHENTICATOR_AUTHENTICATION_REQUIRED",
        session_status={_AUTHENTICATOR: "AUTHENTICATION_REQUIRED"},
    ),
    _refused(
        "a07-factor-registration-wanted",
        "AUTHENTICATOR_REGISTRATION_REQUIRED",
        session_status={_AUTHENTICATOR: "REGISTRATION_REQUIRED"},
    ),
    _allowed(
        "a07-factor-recommended", session_status={_AUTHENTICATOR: "AUTHENTICATION_RECOMMENDED"}
    ),
    _allowed(
        "a07-registration-recommended", session_status={_AUTHENTICATOR: "REGISTRATION_RECOMMENDED"}
    ),
    _refused("a08-pending-device", "DEVICE_NOT_ACTIVE", device={"state": "PENDING"}),
    _refused("a08-rejected-device", "DEVICE_NOT_ACTIVE", device={"state": "REJECTED"}),
    _refused("a08-device-without-a-state", "DEVICE_NOT_ACTIVE", device={"state": None}),
    _refused("a08-locked-device", "DEVICE_LOCKED", device_status={"isLocked": True}),
    _allowed("a08-active-device", device={"state": "ACTIVE"}),
    _allowed("a08-no-device"),
    _refused("a09-disabled-user", "USER_DEACTIVATED", user={"isDisabled": True}),
    _refused(
        "a10-clientless-session",
        "SESSION_CLIENT_TYPE_INVALID",
        session_status={"type": "CLIENTLESS"},
    ),
    _refused(
        "a12-scope-of-another-service",
        "SCOPE_UNAUTHORIZED",
        session_status={"scopes": ["service:other"]},
    ),
    _allowed(
        "a12-scope-of-this-service",
        session_status={"scopes": ["service:a12-scope-of-this-service"]},
    ),
    _allowed("a12-scope-of-all", session_status={"scopes": [{"service": {"all": {}}}]}),
    Case(
        name="a12-scope-of-the-namespace",
        namespace="scoped",
        status=200,
        reason="POLICY_MATCH",
        rule="all",
        session_status={"scopes": ["service:scoped/*"]},
        more=(document("Namespace", "scoped", {}),),
    ),
    _refused(
        "a12-scope-of-the-api",
        "SCOPE_UNAUTHORIZED",
        session_status={"scopes": ["api:*"]},
    ),
]


@pytest.fixture(scope="module")
def ports() -> dict[str, int]:
    return {case.name: free_port() for case in CASES}


@pytest.fixture(scope="module")
def vigil(
    tmp_path_factory: pytest.TempPathFactory, app_url: str, ports: dict[str, int]
) -> Iterator[Vigil]:
    place = tmp_path_factory.mktemp("checks")
    resources = Resources(place / "resources")
    for case in CASES:
        resources.write(case.name, *case.resources(ports[case.name], app_url))
    with up(resources, place, ports=ports.values()) as process:
        yield process


@pytest.mark.parametrize("case", [pytest.param(case, id=case.id) for case in CASES])
def test_a_pre_policy_check_decides(vigil: Vigil, ports: dict[str, int], case: Case) -> None:
    answer = vigil.get(ports[case.name], f"/{case.name}", session=case.name)
    assert answer.status == case.status
    common = vigil.entry(f"/{case.name}")["common"]
    assert common["reason"]["type"] == case.reason
    assert common["status"] == ("ALLOWED" if case.status == 200 else "DENIED")


def test_the_state_of_a_refused_session_is_in_the_log(vigil: Vigil, ports: dict[str, int]) -> None:
    vigil.get(ports["a05-rejected-session"], "/state", session="a05-rejected-session")
    reason = vigil.entry("/state")["common"]["reason"]
    assert reason["details"]["sessionNotActive"]["state"] == "REJECTED"


def test_a_refusal_says_nothing_to_the_client_but_its_mark(
    vigil: Vigil, ports: dict[str, int]
) -> None:
    answer = vigil.get(ports["a08-pending-device"], "/", session="a08-pending-device")
    assert answer.header("x-octelium-unauthorized") == "true"
    assert answer.body == b""


def _approve(case: Case, kind: str, port: int, upstream: str, **change: object) -> list[Document]:
    documents = case.resources(port, upstream)
    for given in documents:
        if given["kind"] == kind:
            part = "status" if "isLocked" in change else "spec"
            given[part].update(change)
    return documents


@pytest.mark.parametrize(
    ("name", "kind", "change"),
    [
        pytest.param("a05-pending-session", "Session", {"state": "ACTIVE"}, id="A05-session"),
        pytest.param("a06-locked-session", "Session", {"isLocked": False}, id="A06-lock"),
        pytest.param("a08-rejected-device", "Device", {"state": "ACTIVE"}, id="A08-device"),
        pytest.param("a09-disabled-user", "User", {"isDisabled": False}, id="A09-user"),
        pytest.param("a10-clientless-session", "Service", {"isPublic": True}, id="A10-service"),
    ],
)
def test_the_next_request_is_allowed_once_the_cause_is_gone(
    vigil: Vigil, ports: dict[str, int], app_url: str, *, name: str, kind: str, change: Document
) -> None:
    case = next(case for case in CASES if case.name == name)
    port = ports[name]
    vigil.token(name)
    vigil.resources.write(name, *_approve(case, kind, port, app_url, **change))
    try:
        vigil.eventually("grant", lambda: vigil.status(port, name) == 200)
    finally:
        vigil.resources.write(name, *case.resources(port, app_url))
    vigil.eventually("refusal", lambda: vigil.status(port, name) == 403)
