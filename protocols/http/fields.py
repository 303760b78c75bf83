"""Which header fields pass, in which direction (spec/data-plane.md §3.1.3)."""

from __future__ import annotations

from collections.abc import Set as AbstractSet
from typing import Final

from protocols.http.wire.names import DROP, EXPECT, HOST, KEEP, NOTE, TAKE, WIRE_FIELDS, Names

FORWARDED: Final = frozenset(
    (
        b"forwarded",
        b"x-forwarded-for",
        b"x-forwarded-host",
        b"x-forwarded-proto",
        b"x-forwarded-port",
        b"x-forwarded-server",
        b"x-forwarded-prefix",
        b"x-forwarded-uri",
        b"x-forwarded-scheme",
        b"x-real-ip",
    )
)
"""What a proxy says about where a request came from; the rest of X-Forwarded-* never passes."""

_CLAIMS: Final = (b"x-octelium-", b"x-envoy-", b"x-original-", b"x-forwarded-")
_TREATMENTS: Final = {
    **WIRE_FIELDS,
    b"x-octelium-auth": TAKE,
    b"authorization": TAKE,
    b"cookie": TAKE,
    b"cookie2": DROP,
    b"proxy": DROP,
    b"user-agent": NOTE,
    b"x-request-id": DROP,
    b"x-rewrite-url": DROP,
}
_ANSWERED: Final = {
    **{name: kind for name, kind in WIRE_FIELDS.items() if kind not in {HOST, EXPECT}},
    b"server": DROP,
    b"x-octelium-unauthorized": DROP,
    b"content-type": NOTE,
    b"x-accel-buffering": NOTE,
}


def request_names(*, removed: AbstractSet[bytes], passes_forwarded: bool) -> Names:
    """Return how request fields are treated; ``removed`` are lower-case names to drop besides.

    Many servers read ``-`` and ``_`` in a name as the same character. A name with ``_`` that
    would be anything but kept if it were spelt with ``-`` is therefore dropped.
    """

    def classify(name: bytes) -> int:
        plain = name.replace(b"_", b"-")
        treatment = _TREATMENTS.get(plain)
        if treatment is None:
            is_forwarded = passes_forwarded and plain in FORWARDED
            is_claim = plain.startswith(_CLAIMS) or plain in FORWARDED
            is_dropped = plain in removed or (is_claim and not is_forwarded)
            treatment = DROP if is_dropped else NOTE if is_forwarded else KEEP
        elif treatment == NOTE and plain in removed:
            treatment = DROP
        return DROP if plain != name and treatment != KEEP else treatment

    return Names(classify)


def response_names(*, removed: AbstractSet[bytes]) -> Names:
    """Return how response fields are treated; ``removed`` are lower-case names to drop besides."""

    def classify(name: bytes) -> int:
        treatment = _ANSWERED.get(name)
        if treatment is None or treatment == NOTE:
            is_removed = name.replace(b"_", b"-") in removed
            return DROP if is_removed else treatment or KEEP
        return treatment

    return Names(classify)
