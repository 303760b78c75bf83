"""The extension libraries: strings, format, math, encoders, lists, sets."""

from __future__ import annotations

import math
from typing import Any

import pytest

from policy.cel.values import (
    EvaluationError,
    IndexRange,
    InvalidArgument,
    NoSuchOverload,
    Overflow,
    UInt,
)
from tests.harness.cel import evaluate


@pytest.mark.parametrize(
    ("text", "value"),
    [
        pytest.param("'tacocat'.charAt(3)", "o", id="char-at"),
        pytest.param("'tacocat'.charAt(7)", "", id="char-at-the-end"),
        pytest.param("'tacocat'.indexOf('a', 3)", 5, id="index-of-from"),
        pytest.param("'tacocat'.indexOf('x')", -1, id="index-of-nothing"),
        pytest.param("'tacocat'.lastIndexOf('a', 4)", 1, id="last-index-of-before"),
        pytest.param("['a', 'b'].join('-')", "a-b", id="join"),
        pytest.param("[].join()", "", id="join-of-nothing"),
        pytest.param("'a,b,c'.split(',')", ["a", "b", "c"], id="split"),
        pytest.param("'a,b,c'.split(',', 2)", ["a", "b,c"], id="split-limited"),
        pytest.param("'abc'.split('')", ["a", "b", "c"], id="split-to-characters"),
        pytest.param("'abc'.split('', 2)", ["a", "bc"], id="split-to-some-characters"),
        pytest.param("''.split(',')", [""], id="split-of-nothing"),
        pytest.param("'aaa'.replace('a', 'b', 2)", "bba", id="replace-some"),
        pytest.param("'aaa'.replace('a', 'b', -1)", "bbb", id="replace-all"),
        pytest.param("'ab'.replace('', '-')", "-a-b-", id="replace-nothing"),
        pytest.param("'tacocat'.substring(4)", "cat", id="substring"),
        pytest.param("'  a\\t'.trim()", "a", id="trim"),
        pytest.param("'ÄB'.lowerAscii()", "Äb", id="lower-ascii"),
        pytest.param("'äb'.upperAscii()", "äB", id="upper-ascii"),
        pytest.param("'abc'.reverse()", "cba", id="reverse"),
        pytest.param("strings.quote('a\"\\n')", '"a\\"\\n"', id="quote"),
        pytest.param("'%s is %d%%'.format(['x', 7])", "x is 7%", id="format"),
        pytest.param("'%s'.format([1, 2])", "1", id="format-with-arguments-left"),
        pytest.param("'%.2f %e'.format([1.005, 12.5])", "1.00 1.250000e+01", id="format-doubles"),
        pytest.param("'%x %X %o %b'.format([255, 'hi', 8, true])", "ff 6869 10 1", id="radixes"),
        pytest.param(
            "'%s'.format([[1.0, null, {'b': 1, 'a': int}]])",
            "[1, null, {a: int, b: 1}]",
            id="nested",
        ),
        pytest.param("base64.encode(b'hello')", "aGVsbG8=", id="encode"),
        pytest.param("base64.decode('aGVsbG8')", b"hello", id="decode-unpadded"),
        pytest.param("[1, 1.0, 2u, true].distinct()", [1, 2, True], id="distinct"),
        pytest.param("[1, [2, [3]]].flatten()", [1, 2, [3]], id="flatten"),
        pytest.param("[1, [2, [3]]].flatten(2)", [1, 2, 3], id="flatten-deeper"),
        pytest.param("lists.range(3)", [0, 1, 2], id="range"),
        pytest.param("lists.range(-3)", [], id="range-of-negative"),
        pytest.param("[1, 2, 3].reverse()", [3, 2, 1], id="reverse-list"),
        pytest.param("[1, 2, 3].slice(1, 3)", [2, 3], id="slice"),
        pytest.param("[3, 1, 2].sort()", [1, 2, 3], id="sort"),
        pytest.param("[[1].first().value(), [1, 2].last().value()]", [1, 2], id="first-and-last"),
        pytest.param("[].first().hasValue()", False, id="first-of-nothing"),
        pytest.param("sets.contains([1, 2], [2u, 2.0])", True, id="set-contains"),
        pytest.param("sets.equivalent([1, 2], [2, 1, 1])", True, id="set-equivalent"),
        pytest.param("sets.intersects([1], [2])", False, id="set-intersects"),
        pytest.param(
            "regex.replace('a1b22', r'([0-9]+)', r'<\\1>')", "a<1>b<22>", id="regex-replace"
        ),
        pytest.param("regex.replace('aaa', 'a', 'b', 2)", "bba", id="regex-replace-some"),
        pytest.param("regex.replace('aaa', 'a', 'b', 0)", "aaa", id="regex-replace-none"),
        pytest.param("regex.extract('id=42;', 'id=([0-9]+)').value()", "42", id="regex-extract"),
        pytest.param("regex.extract('x', 'id=([0-9]+)').hasValue()", False, id="regex-nothing"),
        pytest.param("regex.extractAll('a1 b2', '[a-z]([0-9])')", ["1", "2"], id="regex-all"),
        pytest.param("ip('::1').isLoopback() && ip('10.0.0.1').family() == 4", True, id="ip"),
        pytest.param("string(ip('2001:DB8::0')) == '2001:db8::'", True, id="ip-as-text"),
        pytest.param("ip.isCanonical('2001:DB8::0')", False, id="ip-not-canonical"),
        pytest.param("ip('10.0.0.1') == ip('10.0.0.1')", True, id="equal-ips"),
        pytest.param(
            "type(ip('::')) == net.IP && type(cidr('::/0')) == net.CIDR", True, id="types"
        ),
        pytest.param("isIP('::ffff:10.0.0.1') || isIP('x') || isCIDR('::1')", False, id="no-ips"),
        pytest.param("cidr('10.0.0.0/8').containsIP('10.1.2.3')", True, id="contains-ip"),
        pytest.param("cidr('10.0.0.0/8').containsIP(ip('::1'))", False, id="contains-other"),
        pytest.param("cidr('10.0.0.0/8').containsCIDR('10.1.0.0/16')", True, id="contains-cidr"),
        pytest.param("cidr('10.1.0.0/16').containsCIDR(cidr('10.0.0.0/8'))", False, id="wider"),
        pytest.param("string(cidr('10.1.2.3/8').masked())", "10.0.0.0/8", id="masked"),
        pytest.param("string(cidr('10.1.2.3/8').ip())", "10.1.2.3", id="ip-of-cidr"),
        pytest.param("cidr('10.0.0.0/8').prefixLength()", 8, id="prefix-length"),
        pytest.param("ip('224.0.0.1').isLinkLocalMulticast()", True, id="multicast"),
        pytest.param(
            "ip('8.8.8.8').isGlobalUnicast() && !ip('0.0.0.0').isGlobalUnicast()", True, id="g"
        ),
        pytest.param(
            "ip('fe80::1').isLinkLocalUnicast() && ip('::').isUnspecified()", True, id="l"
        ),
        pytest.param("math.greatest(1, 2.5, 2u)", 2.5, id="greatest"),
        pytest.param("math.least([3, 1])", 1, id="least-of-list"),
        pytest.param("[math.ceil(1.2), math.floor(-1.2)]", [2.0, -2.0], id="ceil-and-floor"),
        pytest.param("[math.round(2.5), math.round(-2.5)]", [3.0, -3.0], id="round"),
        pytest.param("math.trunc(-1.9)", -1.0, id="trunc"),
        pytest.param("[math.abs(-3), math.sign(-3)]", [3, -1], id="abs-and-sign"),
        pytest.param("math.sqrt(9)", 3.0, id="sqrt"),
        pytest.param("math.isNaN(math.sqrt(-1.0))", True, id="sqrt-of-negative"),
        pytest.param("math.isInf(1.0 / 0.0) && !math.isFinite(1.0 / 0.0)", True, id="infinite"),
        pytest.param("math.ceil(1.0 / 0.0)", math.inf, id="ceil-of-infinity"),
        pytest.param(
            "[math.bitAnd(6, 3), math.bitOr(6, 3), math.bitXor(6, 3)]", [2, 7, 5], id="bits"
        ),
        pytest.param("math.bitNot(0u)", UInt(2**64 - 1), id="not-of-uint"),
        pytest.param("math.bitShiftLeft(1, 63)", -(2**63), id="shift-into-the-sign"),
        pytest.param("math.bitShiftRight(-1, 63)", 1, id="shift-is-logical"),
    ],
)
def test_extension(text: str, value: Any) -> None:
    assert evaluate(text) == value


