"""Who asks in a case: a declared Session, or Users, Sessions and Devices that exist for it alone.

Those are added to the Snapshot, so that the gate finds, checks and refuses them like any other.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final, TypeVar

from config.errors import ConfigError, Problem
from config.kinds import KINDS
from config.policy_test import Case, MadeDevice, MadeSession, MadeUser
from config.resources.device import Device, DeviceSpec, DeviceStatus
from config.resources.group import Group
from config.resources.meta import Metadata, ObjectReference, Resource
from config.resources.model import Model, nearest
from config.resources.service import Service
from config.resources.session import Session, SessionSpec, SessionStatus
from config.resources.user import User, UserSpec
from config.snapshot import Snapshot
from config.sources.derive import complete
from config.sources.policy_tests import PlacedCase
from policy.decision import Reason
from vigil.rehearsal.facts import faults

SOMEBODY: Final = "somebody"
_M = TypeVar("_M", bound=Model)
_R = TypeVar("_R", bound=Resource)


def check(placed: PlacedCase, snapshot: Snapshot) -> None:
    """Raise ConfigError for every name in the case that stands for nothing."""
    if problems := list(_problems(placed, snapshot)):
        raise ConfigError(problems)


def cast(case: Case, snapshot: Snapshot) -> tuple[Resource, ...]:
    """Return the resources to add for the case; its Session comes last."""
    if case.user is None:
        return ()
    user = _user(case, snapshot)
    made: list[Resource] = [user]
    device = _device(case, user, snapshot)
    if isinstance(case.device, MadeDevice) and device is not None:
        made.append(device)
    made.append(_session(case, user, device))
    return tuple(complete(each) for each in made)


def extended(snapshot: Snapshot, made: Iterable[Resource]) -> Snapshot:
    """Return the Snapshot with these resources, in the place of any of the same name."""
    resources = {
        (each.kind, each.metadata.name): each
        for model in KINDS.values()
        for each in snapshot.all(model)
    }
    resources |= {(each.kind, each.metadata.name): each for each in made}
    return Snapshot.of(resources.values(), snapshot.revision)


def _problems(placed: PlacedCase, snapshot: Snapshot) -> Iterator[Problem]:
    case = placed.case
    named: list[tuple[str, type[Resource], object]] = [
        ("session", Session, case.session),
        ("user", User, case.user),
        ("device", Device, case.device),
        ("service", Service, case.service),
    ]
    named += [(f"groups[{index}]", Group, name) for index, name in enumerate(case.groups or ())]
    if isinstance(case.user, MadeUser):
        groups = enumerate(case.user.groups)
        named += [(f"user.groups[{index}]", Group, name) for index, name in groups]
    for key, kind, name in named:
        if isinstance(name, str) and snapshot.get(kind, name) is None:
            known = (each.metadata.name for each in snapshot.all(kind))
            hint = _meant(name, known)
            yield placed.problem(key, f'names {kind.kind} "{name}", which does not exist', hint)
    service = snapshot.get(Service, case.service)
    if service is not None:
        for at, message, hint in faults(case.request, service.spec.mode):
            yield placed.problem(at, message, hint)
    reason = case.expect.reason
    if reason and reason not in Reason.__members__:
        hint = _meant(reason, Reason.__members__) or f"one of {', '.join(Reason.__members__)}"
        yield placed.problem("expect.reason", "is no reason", hint)


def _meant(given: str, known: Iterable[str]) -> str:
    found = nearest(given, known)
    return f'did you mean "{found}"?' if found else ""


def _user(case: Case, snapshot: Snapshot) -> User:
    if isinstance(case.user, MadeUser):
        spec = _filled(UserSpec(type=case.user.type), case.user)
        user = User(metadata=Metadata(name=SOMEBODY), spec=spec)
    else:
        user = _declared(snapshot, User, case.user)
    if case.groups is None:
        return user
    spec = user.spec.model_copy(update={"groups": case.groups})
    return user.model_copy(update={"spec": spec})


def _device(case: Case, user: User, snapshot: Snapshot) -> Device | None:
    if case.device is None:
        return None
    if not isinstance(case.device, MadeDevice):
        return _declared(snapshot, Device, case.device)
    status = _filled(DeviceStatus(), case.device).model_copy(update={"user_ref": _reference(user)})
    spec = DeviceSpec(state=case.device.state)
    metadata = Metadata(name=f"{user.metadata.name}-device")
    return Device(metadata=metadata, spec=spec, status=status)


def _session(case: Case, user: User, device: Device | None) -> Session:
    made = case.session if isinstance(case.session, MadeSession) else MadeSession()
    references = {"type": made.type, "user_ref": _reference(user)}
    if device is not None:
        references["device_ref"] = _reference(device)
    return Session(
        metadata=Metadata(name=f"{user.metadata.name}-session"),
        spec=_filled(SessionSpec(state=made.state), made),
        status=_filled(SessionStatus(), made).model_copy(update=references),
    )


def _filled(model: _M, made: Model) -> _M:
    """Return the model with what is given of it."""
    given = made.model_fields_set & type(model).model_fields.keys()
    return model.model_copy(update={name: getattr(made, name) for name in given})


def _reference(resource: Resource) -> ObjectReference:
    return ObjectReference(name=resource.metadata.name)


def _declared(snapshot: Snapshot, kind: type[_R], name: str | None) -> _R:
    found = snapshot.get(kind, name or "")
    assert found is not None, "checked before"
    return found
