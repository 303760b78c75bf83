"""Regular expressions: RE2, so that no pattern can take more than linear time."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any, Final

import re2

from policy.cel.values import InvalidArgument, Meter, NoSuchOverload

_REMEMBERED: Final = 1024
_SHORT: Final = 256
_LONGEST: Final = 1000
# What it costs, in steps, to compile a pattern that is not known beforehand.
COMPILATION: Final = 1000
_OPTIONS: Final = re2.Options()
_OPTIONS.log_errors = False


@lru_cache(maxsize=512)
def compile_pattern(text: str) -> Any:
    """Compile a pattern; a bad one is an InvalidArgument."""
    try:
        return re2.compile(text, _OPTIONS)
    except (re2.error, UnicodeEncodeError) as error:
        reason = error.args[0] if error.args else error
        reason = reason.decode(errors="replace") if isinstance(reason, bytes) else reason
        raise InvalidArgument(f"bad regular expression: {reason}") from None


def compile_bounded(text: str) -> Any:
    """Compile a pattern that came with the data."""
    if len(text) > _LONGEST:
        raise InvalidArgument(f"a regular expression of more than {_LONGEST} characters")
    return compile_pattern(text)


def matcher(text: str) -> Callable[..., bool]:
    """Return the test for one pattern."""
    pattern = compile_pattern(text)

    def search(subject: str) -> bool:
        return pattern.search(subject) is not None

    remembered = lru_cache(maxsize=_REMEMBERED)(search)

    def matches_pattern(subject: Any, meter: Meter | None = None) -> bool:
        if type(subject) is not str:
            raise NoSuchOverload("matches", subject, "")
        if meter is not None:
            meter.spend(len(subject) >> 5)
        try:
            return remembered(subject) if len(subject) <= _SHORT else search(subject)
        except UnicodeEncodeError:
            raise InvalidArgument("matches() on text with a lone surrogate") from None

    return matches_pattern


def matches(meter: Meter, subject: Any, pattern: Any) -> bool:
    """Return whether a pattern computed at run time is found anywhere in the subject."""
    if type(subject) is not str or type(pattern) is not str:
        raise NoSuchOverload("matches", subject, pattern)
    meter.spend(COMPILATION + (len(subject) >> 5))
    try:
        return compile_bounded(pattern).search(subject) is not None
    except UnicodeEncodeError:
        raise InvalidArgument("matches() on text with a lone surrogate") from None
