"""The files of a resource directory: which there are, whether they changed, and what they hold."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, TypeAlias

from config.errors import Problem
from config.yamlfile import MAX_FILE_BYTES

MAX_ENTRIES: Final = 100_000
MAX_FILES: Final = 10_000
MAX_BYTES: Final = 100 * 1000 * 1000
_SUFFIXES: Final = (".yaml", ".yml")

Signature: TypeAlias = tuple[tuple[str, int, int, int], ...]


@dataclass(frozen=True, slots=True)
class Listing:
    """The resource files found, each with what tells whether it changed."""

    files: tuple[Path, ...]
    signature: Signature
    problems: tuple[Problem, ...]


@dataclass(frozen=True, slots=True)
class Contents:
    """What the files hold, by the name an operator knows them by."""

    files: tuple[tuple[str, bytes], ...] = field(repr=False)
    problems: tuple[Problem, ...]


def list_files(source: Path) -> Listing:
    """Find the resource files of a directory, or take a single file as it is.

    Hidden files and directories are passed over; symbolic links are followed, each directory once.
    """
    finder = _Finder()
    finder.look(source)
    found = sorted(finder.found.items())
    return Listing(
        files=tuple(path for path, _ in found),
        signature=tuple(
            (str(path), status.st_mtime_ns, status.st_size, status.st_ino) for path, status in found
        ),
        problems=tuple(finder.problems),
    )


def read_files(listing: Listing) -> Contents:
    """Read what was found, never more than the bounds allow."""
    files: list[tuple[str, bytes]] = []
    problems = list(listing.problems)
    left = MAX_BYTES
    for path in listing.files:
        try:
            with path.open("rb") as file:
                content = file.read(MAX_FILE_BYTES + 1)
        except OSError as error:
            problems.append(_unreadable(path, error))
            continue
        left -= len(content)
        if left < 0:
            problems.append(
                Problem(_label(path), 0, "", f"the files exceed {MAX_BYTES} bytes together")
            )
            break
        files.append((_label(path), content))
    return Contents(tuple(files), tuple(problems))


def _may_matter(path: Path) -> bool:
    """Pass over what is hidden, and what is neither a resource file nor a directory."""
    if path.name.startswith("."):
        return False
    return path.suffix in _SUFFIXES or os.path.isdir(path)  # noqa: PTH112 - is_dir() may raise


def _label(path: Path) -> str:
    """Return the path as text that can be printed, even where the name is not Unicode."""
    return os.fsencode(path).decode(errors="backslashreplace")


def _unreadable(path: Path, error: OSError) -> Problem:
    return Problem(_label(path), 0, "", f"cannot be read: {error.strerror or type(error).__name__}")


class _Finder:
    def __init__(self) -> None:
        self.found: dict[Path, os.stat_result] = {}
        self.problems: list[Problem] = []
        self._visited: set[tuple[int, int]] = set()
        self._entries = 0

    def look(self, source: Path) -> None:
        """Take ``source`` itself, whatever it is called, and what is below it."""
        status = self._status(source)
        if status is None:
            return
        if not stat.S_ISDIR(status.st_mode):
            self._take_file(source, status)
            return
        self._is_new(status)
        waiting = [source]
        while waiting and self._has_room(source):
            waiting.extend(self._below(waiting.pop()))

    def _below(self, directory: Path) -> Iterator[Path]:
        """Take the files of a directory and yield the directories in it."""
        try:
            paths = sorted(directory.iterdir())
        except OSError as error:
            self.problems.append(_unreadable(directory, error))
            return
        self._entries += len(paths)
        for path in paths:
            status = self._status(path) if _may_matter(path) else None
            if status is None:
                continue
            if stat.S_ISDIR(status.st_mode):
                if self._is_new(status):
                    yield path
            elif path.suffix in _SUFFIXES:
                self._take_file(path, status)

    def _is_new(self, status: os.stat_result) -> bool:
        """Tell whether a directory was not seen yet, by whichever name."""
        known = len(self._visited)
        self._visited.add((status.st_dev, status.st_ino))
        return len(self._visited) > known

    def _take_file(self, path: Path, status: os.stat_result) -> None:
        if stat.S_ISREG(status.st_mode):
            self.found[path] = status
        else:
            self.problems.append(Problem(_label(path), 0, "", "is not a regular file"))

    def _status(self, path: Path) -> os.stat_result | None:
        try:
            return path.stat()
        except OSError as error:
            self.problems.append(_unreadable(path, error))
            return None

    def _has_room(self, source: Path) -> bool:
        if len(self.found) <= MAX_FILES and self._entries <= MAX_ENTRIES:
            return True
        message = f"holds more than {MAX_FILES} resource files or {MAX_ENTRIES} entries"
        self.problems.append(Problem(_label(source), 0, "", message))
        return False
