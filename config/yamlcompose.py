"""YAML events to plain data and the line of every value, within a budget.

Works without recursion, so no depth of nesting can exhaust the stack, and counts what an alias
stands for as if it were written out, so whoever walks the data afterwards is bounded as well.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final, TypeAlias

import yaml

from config.errors import Problem
from config.paths import joined, steps
from config.yamlscalar import CORE, RefusedScalarError, read_scalar
from config.yamlsyntax import explain

MAX_DEPTH: Final = 64
MAX_KEY: Final = 256
MAX_VALUES: Final = 250_000
MAX_CHARACTERS: Final = 20 * 1024 * 1024
MAX_PROBLEMS: Final = 100

_LOADER: Final = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_MERGE: Final = "<<"

_Collection: TypeAlias = dict[str, Any] | list[Any]


@dataclass(slots=True)
class Place:
    """The line of a value and, for a mapping or list, the places of what it holds."""

    line: int
    children: dict[str | int, Place] = field(default_factory=dict)

    def nearest(self, path: str) -> Place:
        """Return the place at ``path``, or of the closest thing around it."""
        place = self
        for step in steps(path):
            child = place.children.get(step)
            if child is None:
                break
            place = child
        return place


@dataclass(slots=True)
class Budget:
    """What may still be read of a file; an alias costs what it stands for."""

    values: int = MAX_VALUES
    characters: int = MAX_CHARACTERS

    def spend(self, values: int, characters: int) -> None:
        """Take so much away, or raise UnreadableError where it is not there."""
        self.values -= values
        self.characters -= characters
        if self.values < 0:
            raise UnreadableError(
                f"the file has more than {MAX_VALUES} values, aliases written out"
            )
        if self.characters < 0:
            raise UnreadableError("the file becomes too large when its aliases are written out")


@dataclass(frozen=True, slots=True)
class Document:
    """One document; with ``problems``, ``data`` is what could be read in spite of them."""

    file: str
    data: Any = field(repr=False)
    place: Place = field(repr=False)
    problems: tuple[Problem, ...] = ()

    def line(self, path: str) -> int:
        """Return the line of the key or item at ``path``, or of the closest thing around it."""
        return self.place.nearest(path).line


class BrokenDocumentError(Exception):
    """The rest of the document is not read."""


class UnreadableError(BrokenDocumentError):
    """A bound is reached, so that the rest of the file is not read."""


def compose(text: str, first_line: int, file: str, budget: Budget) -> Iterator[Document]:
    """Yield the documents of a text, the broken one last; then pass UnreadableError on."""
    composer = _Composer(file, first_line, budget)
    try:
        for event in yaml.parse(text, Loader=_LOADER):
            composer.take(event)
            if isinstance(event, yaml.DocumentEndEvent):
                yield composer.finished()
    except yaml.YAMLError as error:
        complaint = explain(error, first_line)
        yield composer.broken(complaint.line, complaint.message, complaint.hint)
    except BrokenDocumentError as error:
        yield composer.broken(composer.line, str(error))
        if isinstance(error, UnreadableError):
            raise


@dataclass(slots=True)
class _Open:
    """A mapping or list that has begun and not ended, ``step`` inside the one around it."""

    holds: _Collection
    place: Place
    step: str | int
    anchor: str | None
    values_left: int
    characters_left: int
    height: int = 1
    key: str | None = None
    key_line: int = 0
    awaits_value: bool = False


@dataclass(frozen=True, slots=True)
class _Anchored:
    """A value with an anchor, and what an alias to it costs."""

    value: Any
    place: Place
    values: int
    characters: int
    height: int


class _Composer:
    """Builds one document after the other from the events it takes."""

    def __init__(self, file: str, first_line: int, budget: Budget) -> None:
        self.line = first_line
        self._file = file
        self._first_line = first_line
        self._budget = budget
        self._begin()

    def take(self, event: yaml.Event) -> None:
        """Add what the parser says next."""
        assert event.start_mark is not None
        self.line = self._first_line + event.start_mark.line
        match event:
            case yaml.ScalarEvent():
                self._take_scalar(event)
            case yaml.MappingStartEvent():
                self._open({}, event, f"{CORE}map")
            case yaml.SequenceStartEvent():
                self._open([], event, f"{CORE}seq")
            case yaml.MappingEndEvent() | yaml.SequenceEndEvent():
                self._close()
            case yaml.AliasEvent():
                self._take_alias(str(event.anchor))
            case yaml.DocumentStartEvent():
                self._place.line = self.line
            case _:
                pass

    def finished(self) -> Document:
        """Return the document as far as it was read."""
        document = Document(self._file, self._root, self._place, tuple(self._problems))
        self._begin()
        return document

    def broken(self, line: int, message: str, hint: str = "") -> Document:
        """Return the document as far as it was read, with the reason why it ends there."""
        self._problems.append(Problem(self._file, line, self._path(), message, hint))
        return self.finished()

    def _begin(self) -> None:
        self._root: Any = None
        self._place = Place(self.line)
        self._stack: list[_Open] = []
        self._anchors: dict[str, _Anchored] = {}
        self._problems: list[Problem] = []

    def _report(self, message: str, hint: str = "") -> None:
        self._problems.append(Problem(self._file, self.line, self._path(), message, hint))
        if len(self._problems) == MAX_PROBLEMS:
            raise BrokenDocumentError("there are too many problems; the rest is not read")

    def _path(self) -> str:
        path = ""
        for collection in self._stack[1:]:
            path = joined(path, collection.step)
        return path

    def _take_scalar(self, event: yaml.ScalarEvent) -> None:
        self._budget.spend(1, len(event.value))
        is_plain = event.implicit[0]
        try:
            value = read_scalar(event.value, event.tag, is_plain=is_plain)
        except RefusedScalarError as refused:
            self._report(refused.message, refused.hint)
            value = None
        if self._expects_key():
            self._take_key(value, is_plain=is_plain)
            return
        place = self._attach(value)
        if event.anchor:
            self._anchors[event.anchor] = _Anchored(value, place, 1, len(event.value), 0)

    def _take_alias(self, name: str) -> None:
        if self._expects_key():
            raise BrokenDocumentError("a key must be text, not an alias")
        anchored = self._anchors.get(name)
        if anchored is None:
            raise BrokenDocumentError(f'there is no anchor "{name}" before this alias')
        self._budget.spend(anchored.values, anchored.characters)
        self._reach(anchored.height)
        self._attach(anchored.value).children = anchored.place.children

    def _open(self, holds: _Collection, event: yaml.CollectionStartEvent, tag: str) -> None:
        if self._expects_key():
            raise BrokenDocumentError("a key must be text, not a mapping or list")
        if event.tag not in {None, tag}:
            self._report("this tag is not accepted", "remove it")
        left = self._budget.values, self._budget.characters
        self._budget.spend(1, 0)
        self._reach(1)
        step = self._step()
        place = self._attach(holds)
        self._stack.append(_Open(holds, place, step, event.anchor, *left))

    def _close(self) -> None:
        ended = self._stack.pop()
        if ended.anchor:
            self._anchors[ended.anchor] = _Anchored(
                ended.holds,
                ended.place,
                ended.values_left - self._budget.values,
                ended.characters_left - self._budget.characters,
                ended.height,
            )

    def _reach(self, height: int) -> None:
        """Account for a value of this height inside the innermost open collection."""
        if len(self._stack) + height > MAX_DEPTH:
            raise BrokenDocumentError(f"is nested deeper than {MAX_DEPTH}")
        for distance, collection in enumerate(reversed(self._stack), start=1):
            collection.height = max(collection.height, height + distance)

    def _expects_key(self) -> bool:
        if not self._stack:
            return False
        around = self._stack[-1]
        return isinstance(around.holds, dict) and not around.awaits_value

    def _take_key(self, key: Any, *, is_plain: bool) -> None:
        around = self._stack[-1]
        around.awaits_value, around.key, around.key_line = True, None, self.line
        if not isinstance(key, str):
            self._report("a key must be text", "quote it")
        elif len(key) > MAX_KEY:
            self._report(f"a key must have at most {MAX_KEY} characters")
        elif key == _MERGE and is_plain:
            self._report("merge keys are not accepted", "write the keys out")
        elif key in around.place.children:
            first = around.place.children[key].line
            self._report(f"the key {json.dumps(key)} is there twice", f"first on line {first}")
        else:
            around.key = key

    def _step(self) -> str | int:
        """Return the step from the innermost open collection to the value that comes next."""
        if not self._stack:
            return ""
        around = self._stack[-1]
        return len(around.holds) if isinstance(around.holds, list) else around.key or "?"

    def _attach(self, value: Any) -> Place:
        """Put a value where it belongs and return its place; under a refused key, nowhere."""
        place = Place(self.line)
        if not self._stack:
            self._root, self._place = value, place
            return place
        around = self._stack[-1]
        if isinstance(around.holds, list):
            around.place.children[len(around.holds)] = place
            around.holds.append(value)
            return place
        place.line, around.awaits_value = around.key_line, False
        if around.key is not None:
            around.place.children[around.key] = place
            around.holds[around.key] = value
        return place
