"""Secret: a value used by name, which nobody reads back (spec/resources.md §10)."""

from __future__ import annotations

import base64
import binascii
from typing import Annotated, Any, ClassVar, Final, TypeAlias

from pydantic import Field, PlainSerializer, PlainValidator

from config.resources.meta import Resource
from config.resources.model import Model, OneOf, fault_at
from config.secret import SecretBytes

MAX_BYTES: Final = 512 * 1024


class Content(Model):
    """A value as it is written down: text, or bytes as base64."""

    one_of: ClassVar[tuple[OneOf, ...]] = (OneOf(("value", "valueBytes")),)

    value: str | None = Field(default=None, repr=False)
    """Text."""
    value_bytes: str | None = Field(default=None, repr=False)
    """Bytes as base64."""


def _read(raw: Any) -> bytes:
    content = Content.model_validate(raw)
    if content.value is not None:
        return _measured("value", _encoded(content.value))
    try:
        data = base64.b64decode(content.value_bytes or "", validate=True)
    except (binascii.Error, ValueError):
        data = None
    if data is None:
        raise fault_at(("valueBytes",), "must be base64")
    return _measured("valueBytes", data)


def _encoded(value: str) -> bytes:
    try:
        return value.encode()
    except UnicodeEncodeError:
        pass
    raise fault_at(("value",), "must be valid Unicode text")


def _measured(key: str, data: bytes) -> bytes:
    if not 1 <= len(data) <= MAX_BYTES:
        raise fault_at((key,), f"must have 1 to {MAX_BYTES} bytes, not {len(data)}")
    return data


def _read_hidden(raw: Any) -> SecretBytes:
    return SecretBytes(_read(raw))


def _written(data: bytes) -> dict[str, str]:
    return {"valueBytes": base64.b64encode(data).decode()}


PublicContent: TypeAlias = Annotated[
    bytes, PlainValidator(_read, json_schema_input_type=Content), PlainSerializer(_written)
]
HiddenContent: TypeAlias = Annotated[
    SecretBytes, PlainValidator(_read_hidden, json_schema_input_type=Content)
]


class SecretSpec(Model):
    """What may be shown of a Secret: of a certificate, its PEM chain."""

    data: PublicContent | None = None
    """The public half: of a certificate, its PEM chain with the leaf first."""


class SecretStatus(Model):
    """Nothing is known of a Secret beyond what is declared."""


class Secret(Resource):
    """A value others use by name. ``data`` leaves by ``reveal()`` only, never by a dump."""

    kind: ClassVar = "Secret"

    spec: SecretSpec
    status: SecretStatus = SecretStatus()
    data: HiddenContent = Field(exclude=True, repr=False)
    """The value itself; of a certificate, its PEM private key. Nobody can read it back."""
