"""Which Rego is admitted: read here, before the engine sees it (spec/data-plane.md §2.5).

The engine is native code that ends the process on calls it does not know, lets names hide functions
and keeps escapes in strings as they are written. So a module may only call what is listed here, and
says no more than a condition needs.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from policy.cel.values import CompileError

MAX_BYTES: Final = 20_000
MAX_NESTING: Final = 32
PACKAGE: Final = "octelium.condition"
RULE: Final = "match"

# Not here, besides all that reads the clock, the environment, randomness or the network: regular
# expressions and globs (they backtrack without a bound), what counts characters (escapes count as
# they are written), and what can give far more than it was given.
FUNCTIONS: Final = frozenset(
    """
    abs ceil floor round count max min product sort sum
    array.concat array.reverse array.slice intersection union
    object.get object.keys object.remove object.union
    concat contains endswith lower split startswith trim trim_left trim_prefix trim_right
    trim_space trim_suffix upper strings.any_prefix_match strings.any_suffix_match
    is_array is_boolean is_null is_number is_object is_set is_string type_name
    """.split()  # noqa: SIM905 - one name a line would hide how few these are
)
_KEYWORDS: Final = frozenset(
    "as default else every false if import in not null package some true with".split()  # noqa: SIM905 - as above
)
_IMPORTS: Final = re.compile(r"rego\.v1|future\.keywords(\.(contains|every|if|in))?")
_OPENING: Final = {"(": ")", "[": "]", "{": "}"}
_TOKEN: Final = re.compile(
    r"""
    (?P<space>[ \t]+|\#[^\x00-\x08\x0a-\x1f\x7f]*)
  | (?P<line>[\r\n])
  | (?P<name>[A-Za-z_][A-Za-z0-9_]*(?:[ \t]*\.[ \t]*[A-Za-z_][A-Za-z0-9_]*)*)
  | (?P<number>[0-9][0-9A-Za-z.]*)
  | (?P<text>"(?:[^"\\\r\n]|\\[^\r\n])*"|`[^`]*`)
  | (?P<sign>:=|==|!=|<=|>=|[][(){}.,;:|&=<>+*/%-])
    """,
    re.VERBOSE,
)
_UNSAID: Final = re.compile(r"[\\\x00-\x1f\x7f]")


@dataclass(frozen=True, slots=True)
class _Token:
    kind: str
    text: str
    position: int
    begins_line: bool
    depth: int


def check(text: str) -> None:
    """Raise CompileError for a module that is not admitted."""
    if len(text.encode("utf-8", "surrogatepass")) > MAX_BYTES:
        raise CompileError(f"must have at most {MAX_BYTES} bytes")
    tokens = list(_tokens(text))
    _check_package(tokens)
    for keyword, name in pairwise(tokens):
        if keyword.text == "import" and not _IMPORTS.fullmatch(name.text):
            raise CompileError("only rego.v1 and future.keywords can be imported", name.position)
    _check_calls(tokens)
    if RULE not in _heads(tokens):
        raise CompileError(f"must define {RULE}")


def _tokens(text: str) -> Iterator[_Token]:
    position, begins_line = 0, True
    expected: list[str] = []
    while position < len(text):
        found = _TOKEN.match(text, position)
        if found is None:
            raise CompileError(f"unexpected {text[position]!r}", position)
        kind, token = found.lastgroup or "", found.group()
        if kind == "line":
            begins_line = True
        elif kind != "space":
            read = "".join(token.split()) if kind == "name" else token
            yield _Token(kind, read, position, begins_line, len(expected))
            _check_token(kind, read, position)
            _nest(token, expected, position)
            begins_line = False
        position = found.end()
    if expected:
        raise CompileError(f"{expected[-1]} is missing", len(text))


def _check_token(kind: str, text: str, position: int) -> None:
    if kind == "text" and (_UNSAID.search(text) or (text[0] == "`" and '"' in text)):
        raise CompileError("a string must hold no escape, quote or control character", position)
    if text == "with":
        raise CompileError("with is not available in conditions", position)


def _nest(token: str, expected: list[str], position: int) -> None:
    if token in _OPENING:
        expected.append(_OPENING[token])
    elif token in _OPENING.values() and (not expected or expected.pop() != token):
        raise CompileError(f"unexpected {token!r}", position)
    if len(expected) > MAX_NESTING:
        raise CompileError(f"must not be nested deeper than {MAX_NESTING}", position)


def _check_package(tokens: Sequence[_Token]) -> None:
    first = [token.text for token in tokens[:2]]
    is_alone = len(tokens) < 3 or tokens[2].begins_line
    if first != ["package", PACKAGE] or not is_alone:
        raise CompileError(f"must begin with package {PACKAGE}")


def _heads(tokens: Sequence[_Token]) -> frozenset[str]:
    """Return the names of the rules: what begins a line outside all brackets."""
    found = {token.text for token in tokens if token.begins_line and token.depth == 0}
    found |= {name.text for keyword, name in pairwise(tokens) if keyword.text == "default"}
    return frozenset(found) - _KEYWORDS


def _check_calls(tokens: Sequence[_Token]) -> None:
    """Refuse calls of anything but the listed functions and the module's own."""
    own = {head for head in _heads(tokens) if "." not in head}
    called = set()
    for before, token, after in zip([None, *tokens], tokens, tokens[1:], strict=False):
        if after.text != "(" or not _may_be_called(token):
            continue
        is_field = before is not None and before.text == "."
        if token.kind != "name" or is_field:
            raise CompileError("only what has a name can be called", after.position)
        if token.text not in FUNCTIONS | own:
            raise CompileError(f"{token.text} is not available in conditions", token.position)
        if token.text == RULE:
            raise CompileError(f"{RULE} must take no arguments", after.position)
        called.add(token.text.partition(".")[0])
    _check_hidden(tokens, called)


def _may_be_called(token: _Token) -> bool:
    if token.kind == "sign":
        return token.text in _OPENING.values()
    return token.text not in _KEYWORDS


def _check_hidden(tokens: Sequence[_Token], called: set[str]) -> None:
    for before, token, after in zip([None, *tokens], tokens, [*tokens[1:], None], strict=False):
        is_field = before is not None and before.text == "."
        is_call = after is not None and after.text == "("
        if token.kind != "name" or is_field or is_call or _is_set_rule(token, after):
            continue
        if token.text.partition(".")[0] in called:
            message = f"{token.text} is called as a function and cannot be a name as well"
            raise CompileError(message, token.position)


def _is_set_rule(token: _Token, after: _Token | None) -> bool:
    is_keyword = token.text == "contains" and not token.begins_line
    return is_keyword and after is not None and (after.kind != "sign" or after.text in "[{")