@pytest.mark.parametrize(
    ("text", "error"),
    [
        pytest.param("'abc'.charAt(4)", IndexRange, id="char-at"),
        pytest.param("'abc'.charAt(-1)", IndexRange, id="char-at-negative"),
        pytest.param("'abc'.charAt(1.0)", NoSuchOverload, id="char-at-double"),
        pytest.param("'abc'.substring(2, 1)", InvalidArgument, id="substring-backwards"),
        pytest.param("'abc'.substring(0, 4)", IndexRange, id="substring-too-long"),
        pytest.param("['a', 1].join()", NoSuchOverload, id="join-of-int"),
        pytest.param("'a'.split(1)", NoSuchOverload, id="split-by-int"),
        pytest.param("'%d'.format(['a'])", InvalidArgument, id="format-type"),
        pytest.param("'%q'.format([1])", InvalidArgument, id="format-clause"),
        pytest.param("'%'.format([1])", InvalidArgument, id="format-open"),
        pytest.param("'%s %s'.format([1])", IndexRange, id="format-too-few"),
        pytest.param("'%.9999f'.format([1.0])", InvalidArgument, id="format-digits"),
        pytest.param("regex.replace('a', '(', 'b')", InvalidArgument, id="regex-pattern"),
        pytest.param("regex.replace('a', 'a', r'\\1')", InvalidArgument, id="regex-reference"),
        pytest.param("regex.extract('a', '(a)(a)')", InvalidArgument, id="regex-two-groups"),
        pytest.param("ip('10.0.0')", InvalidArgument, id="no-ip"),
        pytest.param("ip('::ffff:10.0.0.1')", InvalidArgument, id="mapped-ip"),
        pytest.param("cidr('10.0.0.0/33')", InvalidArgument, id="no-cidr"),
        pytest.param("'10.0.0.1'.family()", NoSuchOverload, id="family-of-text"),
        pytest.param("base64.decode('a')", InvalidArgument, id="base64"),
        pytest.param("base64.decode('é===')", InvalidArgument, id="base64-of-letters"),
        pytest.param("[1, 'a'].sort()", NoSuchOverload, id="sort-of-mixture"),
        pytest.param("[[1], [2]].sort()", NoSuchOverload, id="sort-of-lists"),
        pytest.param("[1].slice(0, 2)", InvalidArgument, id="slice"),
        pytest.param("[1].flatten(-1)", InvalidArgument, id="flatten"),
        pytest.param("math.greatest('a', 1)", NoSuchOverload, id="greatest"),
        pytest.param("math.greatest([])", InvalidArgument, id="greatest-of-nothing"),
        pytest.param("math.round(1)", NoSuchOverload, id="round-of-int"),
        pytest.param("math.abs(-9223372036854775808)", Overflow, id="abs"),
        pytest.param("math.bitShiftLeft(1, -1)", InvalidArgument, id="shift"),
        pytest.param("math.bitAnd(1, 1u)", NoSuchOverload, id="bits-of-two-types"),
    ],
)
def test_extension_refuses(text: str, error: type[EvaluationError]) -> None:
    with pytest.raises(error):
        evaluate(text)
