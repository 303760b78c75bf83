"""CEL text to tokens. Refuses what is no token; knows nothing of grammar."""

from __future__ import annotations

import re
from enum import Enum, auto
from typing import Final, NamedTuple

from policy.cel.literals import decode_bytes, decode_string
from policy.cel.values import CompileError


class TokenKind(Enum):
    """What a token is."""

    IDENT = auto()
    QUOTED = auto()
    INTEGER = auto()
    FLOAT = auto()
    LITERAL = auto()
    OPERATOR = auto()
    END = auto()


class Token(NamedTuple):
    """One token; ``value`` is that of a LITERAL: a string, bytes, a bool or null."""

    kind: TokenKind
    text: str
    position: int
    value: str | bytes | bool | None = None


_TOKEN: Final = re.compile(
    r"""
    (?:[ \t\r\n\f]+|//[^\n]*)*(?:
    (?P<raw>[bB]?[rR](?:'''[\s\S]*?'''|\"{3}[\s\S]*?\"{3}|'[^'\r\n]*'|"[^"\r\n]*"))
    |(?P<string>[bB]?(?:'''(?:[^\\]|\\[\s\S])*?'''|\"{3}(?:[^\\]|\\[\s\S])*?\"{3}
        |'(?:[^'\\\r\n]|\\.)*'|"(?:[^"\\\r\n]|\\.)*"))
    |(?P<float>(?:[0-9]+\.[0-9]+|\.[0-9]+)(?:[eE][+-]?[0-9]+)?|[0-9]+[eE][+-]?[0-9]+)
    |(?P<integer>(?:0x[0-9a-fA-F]+|[0-9]+)[uU]?)
    |(?P<ident>[_a-zA-Z][_a-zA-Z0-9]*)
    |(?P<quoted>`[a-zA-Z0-9_.\-/ ]+`)
    |(?P<operator>&&|\|\||[=!<>]=|[-+*/%!<>?:.,()\[\]{}])
    |(?P<end>\Z))
    """,
    re.VERBOSE,
)
_BLANK: Final = re.compile(r"(?:[ \t\r\n\f]+|//[^\n]*)*")
_CONSTANTS: Final = {"true": True, "false": False, "null": None}
_KINDS: Final = {
    "float": TokenKind.FLOAT,
    "integer": TokenKind.INTEGER,
    "ident": TokenKind.IDENT,
    "quoted": TokenKind.QUOTED,
    "operator": TokenKind.OPERATOR,
}


def tokenize(text: str) -> list[Token]:
    """Return the tokens of a text, the last one END."""
    tokens: list[Token] = []
    position, find = 0, _TOKEN.match
    while (match := find(text, position)) is not None:
        if match.lastgroup == "end":
            tokens.append(Token(TokenKind.END, "", len(text)))
            return tokens
        tokens.append(_token(match))
        position = match.end()
    position = _skipped(text, position)
    raise CompileError(_complaint(text[position]), position)


def _token(match: re.Match[str]) -> Token:
    group = str(match.lastgroup)
    text, position = match[group], match.start(group)
    if group in ("raw", "string"):
        return Token(TokenKind.LITERAL, text, position, _quoted(text, position))
    if group == "ident":
        if text == "in":
            return Token(TokenKind.OPERATOR, text, position)
        if text in _CONSTANTS:
            return Token(TokenKind.LITERAL, text, position, _CONSTANTS[text])
    return Token(_KINDS[group], text.strip("`") if group == "quoted" else text, position)


def _quoted(text: str, position: int) -> str | bytes:
    start = min(text.index(quote) for quote in "'\"" if quote in text)
    prefix = text[:start].lower()
    marks = 3 if text[start : start + 3] in ("'''", '"""') and len(text) >= start + 6 else 1
    body = text[start + marks : len(text) - marks]
    try:
        if "r" in prefix:
            return body.encode() if "b" in prefix else body
        return decode_bytes(body, position) if "b" in prefix else decode_string(body, position)
    except UnicodeEncodeError:
        raise CompileError("a lone surrogate in a bytes literal", position) from None


def _skipped(text: str, position: int) -> int:
    """Return where blanks and comments end."""
    found = _BLANK.match(text, position)
    return found.end() if found is not None else position


def _complaint(character: str) -> str:
    if character in "'\"":
        return "a string that is never closed"
    return f"unexpected character {character!r}"
