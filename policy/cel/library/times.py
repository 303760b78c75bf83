"""Timestamps and durations: their text forms, their accessors, time zones, weekdays."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from functools import lru_cache
from typing import Any, Final
from zoneinfo import ZoneInfo

from policy.cel.signature import Function, Kind
from policy.cel.values import (
    SECOND,
    Duration,
    InvalidArgument,
    NoSuchOverload,
    Overflow,
    Timestamp,
)

_RFC3339: Final = re.compile(
    r"([0-9]{4}-[0-9]{2}-[0-9]{2})[Tt]([0-9]{2}:[0-9]{2}:[0-9]{2})(?:\.([0-9]{1,9}))?"
    r"(?:([Zz])|([+-][0-9]{2}:[0-9]{2}))"
)
_DURATION: Final = re.compile(r"([+-]?)((?:(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:h|ms|m|s|us|µs|μs|ns))+)")
_PART: Final = re.compile(r"([0-9]*)\.?([0-9]*)(h|ms|m|s|us|µs|μs|ns)")
_OFFSET: Final = re.compile(r"([+-]?)([0-9]{2}):([0-9]{2})")
_UNITS: Final = {
    "h": 3600 * SECOND,
    "m": 60 * SECOND,
    "s": SECOND,
    "ms": 1_000_000,
    "us": 1000,
    "µs": 1000,
    "μs": 1000,
    "ns": 1,
}
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_LONGEST_TEXT: Final = 100
_WEEKEND: Final = 5


@lru_cache(maxsize=1024)
def parse_timestamp(text: str) -> Timestamp:
    """Read RFC 3339, with up to nanoseconds."""
    match = _RFC3339.fullmatch(text)
    if match is None:
        raise InvalidArgument(f"{text[:_LONGEST_TEXT]!r} is no RFC 3339 timestamp")
    day, time, fraction, _, offset = match.groups()
    try:
        moment = datetime.fromisoformat(f"{day}T{time}{offset or '+00:00'}")
    except ValueError as error:
        raise InvalidArgument(f"{text!r} is no timestamp: {error}") from None
    seconds = (moment - _EPOCH) // timedelta(seconds=1)
    return Timestamp(seconds * SECOND + int((fraction or "").ljust(9, "0")))


@lru_cache(maxsize=1024)
def parse_duration(text: str) -> Duration:
    """Read a duration such as ``1h30m``, ``-1.5s`` or ``250ms``."""
    if text in ("0", "+0", "-0"):
        return Duration(0)
    match = _DURATION.fullmatch(text) if len(text) <= _LONGEST_TEXT else None
    if match is None:
        raise InvalidArgument(f"{text[:_LONGEST_TEXT]!r} is no duration")
    ns = 0
    for whole, fraction, unit in _PART.findall(match[2]):
        scale = _UNITS[unit]
        ns += int(whole or 0) * scale + int(fraction or 0) * scale // 10 ** len(fraction)
    return Duration(-ns if match[1] == "-" else ns)


def format_timestamp(value: Timestamp) -> str:
    """Return RFC 3339 in UTC with as many digits as needed."""
    seconds, ns = divmod(value.ns, SECOND)
    moment = _EPOCH + timedelta(seconds=seconds)
    fraction = f".{ns:09}".rstrip("0") if ns else ""
    return f"{moment.replace(tzinfo=None).isoformat()}{fraction}Z"


def format_duration(value: Duration) -> str:
    """Return seconds, like ``90s`` or ``-0.5s``."""
    seconds, ns = divmod(abs(value.ns), SECOND)
    fraction = f".{ns:09}".rstrip("0") if ns else ""
    return f"{'-' if value.ns < 0 else ''}{seconds}{fraction}s"


@lru_cache(maxsize=256)
def zone(name: str) -> tzinfo:
    """Return a zone by IANA name or fixed offset; empty is UTC."""
    if name in ("", "UTC"):
        return UTC
    offset = _OFFSET.fullmatch(name)
    try:
        if offset is None:
            return ZoneInfo(name)
        span = timedelta(hours=int(offset[2]), minutes=int(offset[3]))
        return timezone(-span if offset[1] == "-" else span)
    except (ValueError, KeyError, OSError):
        raise InvalidArgument(f"unknown time zone {name[:_LONGEST_TEXT]!r}") from None


def _local(operation: str, value: Any, zone_name: Any = "") -> datetime:
    if type(value) is not Timestamp or type(zone_name) is not str:
        raise NoSuchOverload(operation, value, zone_name)
    moment = _EPOCH + timedelta(seconds=value.ns // SECOND)
    try:
        return moment.astimezone(zone(zone_name))
    except OverflowError:
        raise Overflow(f"{operation} leaves the years 1 to 9999") from None


_CALENDAR: Final[Mapping[str, Callable[[datetime], int]]] = {
    "getFullYear": lambda moment: moment.year,
    "getMonth": lambda moment: moment.month - 1,
    "getDate": lambda moment: moment.day,
    "getDayOfMonth": lambda moment: moment.day - 1,
    "getDayOfWeek": lambda moment: moment.isoweekday() % 7,
    "getDayOfYear": lambda moment: moment.timetuple().tm_yday - 1,
    "getHours": lambda moment: moment.hour,
    "getMinutes": lambda moment: moment.minute,
    "getSeconds": lambda moment: moment.second,
}
_SPANS: Final[Mapping[str, int]] = {
    "getHours": 3600 * SECOND,
    "getMinutes": 60 * SECOND,
    "getSeconds": SECOND,
}


def _accessor(name: str) -> Function:
    read, unit = _CALENDAR[name], _SPANS.get(name)

    def access(value: Any, *zone_name: Any) -> int:
        if unit is not None and type(value) is Duration and not zone_name:
            return -(-value.ns // unit) if value.ns < 0 else value.ns // unit
        return read(_local(name, value, *zone_name))

    return Function(access, 1, 2, Kind.INT)


def _milliseconds(value: Any, *zone_name: Any) -> int:
    if type(value) is Duration and not zone_name:
        size = abs(value.ns) % SECOND // 1_000_000
        return -size if value.ns < 0 else size
    _local("getMilliseconds", value, *zone_name)
    return int(value.ns % SECOND // 1_000_000)


def _is_weekday(value: Any) -> bool:
    return _local("time.isWeekday", value).weekday() < _WEEKEND


def _is_weekend(value: Any) -> bool:
    return _local("time.isWeekend", value).weekday() >= _WEEKEND


def _is_weekday_in_zone(value: Any, zone_name: Any) -> bool:
    return _local("time.isWeekdayInTZ", value, zone_name).weekday() < _WEEKEND


def _is_weekend_in_zone(value: Any, zone_name: Any) -> bool:
    return _local("time.isWeekendInTZ", value, zone_name).weekday() >= _WEEKEND


FUNCTIONS: Final[Mapping[str, Function]] = {
    **{f".{name}": _accessor(name) for name in _CALENDAR},
    ".getMilliseconds": Function(_milliseconds, 1, 2, Kind.INT),
    "time.isWeekday": Function(_is_weekday, 1, 1, Kind.BOOL),
    "time.isWeekend": Function(_is_weekend, 1, 1, Kind.BOOL),
    "time.isWeekdayInTZ": Function(_is_weekday_in_zone, 2, 2, Kind.BOOL),
    "time.isWeekendInTZ": Function(_is_weekend_in_zone, 2, 2, Kind.BOOL),
}
