"""The Principals of one Snapshot: a Session with its User, Groups and Device, all or nothing."""

from __future__ import annotations

import ipaddress
from datetime import datetime
from typing import Final, TypeVar

from config.resources.device import Device
from config.resources.group import Group
from config.resources.meta import ObjectReference, Resource
from config.resources.session import Session
from config.resources.user import User
from config.snapshot import Snapshot
from policy.decision import Denied, Reason
from policy.principal import Principal

NEVER: Final = float("inf")

R = TypeVar("R", bound=Resource)


def unauthenticated(detail: str, reason: Reason = Reason.UNAUTHENTICATED) -> Denied:
    """Return the refusal of a caller who is nobody; ``detail`` is for the log alone."""
    return Denied(reason, detail=detail, is_authenticated=False)


def session_end(session: Session) -> float:
    """Return when the Session's own time is over, in epoch seconds."""
    return _seconds(session.spec.expires_at)


def token_end(session: Session) -> float:
    """Return when the Session's current access token is over, as the Session itself says."""
    authentication = session.status.authentication
    if authentication is None or authentication.access_token_duration is None:
        return NEVER
    if authentication.set_at is None:
        return NEVER
    return _seconds(authentication.set_at) + authentication.access_token_duration.seconds_total


def _seconds(at: datetime | None) -> float:
    return NEVER if at is None else at.timestamp()


class Principals:
    """Resolves Sessions of one Snapshot; each Session has one Principal as long as that lives."""

    def __init__(self, snapshot: Snapshot) -> None:
        self._snapshot = snapshot
        self._resolved: dict[str, Principal | Denied] = {}
        self._addresses: dict[str, str] | None = None

    def of_session(self, uid: str) -> Principal | Denied:
        """Return who a Session is. Its state and its time are other checks' business."""
        known = self._resolved.get(uid)
        if known is not None:
            return known
        session = self._snapshot.by_uid(Session, uid)
        if session is None:
            return unauthenticated("the Session does not exist")
        resolved = self._resolve(session)
        self._resolved[uid] = resolved
        return resolved

    def of_address(self, address: str) -> Principal | Denied:
        """Return whose tunnel address this is. An address of two Sessions is nobody's."""
        try:
            known = str(ipaddress.ip_address(address))
        except ValueError:
            return unauthenticated("the peer's address is no IP address")
        uid = self._by_address().get(known, "")
        if not uid:
            return unauthenticated("no Session holds the peer's tunnel address")
        return self.of_session(uid)

    def _resolve(self, session: Session) -> Principal | Denied:
        user = self._find(User, session.status.user_ref)
        if user is None:
            return unauthenticated("the Session's User does not exist")
        groups = tuple(self._snapshot.get(Group, name) for name in user.spec.groups)
        if None in groups:
            return unauthenticated("a Group of the Session's User does not exist")
        device = None
        if session.status.device_ref is not None:
            device = self._find(Device, session.status.device_ref)
            if device is None:
                return unauthenticated("the Session's Device does not exist")
            if not self._owns(user, device):
                return unauthenticated("the Session's Device belongs to another User")
        return Principal(session, user, tuple(g for g in groups if g is not None), device)

    def _owns(self, user: User, device: Device) -> bool:
        owner = self._find(User, device.status.user_ref)
        return owner is not None and owner.metadata.name == user.metadata.name

    def _find(self, kind: type[R], reference: ObjectReference | None) -> R | None:
        """Follow a reference: by uid where it has one, so that a reused name is not followed."""
        if reference is None:
            return None
        if reference.uid:
            return self._snapshot.by_uid(kind, reference.uid)
        return self._snapshot.get(kind, reference.name) if reference.name else None

    def _by_address(self) -> dict[str, str]:
        if self._addresses is None:
            self._addresses = _address_owners(self._snapshot)
        return self._addresses


def _address_owners(snapshot: Snapshot) -> dict[str, str]:
    owners: dict[str, str] = {}
    for session in snapshot.all(Session):
        for address in _tunnel_addresses(session):
            taken = owners.setdefault(address, session.metadata.uid)
            if taken != session.metadata.uid:
                owners[address] = ""
    return owners


def _tunnel_addresses(session: Session) -> set[str]:
    connection = session.status.connection
    given = connection.addresses if connection is not None else ()
    texts = (text for pair in given for text in (pair.v4, pair.v6) if text)
    return {str(ipaddress.ip_interface(text).ip) for text in texts}
