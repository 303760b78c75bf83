"""The encoders extension: base64."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from typing import Any, Final

from policy.cel.library.conversions import text_to_bytes
from policy.cel.library.text import require_text
from policy.cel.signature import Function, Kind
from policy.cel.values import InvalidArgument, Meter, NoSuchOverload


def _encode(meter: Meter, data: Any) -> str:
    if type(data) is not bytes:
        raise NoSuchOverload("base64.encode", data)
    meter.spend(len(data) >> 4)
    return base64.b64encode(data).decode()


def _decode(meter: Meter, text: Any) -> bytes:
    require_text("base64.decode", text)
    meter.spend(len(text) >> 4)
    padding = "" if text.endswith("=") else "=" * (-len(text) % 4)
    try:
        return base64.b64decode(text_to_bytes(text + padding), validate=True)
    except binascii.Error:
        raise InvalidArgument("base64.decode() of what is no base64") from None


FUNCTIONS: Final[Mapping[str, Function]] = {
    "base64.encode": Function(_encode, result=Kind.STRING, is_metered=True),
    "base64.decode": Function(_decode, result=Kind.BYTES, is_metered=True),
}
