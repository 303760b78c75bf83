"""The standard functions and our own: conversions, text, time, json, net, lists."""

from __future__ import annotations

import math
from typing import Any

import pytest

from policy.cel.library.times import parse_duration, parse_timestamp
from policy.cel.values import (
    EvaluationError,
    InvalidArgument,
    MissingKey,
    NoSuchOverload,
    Overflow,
    Timestamp,
    UInt,
)
from tests.harness.cel import NOW, evaluate


@pytest.mark.parametrize(
    ("text", "value"),
    [
        pytest.param("int('-42')", -42, id="int-of-text"),
        pytest.param("int('+42')", 42, id="int-of-signed-text"),
        pytest.param("int(3.9)", 3, id="int-of-double"),
        pytest.param("int(-3.9)", -3, id="int-of-negative-double"),
        pytest.param("int(7u)", 7, id="int-of-uint"),
        pytest.param("int(timestamp('1970-01-01T00:01:00Z'))", 60, id="int-of-timestamp"),
        pytest.param("uint('7')", UInt(7), id="uint-of-text"),
        pytest.param("uint(7.9)", UInt(7), id="uint-of-double"),
        pytest.param("double('1.5')", 1.5, id="double-of-text"),
        pytest.param("double('-Infinity')", -math.inf, id="double-of-infinity"),
        pytest.param("double(3)", 3.0, id="double-of-int"),
        pytest.param("string(1u)", "1", id="string-of-uint"),
        pytest.param("string(1.5)", "1.5", id="string-of-double"),
        pytest.param("string(true)", "true", id="string-of-bool"),
        pytest.param("string(b'h\\xc3\\xa9')", "hé", id="string-of-bytes"),
        pytest.param("string(duration('90m'))", "5400s", id="string-of-duration"),
        pytest.param("string(duration('-1.5s'))", "-1.5s", id="string-of-negative-duration"),
        pytest.param(
            "string(timestamp('2009-02-13T23:31:30.5+01:00'))", "2009-02-13T22:31:30.5Z", id="time"
        ),
        pytest.param("bytes('é')", b"\xc3\xa9", id="bytes-of-text"),
        pytest.param("bool('true')", True, id="bool-of-text"),
        pytest.param("bool('F')", False, id="bool-of-letter"),
        pytest.param("timestamp(60)", Timestamp(60 * 10**9), id="timestamp-of-int"),
        pytest.param("timestamp(ctx.text).getFullYear()", 2020, id="timestamp-of-data"),
        pytest.param("timestamp(ctx.time) == ctx.time", True, id="timestamp-of-timestamp"),
        pytest.param("dyn(1) == 1", True, id="dyn"),
        pytest.param("size('héé') + size(b'abc') + size([1]) + size({1: 1})", 8, id="size"),
        pytest.param("'abc'.size()", 3, id="size-of-receiver"),
        pytest.param("'abc'.contains('b')", True, id="contains"),
        pytest.param("'abc'.startsWith('ab') && 'abc'.endsWith('bc')", True, id="starts-and-ends"),
        pytest.param("ctx.text.startsWith(ctx.text)", True, id="starts-with-data"),
        pytest.param("'abc'.matches('^a.c$')", True, id="matches"),
        pytest.param("matches('abc', 'b')", True, id="matches-anywhere"),
        pytest.param("ctx.text.matches(ctx.pattern)", True, id="matches-data"),
        pytest.param("'Ab'.toLower() + 'Ab'.toUpper()", "abAB", id="case"),
    ],
)
def test_conversions_and_text(text: str, value: Any) -> None:
    ctx = {"text": "2020-05-06T07:08:09Z", "time": NOW, "pattern": r"^\d{4}-"}
    found = evaluate(text, ctx)
    assert found == value
    assert type(found) is type(value)


