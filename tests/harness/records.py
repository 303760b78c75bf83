"""Finished requests to report: Records of a made-up Service and caller."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from typing import Any, cast

from config.resources.device import Device
from config.resources.service import Service
from config.resources.session import Session
from config.resources.user import User
from policy.decision import Allowed, Denied, Reason, RuleRef
from policy.principal import Caller, Principal
from protocols.api import Gate, Peer, Record
from protocols.permit import NoLogin, Permit

NOON = 1_800_000_000.0
LABELS = ("req.http.method", "req.http.status", "req.http.version", "req.http.stream")
GET = ("GET", "2xx", "HTTP11", "NONE")
A_RULE = RuleRef(
    "own-team", 2, "team", inline=False, owner_kind="Service", owner_name="web.default"
)
NO_MATCH = Denied(Reason.NO_POLICY_MATCH)
NOBODY = Denied(Reason.UNAUTHENTICATED, is_authenticated=False)


class ServiceOnly:
    """A gate as far as a log entry looks at it."""

    def __init__(self, service: Service) -> None:
        self.service = service


def a_service(**spec: Any) -> Service:
    """Build ``web.default``; ``spec`` is spelt as in YAML."""
    given = {
        "mode": "HTTP",
        "port": 8080,
        "isPublic": True,
        "config": {"upstream": {"url": "http://127.0.0.1:1"}},
        **spec,
    }
    metadata = {"name": "web.default", "uid": "5f6b6d8c-6a3c-4c53-9b0f-0d8f1f3b9a01"}
    return Service.model_validate({"metadata": metadata, "spec": given})


@cache
def _the_service() -> Service:
    return a_service()


def a_principal(*, state: str = "ACTIVE", device: bool = True) -> Principal:
    """Build Alice on her laptop."""
    user = User.model_validate({"metadata": {"name": "alice"}, "spec": {"type": "HUMAN"}})
    session = Session.model_validate(
        {
            "metadata": {"name": "alice-qkzmwp", "resourceVersion": "7"},
            "spec": {"state": state},
            "status": {"type": "CLIENT", "userRef": {"kind": "User", "name": "alice"}},
        }
    )
    laptop = Device.model_validate(
        {
            "metadata": {"name": "alice-laptop"},
            "spec": {"state": "ACTIVE"},
            "status": {"userRef": {"kind": "User", "name": "alice"}, "osType": "LINUX"},
        }
    )
    return Principal(session, user, (), laptop if device else None)


def a_permit(rule: RuleRef | None = A_RULE) -> Permit:
    """Build what the gate would have minted."""
    return Permit(Allowed(rule), (), NoLogin(), 1)


def a_record(
    verdict: Permit | Denied | None = None,
    *,
    who: Caller | None = None,
    service: Service | None = None,
    labels: tuple[str, ...] = GET,
    info: Callable[[], Mapping[str, Any]] = lambda: {"http": {"request": {"path": "/orders"}}},
    **more: Any,
) -> Record:
    """Build a request of one second that was allowed, unless said otherwise."""
    given = {"started": NOON, "ended": NOON + 1.0, **more}
    return Record(
        gate=cast("Gate", ServiceOnly(service or _the_service())),
        who=who,
        verdict=a_permit() if verdict is None else verdict,
        peer=Peer("203.0.113.9", 40_000, is_private=True),
        labels=labels,
        info=info,
        **given,
    )
