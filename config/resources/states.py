"""States and types that several kinds share."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, TypeAlias

from pydantic import AfterValidator

from config.resources.model import Symbol, fault


class State(StrEnum):
    """Whether something may be used; only ACTIVE may."""

    ACTIVE = "ACTIVE"
    PENDING = "PENDING"
    REJECTED = "REJECTED"


class SessionType(StrEnum):
    """How the Session reaches Services: by tunnel and CLI, or by token and browser."""

    CLIENT = "CLIENT"
    CLIENTLESS = "CLIENTLESS"


def _refuse_rejected(state: State) -> State:
    if state is State.REJECTED:
        raise fault("must be ACTIVE or PENDING")
    return state


DefaultState: TypeAlias = Annotated[Symbol[State], AfterValidator(_refuse_rejected)]