@pytest.mark.parametrize(
    ("text", "error"),
    [
        pytest.param("int('1.0')", InvalidArgument, id="int-of-fraction-text"),
        pytest.param("int(' 1')", InvalidArgument, id="int-of-blank"),
        pytest.param("int('1_000')", InvalidArgument, id="int-of-underscore"),
        pytest.param("int('9223372036854775808')", Overflow, id="int-of-great-text"),
        pytest.param("int(1e19)", Overflow, id="int-of-great-double"),
        pytest.param("int(double('NaN'))", Overflow, id="int-of-nan"),
        pytest.param("int(true)", NoSuchOverload, id="int-of-bool"),
        pytest.param("int(null)", NoSuchOverload, id="int-of-null"),
        pytest.param("uint(-1)", Overflow, id="uint-of-negative"),
        pytest.param("uint('-1')", InvalidArgument, id="uint-of-negative-text"),
        pytest.param("double('1e999')", Overflow, id="double-of-great-text"),
        pytest.param("double('0x1')", InvalidArgument, id="double-of-hexadecimal"),
        pytest.param("bool('yes')", InvalidArgument, id="bool-of-yes"),
        pytest.param("string([1])", NoSuchOverload, id="string-of-list"),
        pytest.param("string(b'\\xff')", InvalidArgument, id="string-of-no-utf8"),
        pytest.param("timestamp(ctx.text)", InvalidArgument, id="timestamp-of-no-time"),
        pytest.param("timestamp(ctx.late)", Overflow, id="timestamp-of-year-10000"),
        pytest.param("duration(ctx.text)", InvalidArgument, id="duration-of-no-time"),
        pytest.param(
            "timestamp('0001-01-01T00:00:00Z') - duration('1s')", Overflow, id="year-zero"
        ),
        pytest.param("'a'.matches(ctx.text)", InvalidArgument, id="pattern-of-data"),
        pytest.param("ctx.list.startsWith('a')", NoSuchOverload, id="starts-with-of-list"),
        pytest.param("'a'.startsWith(1)", NoSuchOverload, id="starts-with-an-int"),
        pytest.param("ctx.list.matches('a')", NoSuchOverload, id="matches-of-list"),
        pytest.param("ctx.list.contains(1)", NoSuchOverload, id="contains-of-list"),
        pytest.param("size(1)", NoSuchOverload, id="size-of-int"),
        pytest.param("ctx.list.toLower()", NoSuchOverload, id="case-of-list"),
    ],
)
def test_what_cannot_be_converted(text: str, error: type[EvaluationError]) -> None:
    ctx = {"text": "(no", "list": ["a"], "late": 253402300800}
    with pytest.raises(error):
        evaluate(text, ctx)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        pytest.param("t.getFullYear()", 2009, id="year"),
        pytest.param("t.getMonth()", 1, id="month-from-zero"),
        pytest.param("t.getDate()", 13, id="day-from-one"),
        pytest.param("t.getDayOfMonth()", 12, id="day-from-zero"),
        pytest.param("t.getDayOfWeek()", 5, id="friday"),
        pytest.param("t.getDayOfYear()", 43, id="day-of-year"),
        pytest.param("t.getHours()", 23, id="hours"),
        pytest.param("t.getMinutes()", 31, id="minutes"),
        pytest.param("t.getSeconds()", 30, id="seconds"),
        pytest.param("t.getMilliseconds()", 123, id="milliseconds"),
        pytest.param("t.getHours('Asia/Kolkata')", 5, id="named-zone"),
        pytest.param("t.getMinutes('+05:30')", 1, id="offset"),
        pytest.param("t.getDate('02:00')", 14, id="offset-without-sign"),
        pytest.param("t.getHours('-11:30')", 12, id="negative-offset"),
        pytest.param("duration('3h2m1.5s').getHours()", 3, id="span-hours"),
        pytest.param("duration('3h2m1.5s').getMinutes()", 182, id="span-minutes"),
        pytest.param("duration('-61s').getMinutes()", -1, id="negative-span"),
        pytest.param("duration('1.5s').getMilliseconds()", 500, id="span-milliseconds"),
        pytest.param("t - t == duration('0')", True, id="difference"),
        pytest.param("t + duration('1h') > t", True, id="sum"),
        pytest.param("string(t + duration('2ns'))", "2009-02-13T23:31:30.123456791Z", id="ns"),
    ],
)
def test_time(text: str, value: Any) -> None:
    moment = "timestamp('2009-02-13T23:31:30.123456789Z')"
    assert evaluate(f"[{moment}].map(t, {text})[0]") == value


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("t.getHours('Mars/Olympus')", id="unknown-zone"),
        pytest.param("t.getHours('../../etc/passwd')", id="path"),
        pytest.param("t.getHours('America')", id="directory"),
        pytest.param("t.getHours('+99:99')", id="offset-out-of-range"),
        pytest.param("t.getHours('" + "x" * 5000 + "')", id="long-name"),
        pytest.param("time.isWeekdayInTZ(t, 'Nowhere')", id="weekday-elsewhere"),
        pytest.param("timestamp('0001-01-01T00:00:00Z').getHours('-01:00')", id="before-year-one"),
        pytest.param("duration('1h').getHours('UTC')", id="span-with-zone"),
        pytest.param("duration('1h').getFullYear()", id="year-of-a-span"),
        pytest.param("'now'.getHours()", id="hours-of-text"),
    ],
)
def test_time_that_does_not_exist(text: str) -> None:
    with pytest.raises(EvaluationError):
        evaluate(f"[timestamp(0)].map(t, {text})")


