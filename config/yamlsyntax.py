"""What is wrong with a text that is not YAML, in the words of somebody who writes resources."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import yaml

_TAB: Final = ("a tab cannot indent", "indent with spaces")
_INDENTATION: Final = "check the indentation"
_INSIDE_QUOTES: Final = ("the text ends inside quotes", "close them")
# The parser's words, then ours and what to do about it.
_WORDS: Final = {
    "mapping values are not allowed in this context": (
        "a key and its ':' cannot stand here",
        "check the indentation, and quote a text that holds ': '",
    ),
    "found character that cannot start any token": (
        "a value cannot begin with this character",
        "indent with spaces, and quote a text that begins with %, @ or `",
    ),
    "found a tab character that violates indentation": _TAB,
    "found a tab character where an indentation space is expected": _TAB,
    "did not find expected key": ("a key was expected here", _INDENTATION),
    "did not find expected '-' indicator": (
        "a list item, or the end of the list, was expected here",
        _INDENTATION,
    ),
    "block sequence entries are not allowed in this context": (
        "a list item cannot begin here",
        "put it on a line of its own",
    ),
    "did not find expected ',' or ']'": ("',' or ']' was expected here", ""),
    "did not find expected ',' or '}'": ("',' or '}' was expected here", ""),
    "did not find expected node content": ("a value was expected here", ""),
    "could not find expected ':'": ("a ':' was expected after the key", ""),
    "found unexpected end of stream": _INSIDE_QUOTES,
    "found unexpected document indicator": _INSIDE_QUOTES,
    "found unknown escape character": (
        "there is no such escape in double quotes",
        "double the backslash, or use single quotes",
    ),
    "found undefined tag handle": ("tags are not accepted", "remove it"),
    "did not find expected <document start>": (
        "something follows the end of the document",
        "begin the next one with ---",
    ),
    "did not find expected comment or line break": (
        "a block of text begins on the line after its | or >",
        "",
    ),
}


@dataclass(frozen=True, slots=True)
class Complaint:
    """What is wrong with a text, and on which line."""

    line: int
    message: str
    hint: str


def explain(error: yaml.YAMLError, first_line: int) -> Complaint:
    """Say in plain words why a text whose first line has this number is not YAML."""
    if not isinstance(error, yaml.MarkedYAMLError) or error.problem_mark is None:
        return Complaint(first_line, "is not valid YAML", "")
    line = first_line + error.problem_mark.line
    problem = error.problem or "unknown problem"
    if problem not in _WORDS:
        return Complaint(line, f"is not valid YAML: {problem}", "")
    message, hint = _WORDS[problem]
    if error.context_mark is not None and first_line + error.context_mark.line < line:
        message = f"{message} (see line {first_line + error.context_mark.line})"
    return Complaint(line, message, hint)
