"""The PolicyTests of a directory, with the place of each case. Nothing but these is read here."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from config.decode import decode
from config.errors import ConfigError, Problem
from config.policy_test import Case, PolicyTest
from config.sources.tree import list_files, read_files
from config.yamlcompose import Document
from config.yamlfile import parse


@dataclass(frozen=True, slots=True)
class PlacedCase:
    """One case, and where it stands; ``at`` is its path in its document."""

    test: str
    case: Case
    document: Document
    at: str

    @property
    def line(self) -> int:
        """The line the case begins at."""
        return self.document.line(self.at)

    def problem(self, key: str, message: str, hint: str = "") -> Problem:
        """Say what is wrong with a key of the case."""
        path = f"{self.at}.{key}" if key else self.at
        return Problem(self.document.file, self.document.line(path), path, message, hint)


def load_policy_tests(source: Path) -> tuple[PlacedCase, ...]:
    """Return the cases of every PolicyTest; raises ConfigError with all that is wrong."""
    contents = read_files(list_files(source))
    problems = list(contents.problems)
    cases: list[PlacedCase] = []
    first: dict[str, Document] = {}
    for document in _documents(contents.files):
        if document.problems:
            problems.extend(document.problems)
            continue
        try:
            test = decode(PolicyTest, document.data)
        except ConfigError as error:
            problems.extend(_placed(document, problem) for problem in error.problems)
            continue
        name = test.metadata.name
        if first.setdefault(name, document) is not document:
            known = f"{first[name].file}:{first[name].line('metadata.name')}"
            message = f'PolicyTest "{name}" is declared twice'
            twice = Problem("", 0, "metadata.name", message, f"first at {known}")
            problems.append(_placed(document, twice))
        cases.extend(
            PlacedCase(name, case, document, f"spec.cases[{index}]")
            for index, case in enumerate(test.spec.cases)
        )
    if problems:
        raise ConfigError(problems)
    return tuple(cases)


def _documents(files: tuple[tuple[str, bytes], ...]) -> Iterator[Document]:
    for name, content in files:
        for document in parse(content, name).documents:
            data = document.data
            if isinstance(data, dict) and data.get("kind") == PolicyTest.kind:
                yield document


def _placed(document: Document, problem: Problem) -> Problem:
    return replace(problem, file=document.file, line=document.line(problem.path))
