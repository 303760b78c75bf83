"""PolicyTest: what policies are expected to decide, for ``vigil test`` and nobody else.

It is declared like a resource and lies beside them, but the Cluster knows no such kind.
"""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Self, TypeVar

from pydantic import Field, PlainValidator, model_validator

from config.resources.device import OSType, Posture
from config.resources.meta import Resource
from config.resources.model import Many, Model, Symbol, fault, fault_at
from config.resources.rules import Effect
from config.resources.scalars import Attrs, Name, ServiceName, Text, Timestamp
from config.resources.scope import ScopeItem
from config.resources.session import Authentication, AuthenticatorAction
from config.resources.states import SessionType, State
from config.resources.user import UserSpec, UserType

_M = TypeVar("_M", bound=Model)


class MadeUser(UserSpec):
    """A User who exists for one case, spelt as the ``spec`` of a User."""

    type: Symbol[UserType] = UserType.HUMAN


class MadeSession(Model):
    """A Session for one case: what is decided by of a Session's ``spec`` and ``status``."""

    state: Symbol[State] = State.ACTIVE
    expires_at: Timestamp | None = None
    type: Symbol[SessionType] = SessionType.CLIENT
    is_browser: bool = False
    is_locked: bool = False
    authentication: Authentication | None = None
    authenticator_action: Symbol[AuthenticatorAction] | None = None
    scopes: Many[ScopeItem] = ()
    ext: Attrs = Field(default_factory=dict)


class MadeDevice(Model):
    """A Device for one case, owned by its User; approved unless ``state`` says otherwise."""

    state: Symbol[State] = State.ACTIVE
    os_type: Symbol[OSType] | None = None
    hostname: Annotated[str, Field(max_length=253)] = ""
    serial_number: Text = ""
    is_locked: bool = False
    posture: Posture | None = None
    ext: Attrs = Field(default_factory=dict)


def _name_or(model: type[_M]) -> PlainValidator:
    def read(raw: Any) -> str | _M:
        if isinstance(raw, dict):
            return model.model_validate(raw)
        if isinstance(raw, str) and raw:
            return raw
        raise fault("must be a name or a mapping")

    return PlainValidator(read, json_schema_input_type=str | model)


class Expectation(Model):
    """What the case must come to."""

    effect: Symbol[Effect]
    reason: Annotated[str, Field(max_length=64)] = ""
    """The name of the reason, as the access log has it."""
    rule: Annotated[str, Field(max_length=64)] = ""
    """The bare name of the rule that must decide; `rules[2]` where it has none."""


class Case(Model):
    """One question and its answer. Without `session` and `user`, nobody in particular asks."""

    name: Annotated[str, Field(min_length=1, max_length=256)]
    """Says in a sentence what must hold."""
    session: Annotated[str | MadeSession | None, _name_or(MadeSession)] = None
    """The name of a declared Session, or a mapping for a Session of `user`."""
    user: Annotated[str | MadeUser | None, _name_or(MadeUser)] = None
    """The name of a declared User, or a mapping for one made up."""
    groups: Many[Name] | None = None
    """Names of Groups that take the place of the User's own."""
    device: Annotated[str | MadeDevice | None, _name_or(MadeDevice)] = None
    """The name of a declared Device, or a mapping for one made up; without it there is none."""
    service: ServiceName
    """The Service asked for."""
    request: dict[str, Any] = Field(default_factory=dict)
    """What `ctx.request` holds."""
    now: Timestamp | None = None
    """The instant of the decision; the time of the run where it is absent."""
    expect: Expectation

    @model_validator(mode="after")
    def _refuse_two_callers(self) -> Self:
        given = [key for key in ("user", "groups", "device") if getattr(self, key) is not None]
        if isinstance(self.session, str):
            if given:
                hint = f"leave out {' and '.join(given)}, or write the session as a mapping"
                raise fault("a declared session brings its User and Device along", hint)
        elif self.user is None and (given or self.session is not None):
            raise fault_at(("user",), "is required", "a name, or a mapping for a User made up")
        return self


class PolicyTestSpec(Model):
    """What is declared of a PolicyTest."""

    cases: Annotated[Many[Case], Field(min_length=1, max_length=1000)]


class PolicyTest(Resource):
    """Cases that belong together."""

    kind: ClassVar = "PolicyTest"

    spec: PolicyTestSpec
