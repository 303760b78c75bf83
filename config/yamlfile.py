"""A file of YAML documents to plain data with the line of every value, whatever the file holds.

The dialect is the YAML 1.2 core schema cut down to what JSON can say: text keys, each once; no tags
but the core ones; no merge keys; no infinities. An alias costs what it stands for.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from config.errors import Problem
from config.yamlcompose import Budget, Document, Place, UnreadableError, compose

MAX_FILE_BYTES: Final = 10 * 1000 * 1000
MAX_DOCUMENT: Final = 2 * 1024 * 1024  # room for both halves of a Secret, as base64
MAX_DOCUMENTS: Final = 10_000

_MARKER: Final = re.compile(r"^(?:---|\.\.\.)(?=[ \t\n]|\Z)", re.MULTILINE)
_SIGNIFICANT: Final = re.compile(r"^(?![ \t]*(?:#|$)).+", re.MULTILINE)
_VERSION: Final = re.compile(r"%YAML[ \t]+1\.[0-9]{1,3}[ \t]*(?:#.*)?")
# U+0085, U+2028 and U+2029 are printable, but a YAML 1.1 parser takes them for the end of a line.
_REFUSED: Final = re.compile(
    "[^\t\n\x20-\x7e\xa0-\u2027\u202a-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]"
)
_WIDE_MARKS: Final = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE, codecs.BOM_UTF32_BE)


@dataclass(frozen=True, slots=True)
class YamlFile:
    """The documents of a file, and what is wrong with the file apart from them."""

    documents: tuple[Document, ...]
    problems: tuple[Problem, ...] = ()


def parse(content: bytes | str, file: str = "") -> YamlFile:
    """Read every document of a file. What is wrong is in the result, nothing is raised."""
    documents: list[Document] = []
    try:
        documents.extend(_documents(_text(content), file))
    except _RefusedError as refused:
        problem = Problem(file, refused.line, "", refused.message, refused.hint)
        return YamlFile(tuple(documents), (problem,))
    except UnreadableError:
        pass  # the last document holds the reason as its problem
    return YamlFile(tuple(documents))


class _RefusedError(Exception):
    def __init__(self, line: int, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.line = line
        self.message = message
        self.hint = hint


def _text(content: bytes | str) -> str:
    if len(content) > MAX_FILE_BYTES:
        raise _RefusedError(1, f"the file is larger than {MAX_FILE_BYTES} bytes", "split it")
    text = content if isinstance(content, str) else _decoded(content)
    text = text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")
    if found := _REFUSED.search(text):
        line = text.count("\n", 0, found.start()) + 1
        name = f"U+{ord(found[0]):04X}"
        raise _RefusedError(
            line, f"the character {name} cannot stand here", "write it as an escape"
        )
    return text


def _decoded(content: bytes) -> str:
    if content.startswith(_WIDE_MARKS):
        raise _RefusedError(
            1, "the file is not in UTF-8 but in UTF-16 or UTF-32", "save it as UTF-8"
        )
    try:
        return content.decode()
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
    raise _RefusedError(line, "the text is not valid UTF-8", "save the file as UTF-8")


def _documents(text: str, file: str) -> Iterator[Document]:
    budget = Budget()
    for count, (line, chunk) in enumerate(_chunks(text)):
        if count > MAX_DOCUMENTS:
            raise _RefusedError(
                line, f"the file has more than {MAX_DOCUMENTS} documents", "split it"
            )
        first = _SIGNIFICANT.search(chunk)
        if first is None:
            continue
        if first[0].startswith("%"):
            complaint = _directive_complaint(chunk)
        elif len(chunk) > MAX_DOCUMENT:
            complaint = f"the document is larger than {MAX_DOCUMENT} characters"
        else:
            yield from compose(chunk, line, file, budget)
            continue
        if complaint:
            yield Document(file, None, Place(line), (Problem(file, line, "", complaint),))


def _chunks(text: str) -> Iterator[tuple[int, str]]:
    """Yield (number of the first line, text) of what may be a document.

    A line that begins with --- or ... separates documents wherever it stands, even inside quotes,
    so an error in one document does not hide the next.
    """
    start, line = 0, 1
    for mark in _MARKER.finditer(text):
        yield line, text[start : mark.start()]
        line += text.count("\n", start, mark.start())
        start = mark.start() if mark[0] == "---" else mark.end()
    yield line, text[start:]


def _directive_complaint(chunk: str) -> str:
    """Say why directives are refused. The parser never sees one: its time for %TAG is quadratic."""
    lines = (found[0] for found in _SIGNIFICANT.finditer(chunk))
    if all(_VERSION.fullmatch(line) for line in lines):
        return ""
    return "only the directive %YAML 1.2 may stand here, followed by a line ---"