@pytest.mark.parametrize(
    ("moment", "in_utc", "in_tokyo"),
    [
        pytest.param("2026-03-06T14:59:59Z", True, True, id="friday-in-both"),
        pytest.param("2026-03-06T15:00:00Z", True, False, id="saturday-in-tokyo"),
        pytest.param("2026-03-08T14:59:59Z", False, False, id="sunday-in-both"),
        pytest.param("2026-03-08T15:00:00Z", False, True, id="monday-in-tokyo"),
    ],
)
def test_weekdays_depend_on_the_zone(moment: str, in_utc: bool, in_tokyo: bool) -> None:
    now = parse_timestamp(moment)
    assert evaluate("time.isWeekday(now())", now=now) is in_utc
    assert evaluate("time.isWeekend(now())", now=now) is not in_utc
    assert evaluate("time.isWeekdayInTZ(now(), 'Asia/Tokyo')", now=now) is in_tokyo
    assert evaluate("time.isWeekendInTZ(now(), 'Asia/Tokyo')", now=now) is not in_tokyo
    assert evaluate("time.isWeekdayInTZ(now(), '')", now=now) is in_utc


@pytest.mark.parametrize(
    ("text", "value"),
    [
        pytest.param("json.parse('{\"a\": [1, true, null]}').a", [1, True, None], id="parse"),
        pytest.param("json.parse('{\"a\": 1}').a == 1", True, id="parsed-number"),
        pytest.param(
            "json.parse('{\"a\": 18446744073709551615}').a", UInt(2**64 - 1), id="parsed-uint"
        ),
        pytest.param(
            "json.marshal({'b': [1.0, 1.5], 'a': null})", '{"a":null,"b":[1,1.5]}', id="m"
        ),
        pytest.param("json.marshal(duration('1s'))", '"1s"', id="marshal-duration"),
        pytest.param("json.marshal(b'abc')", '"YWJj"', id="marshal-bytes"),
        pytest.param("json.marshal({1: 2u, true: 'é'})", '{"1":2,"true":"é"}', id="marshal-keys"),
        pytest.param("json.parse(json.marshal(ctx)) == ctx", True, id="round-trip"),
        pytest.param("net.isIP('10.0.0.1') && net.isIP('::1')", True, id="ip"),
        pytest.param("net.isIP('10.0.0') || net.isIP('010.0.0.1')", False, id="no-ip"),
        pytest.param("net.isIP('fe80::1%eth0')", False, id="scoped"),
        pytest.param("net.isIPv4('10.0.0.1') && !net.isIPv4('::1')", True, id="ipv4"),
        pytest.param("net.isIPv6('::1') && !net.isIPv6('10.0.0.1')", True, id="ipv6"),
        pytest.param(
            "net.isPrivateIP('10.1.2.3') && net.isPrivateIP('fd00::1')", True, id="private"
        ),
        pytest.param("net.isPrivateIP('8.8.8.8')", False, id="public"),
        pytest.param("net.isPrivateIP('100.64.0.1')", False, id="shared-is-not-private"),
        pytest.param("net.isIPInRange('10.1.2.3', '10.0.0.0/8')", True, id="in-range"),
        pytest.param("net.isIPInRange('11.1.2.3', '10.0.0.0/8')", False, id="out-of-range"),
        pytest.param("net.isIPInRange('::ffff:10.1.2.3', '10.0.0.0/8')", True, id="mapped"),
        pytest.param("net.isIPInRange('2001:db8::1', '2001:db8::/32')", True, id="in-ipv6-range"),
        pytest.param("net.isIPInRange('::1', '0.0.0.0/0')", False, id="other-family"),
        pytest.param("['a', 'b'].hasAny(['b', 'c'])", True, id="has-any"),
        pytest.param("['a', 'b'].hasAny([])", False, id="has-any-of-nothing"),
        pytest.param("['a', 'b'].hasAll(['b', 'a'])", True, id="has-all"),
        pytest.param("['a', 'b'].hasAll(['b', 'c'])", False, id="has-not-all"),
        pytest.param("[3, 1, 2].min()", 1, id="min"),
        pytest.param("[1, 2.5, 2u].max()", 2.5, id="max"),
        pytest.param("[timestamp(2), timestamp(1)].max() == timestamp(2)", True, id="max-of-times"),
        pytest.param("['b', 'a'].min()", "a", id="min-of-texts"),
    ],
)
def test_our_own_functions(text: str, value: Any) -> None:
    assert evaluate(text, {"a": [1, {"b": None}], "c": 1.5}) == value


