"""Every function and type an expression may name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from policy.cel.library import (
    addresses,
    conversions,
    documents,
    encoders,
    formatting,
    lists,
    mathematics,
    network,
    optionals,
    regex,
    strings,
    text,
    times,
)
from policy.cel.signature import Function
from policy.cel.values import TYPES, CelType

FUNCTIONS: Final[Mapping[str, Function]] = {
    # Lowered to the instant the evaluation is given; the callable only has the right shape.
    "now": Function(lambda: None, 0, 0),
    **conversions.FUNCTIONS,
    **text.FUNCTIONS,
    **times.FUNCTIONS,
    **lists.FUNCTIONS,
    **optionals.FUNCTIONS,
    **strings.FUNCTIONS,
    **formatting.FUNCTIONS,
    **mathematics.FUNCTIONS,
    **encoders.FUNCTIONS,
    **documents.FUNCTIONS,
    **addresses.FUNCTIONS,
    **network.FUNCTIONS,
    **regex.FUNCTIONS,
}
TYPE_VALUES: Final[Mapping[str, CelType]] = {
    **TYPES,
    **{kind.cel_type: CelType(kind.cel_type) for kind in (addresses.Ip, addresses.Cidr)},
}
