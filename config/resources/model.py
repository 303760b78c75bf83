"""The base of every declared type: strict, frozen, camelCase outside, and clear about its keys."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Annotated, Any, ClassVar, Final, Self, TypeAlias, TypeVar

from pydantic import (
    BaseModel,
    ConfigDict,
    ModelWrapValidatorHandler,
    Strict,
    ValidationError,
    model_validator,
)
from pydantic_core import InitErrorDetails, PydanticCustomError

REFUSED: Final = "refused"
MAX_UNKNOWN: Final = 20
_CAPITALS: Final = {
    "cas": "CAs",
    "dns": "DNS",
    "http2": "HTTP2",
    "id": "ID",
    "ip": "IP",
    "ips": "IPs",
    "sha256": "SHA256",
    "socks5": "SOCKS5",
    "ssh": "SSH",
    "tls": "TLS",
    "url": "URL",
}
_Item = TypeVar("_Item")

Place: TypeAlias = tuple[str | int, ...]
Fault: TypeAlias = tuple[Place, str, str]
# Strict mode would ask for a Python tuple where YAML gives a list; the items stay strict.
Many: TypeAlias = Annotated[tuple[_Item, ...], Strict(strict=False)]
# Strict mode would ask for the enum member where YAML gives its text.
Symbol: TypeAlias = Annotated[_Item, Strict(strict=False)]


def camel(name: str) -> str:
    """Spell a field's name as YAML does: ``is_tls`` is ``isTLS``."""
    first, *rest = name.split("_")
    return first + "".join(_CAPITALS.get(word) or word.capitalize() for word in rest)


def fault(message: str, hint: str = "") -> PydanticCustomError:
    """Build what a validator raises: our words, never the value that was given."""
    return PydanticCustomError(REFUSED, "{message}", {"message": message, "hint": hint})


def fault_at(place: Place, message: str, hint: str = "") -> ValidationError:
    """Build what a validator raises about something deeper than the value it checks."""
    return faults_at([(place, message, hint)])


def faults_at(faults: Iterable[Fault]) -> ValidationError:
    """Build what a validator raises about several things at once."""
    return _refusal(
        [
            InitErrorDetails(type=fault(message, hint), loc=place, input=None)
            for place, message, hint in faults
        ]
    )


def nearest(given: str, known: Iterable[str]) -> str:
    """Return the known spelling that was probably meant, or an empty string."""
    folded = {name.lower(): name for name in known}
    close = difflib.get_close_matches(given.lower()[:64], folded, n=1)
    return folded[close[0]] if close else ""


@dataclass(frozen=True, slots=True)
class OneOf:
    """Keys of which at most one (exactly one, when ``is_required``) may be given."""

    keys: tuple[str, ...]
    is_required: bool = True

    def complaint(self, given: Mapping[str, Any]) -> str:
        """Say what is wrong with the keys given, or return an empty string."""
        present = [key for key in self.keys if key in given]
        if len(present) > 1:
            return f"{_listed(present, 'and')} are given, only one of them may be"
        if self.is_required and not present:
            choice = "exactly one of " if len(self.keys) > 1 else ""
            return f"needs {choice}{_listed(self.keys, 'or')}"
        return ""


class Model(BaseModel):
    """One declared mapping. Its errors name keys as the YAML spells them."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        strict=True,
        alias_generator=camel,
        hide_input_in_errors=True,
        allow_inf_nan=False,
        protected_namespaces=(),
    )

    one_of: ClassVar[tuple[OneOf, ...]] = ()
    also_spelled: ClassVar[Mapping[str, str]] = {}

    @classmethod
    def known_keys(cls) -> tuple[str, ...]:
        """Return the keys YAML may use, in the order of declaration."""
        return tuple(_defaults(cls))

    @model_validator(mode="wrap")
    @classmethod
    def _check_keys(cls, raw: Any, build: ModelWrapValidatorHandler[Self]) -> Self:
        """Report faults of the keys together with the faults of the values, not instead of them."""
        if not isinstance(raw, dict):
            return build(raw)
        known, faults = cls._sift(raw)
        try:
            model = build(known)
        except ValidationError as error:
            if not faults:
                raise
            faults.extend(_repeated(error))
        else:
            if not faults:
                return model
        raise _refusal(faults)

    @classmethod
    def _sift(cls, raw: dict[Any, Any]) -> tuple[dict[str, Any], list[InitErrorDetails]]:
        """Keep the keys that say something; a zero value says no more than an absent key."""
        defaults = _defaults(cls)
        given: dict[str, Any] = {}
        unknown: list[str] = []
        faults: list[InitErrorDetails] = []
        for spelled, value in raw.items():
            key = cls.also_spelled.get(spelled, spelled) if isinstance(spelled, str) else spelled
            if key not in defaults:
                unknown.append(str(spelled))
            elif key in given:
                faults.append(about(str(spelled), f"is another spelling of {key}, given as well"))
            else:
                given[key] = value
        faults.extend(_about_unknown(unknown, defaults))
        empty = [key for key, value in given.items() if value is None]
        faults.extend(about(key, "has no value", "give it one or remove the key") for key in empty)
        faults.extend(about(None, text) for one in cls.one_of if (text := one.complaint(given)))
        said = {key: value for key, value in given.items() if not _is_unset(value, defaults[key])}
        return said, faults


@cache
def _defaults(model: type[Model]) -> dict[str, Any]:
    """Return the default of each key, in the order of declaration."""
    fields = model.model_fields.items()
    return {field.alias or name: field.default for name, field in fields}


def _is_unset(value: Any, default: Any) -> bool:
    is_zero = type(value) is type(default) and value == default and not value
    return value is None or is_zero


def _about_unknown(unknown: list[str], known: Iterable[str]) -> Iterator[InitErrorDetails]:
    for key in unknown[:MAX_UNKNOWN]:
        yield about(key, "unknown key", _key_hint(key, known))
    if len(unknown) > MAX_UNKNOWN:
        yield about(None, f"has {len(unknown) - MAX_UNKNOWN} more unknown keys")


def _key_hint(given: str, known: Iterable[str]) -> str:
    if meant := nearest(given, known):
        return f'did you mean "{meant}"?'
    listed = ", ".join(known)
    return f"known keys: {listed}" if listed else "nothing may be given here"


def about(key: str | None, message: str, hint: str = "") -> InitErrorDetails:
    """Build one line about a key of the mapping at hand, or about the mapping itself."""
    place = () if key is None else (key,)
    return InitErrorDetails(type=fault(message, hint), loc=place, input=None)


def _repeated(error: ValidationError) -> Iterable[InitErrorDetails]:
    for line in error.errors(include_url=False):
        context = line.get("ctx", {})
        kind = line["type"]
        yield InitErrorDetails(
            type=fault(context["message"], context["hint"]) if kind == REFUSED else kind,
            loc=line["loc"],
            input=line["input"],
            ctx=context,
        )


def _refusal(faults: list[InitErrorDetails]) -> ValidationError:
    return ValidationError.from_exception_data("declaration", faults, hide_input=True)


def _listed(keys: Iterable[str], joint: str) -> str:
    *most, last = keys
    return f"{', '.join(most)} {joint} {last}" if most else last
