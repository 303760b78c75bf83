"""Who is calling, proven: the four resources that policy may ask about."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, ClassVar, Final, TypeAlias, final

from config.resources.device import Device
from config.resources.group import Group
from config.resources.session import Session
from config.resources.user import User
from policy.context import view


@final
class Principal:
    """An authenticated caller, frozen at one Generation; compared by identity.

    Only ``vigil.identity`` makes one. ``view`` is the caller's part of ``ctx``, converted once.
    """

    __slots__ = ("device", "groups", "session", "user", "view")

    def __init__(
        self, session: Session, user: User, groups: tuple[Group, ...], device: Device | None
    ) -> None:
        self.session: Final = session
        self.user: Final = user
        self.groups: Final = groups
        self.device: Final = device
        known: dict[str, Any] = {"user": view(user), "session": view(session)}
        known["groups"] = [view(group) for group in groups]
        if device is not None:
            known["device"] = view(device)
        self.view: Final = known

    def __repr__(self) -> str:
        return f"Principal({self.user.metadata.name}, {self.session.metadata.name})"


@final
class Anonymous:
    """The caller of a Service that asks for no identity; nothing of ``ctx`` is about it."""

    __slots__ = ()

    view: ClassVar[Mapping[str, Any]] = MappingProxyType({})

    def __repr__(self) -> str:
        return "Anonymous()"


ANONYMOUS: Final = Anonymous()
Caller: TypeAlias = Principal | Anonymous
