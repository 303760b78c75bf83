"""Resources from a file or a directory of files: loaded whole, and watched for edits.

A set of files is good or refused as a whole, with every reason at once.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

from config.errors import ConfigError, Problem, Severity
from config.snapshot import Snapshot
from config.sources.declarations import Declarations
from config.sources.tree import Contents, list_files, read_files
from config.yamlcompose import Document

POLL_SECONDS: Final = 0.15


@dataclass(frozen=True, slots=True)
class Loaded:
    """A good set of resources, what to warn about, and which files it came from."""

    snapshot: Snapshot
    warnings: tuple[Problem, ...]
    digest: str = field(default="", repr=False)
    documents: Mapping[str, Document] = field(default_factory=dict, repr=False)

    def located(self, error: ConfigError) -> ConfigError:
        """Return the error with file and line where its problems have ``Kind name`` for a file."""
        return ConfigError(self._located(problem) for problem in error.problems)

    def place(self, resource: str, path: str) -> str:
        """Return ``file:line`` of a path in the resource called ``Kind name``."""
        document = self.documents.get(resource)
        return f"{document.file}:{document.line(path)}" if document is not None else resource

    def _located(self, problem: Problem) -> Problem:
        document = self.documents.get(problem.file)
        if document is None:
            return problem
        return replace(problem, file=document.file, line=document.line(problem.path))


def load(source: Path, *, revision: int = 1) -> Loaded:
    """Read all resources of a file or directory, or raise ConfigError with every reason why not."""
    return _built(source, read_files(list_files(source)), revision)


async def watch(
    source: Path,
    *,
    since: Loaded | None = None,
    interval: float = POLL_SECONDS,
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
) -> AsyncIterator[Loaded | ConfigError]:
    """Yield the resources, or why they are refused, whenever the files hold something new.

    Files are read once two polls see the same, so an edit in progress is not taken for the result.
    Without ``since`` the first thing yielded is what is there at the beginning.
    """
    watcher = _Watcher(source, since)
    while True:
        outcome = await asyncio.to_thread(watcher.poll)
        if outcome is not None:
            yield outcome
        await sleep(interval)


class _Watcher:
    """What was seen and loaded so far; ``poll`` runs in a thread, never twice at once."""

    def __init__(self, source: Path, since: Loaded | None) -> None:
        self._source = source
        self._digest = since.digest if since else ""
        self._revision = since.snapshot.revision if since else 0
        self._seen: object = None
        self._settled: object = None

    def poll(self) -> Loaded | ConfigError | None:
        """Look at the files, and load them where they are new and at rest."""
        listing = list_files(self._source)
        now = (listing.signature, listing.problems)
        is_at_rest, self._seen = now == self._seen, now
        if not is_at_rest or now == self._settled:
            return None
        contents = read_files(listing)
        after = list_files(self._source)
        if (after.signature, after.problems) != now:
            return None
        self._settled = now
        digest = _digest(contents)
        if digest == self._digest:
            return None
        self._digest = digest
        return self._load(contents)

    def _load(self, contents: Contents) -> Loaded | ConfigError:
        try:
            loaded = _built(self._source, contents, self._revision + 1)
        except ConfigError as error:
            # Its traceback would hold everything that was read, and be held by the thread's frames.
            return error.with_traceback(None)
        self._revision = loaded.snapshot.revision
        return loaded


def _built(source: Path, contents: Contents, revision: int) -> Loaded:
    declarations = Declarations(contents.problems)
    for name, content in contents.files:
        declarations.add_file(name, content)
    problems = declarations.problems
    if declarations.is_empty and not problems:
        message = "holds no resources"
        problems.append(Problem(str(source), 0, "", message, severity=Severity.WARNING))
    declarations.finish()
    if any(problem.severity is Severity.ERROR for problem in problems):
        raise ConfigError(problems)
    snapshot = Snapshot.of(declarations.resources(), revision)
    warnings = tuple(sorted(problems))
    return Loaded(snapshot, warnings, _digest(contents), declarations.documents())


def _digest(contents: Contents) -> str:
    """Tell one content from another; what could not be read is part of it."""
    digest = hashlib.sha256()
    for name, content in contents.files:
        digest.update(f"{name}\0{len(content)}\0".encode())
        digest.update(content)
    for problem in contents.problems:
        digest.update(str(problem).encode())
    return digest.hexdigest()