@pytest.mark.parametrize(
    ("text", "error"),
    [
        pytest.param("json.parse('[1]')", InvalidArgument, id="list"),
        pytest.param("json.parse('1')", InvalidArgument, id="scalar"),
        pytest.param("json.parse('{')", InvalidArgument, id="broken"),
        pytest.param("json.parse(1)", NoSuchOverload, id="no-text"),
        pytest.param("json.marshal(double('NaN'))", InvalidArgument, id="nan"),
        pytest.param("json.marshal(int)", NoSuchOverload, id="type"),
        pytest.param("json.parse('{}').a", MissingKey, id="missing"),
        pytest.param("net.isIP(1)", NoSuchOverload, id="ip-of-int"),
        pytest.param("net.isPrivateIP('nope')", InvalidArgument, id="private-of-no-ip"),
        pytest.param("net.isIPInRange('nope', '10.0.0.0/8')", InvalidArgument, id="no-ip"),
        pytest.param("net.isIPInRange('10.0.0.1', '10.0.0.0')", InvalidArgument, id="no-range"),
        pytest.param("net.isIPInRange('10.0.0.1', '10.0.0.0/33')", InvalidArgument, id="bits"),
        pytest.param(
            "net.isIPInRange('10.0.0.1', '10.0.0.0/255.0.0.0')", InvalidArgument, id="mask"
        ),
        pytest.param("[].min()", InvalidArgument, id="min-of-nothing"),
        pytest.param("[1, 'a'].max()", NoSuchOverload, id="max-of-a-mixture"),
        pytest.param("[[1]].max()", NoSuchOverload, id="max-of-lists"),
        pytest.param("'ab'.hasAny(['a'])", NoSuchOverload, id="has-any-of-text"),
    ],
)
def test_our_own_functions_refuse(text: str, error: type[EvaluationError]) -> None:
    with pytest.raises(error):
        evaluate(text)


@pytest.mark.parametrize(
    ("text", "ns"),
    [
        pytest.param("1h30m", 5_400_000_000_000, id="units"),
        pytest.param("-1.5s", -1_500_000_000, id="negative"),
        pytest.param("+2ms", 2_000_000, id="plus"),
        pytest.param("1us", 1000, id="micro"),
        pytest.param("1µs", 1000, id="micro-sign"),
        pytest.param("7ns", 7, id="nano"),
        pytest.param(".5s", 500_000_000, id="no-digit-before-the-point"),
        pytest.param("0", 0, id="bare-zero"),
    ],
)
def test_durations_are_read(text: str, ns: int) -> None:
    assert parse_duration(text).ns == ns


@pytest.mark.parametrize("text", ["", "1", "s", "1 s", "1d", "--1s", "1s2", "9999999999h"])
def test_what_is_no_duration_is_refused(text: str) -> None:
    with pytest.raises(EvaluationError):
        parse_duration(text)


@pytest.mark.parametrize(
    "text",
    [
        "2020-01-01",
        "2020-01-01T00:00:00",
        "2020-01-01 00:00:00Z",
        "2020-1-1T00:00:00Z",
        "2020-02-30T00:00:00Z",
        "2020-01-01T24:00:00Z",
        "2020-01-01T00:00:61Z",
        "2020-01-01T00:00:00.1234567890Z",
        "2020-01-01T00:00:00+0100",
        "2020-01-01T00:00:00+99:00",
        "0000-01-01T00:00:00Z",
        "10000-01-01T00:00:00Z",
        "0001-01-01T00:00:00+01:00",
        "\uff12020-01-01T00:00:00Z",
    ],
)
def test_what_is_no_timestamp_is_refused(text: str) -> None:
    with pytest.raises(EvaluationError):
        parse_timestamp(text)
