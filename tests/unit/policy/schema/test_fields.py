"""The schema of ctx says what ctx really holds."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from config.resources.mode import Mode
from policy.context import view
from policy.schema.fields import ELEMENT, Path, step, type_at
from policy.schema.kinds import FREE, ListOf, Message, Scalar
from policy.schema.requests import KEY_OF
from tests.harness.builders import a_device, a_service, a_session, a_user
from tests.harness.policies import a_policy, a_world, allow
from tests.harness.proxying import OK, Proxying, get

AUTHENTICATION = {
    "setAt": "2027-01-01T00:00:00Z",
    "accessTokenDuration": {"hours": 1},
    "info": {"aal": "AAL2", "geoip": {"country": {"code": "FR"}}},
}


def places(value: Any, at: Path) -> Iterator[tuple[Path, Any]]:
    yield at, value
    if isinstance(value, dict):
        for key, item in value.items():
            yield from places(item, (*at, key))
    elif isinstance(value, list):
        for item in value:
            yield from places(item, (*at, ELEMENT))


def test_everything_a_context_holds_is_known() -> None:
    world = a_world([a_policy("base")], service=allow())
    assert [at for at, _ in places(world.ctx(), ("ctx",)) if type_at(at) is None] == []


def test_what_a_present_message_lacks_is_optional_and_nothing_else_is() -> None:
    for at, value in places(a_world(service=allow()).ctx(), ("ctx",)):
        holder = type_at(at)
        if isinstance(holder, Message) and isinstance(value, dict):
            lacking = {key for key in holder.fields() if key not in value}
            assert all(holder.fields()[key].is_optional for key in lacking), (at, lacking)


@pytest.mark.parametrize(
    ("path", "is_optional"),
    [
        pytest.param("ctx.user", True, id="nobody calls"),
        pytest.param("ctx.service", False, id="the Service"),
        pytest.param("ctx.device.status", False, id="status is always there"),
        pytest.param("ctx.device.status.osType", False, id="an unset symbol is empty text"),
        pytest.param("ctx.device.status.posture", True, id="an absent message"),
        pytest.param("ctx.user.metadata.createdAt", True, id="an unset time has no zero"),
        pytest.param("ctx.user.spec.groups", False, id="a list"),
        pytest.param("ctx.user.metadata.labels", False, id="a map"),
        pytest.param("ctx.user.metadata.labels.x", True, id="a key of a map"),
        pytest.param("ctx.user.spec.attrs.x", True, id="a key of free JSON"),
        pytest.param("ctx.request.http", True, id="a mode"),
        pytest.param("ctx.request.http.body", True, id="a body"),
        pytest.param(
            "ctx.session.status.authentication.info.credential", True, id="an alternative"
        ),
        pytest.param(
            "ctx.session.status.authentication.accessTokenDuration.hours", True, id="a unit"
        ),
        pytest.param("attrs.x", True, id="attrs"),
    ],
)
def test_a_path_may_be_absent_where_context_leaves_it_out(path: str, is_optional: bool) -> None:
    *holder, key = path.split(".")
    held = type_at(tuple(holder))
    assert held is not None
    field = step(held, key)
    assert field is not None
    assert field.is_optional is is_optional


def test_symbols_are_closed_sets() -> None:
    os_type = type_at(("ctx", "device", "status", "osType"))
    assert isinstance(os_type, Scalar)
    assert "LINUX" in os_type.values


def test_secrets_are_no_part_of_it() -> None:
    assert type_at(("ctx", "secret")) is None


def test_every_mode_has_its_own_request_or_none() -> None:
    request = type_at(("ctx", "request"))
    assert isinstance(request, Message)
    assert set(request.fields()) == {"ip", *KEY_OF.values()}
    assert set(Mode) - set(KEY_OF) == {Mode.TCP, Mode.UDP}


async def test_what_http_says_of_a_request_is_known_and_complete() -> None:
    proxying = Proxying()
    client = proxying.client()
    upstream = await proxying.forward(client, get("/a?b=c", "X-One: 1", "x-one: 2"))
    upstream.feed(OK)
    (facts,) = proxying.gate.asked
    for at, _ in places(dict(facts), ("ctx", "request")):
        assert type_at(at) is not None, at
    http = type_at(("ctx", "request", "http"))
    assert isinstance(http, Message)
    always = {key for key, field in http.fields().items() if not field.is_optional}
    assert always <= set(facts["http"])


def test_groups_are_a_list_of_groups() -> None:
    groups = type_at(("ctx", "groups"))
    assert isinstance(groups, ListOf)
    assert type_at(("ctx", "groups", ELEMENT, "spec", "attrs", "x")) == FREE


def test_a_full_session_and_device_are_known() -> None:
    session = a_session(status={"authentication": AUTHENTICATION, "connection": {"type": "QUICV0"}})
    device = a_device(status={"posture": {"riskLevel": "LOW", "signals": {"av": "PASS"}}})
    user = a_user(info={"country": "FR"}, session={"clientDuration": {"hours": 1}})
    service = a_service(isPublic=True)
    for key, resource in (
        ("session", session),
        ("device", device),
        ("user", user),
        ("service", service),
    ):
        for at, _ in places(view(resource), ("ctx", key)):
            assert type_at(at) is not None, at
