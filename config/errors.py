"""What is wrong with a declaration, and exactly where."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum


class Severity(StrEnum):
    """Whether a Problem refuses the declaration or only warns about it."""

    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True, slots=True, order=True)
class Problem:
    """One finding: ``file:line: path: what is wrong; what was probably meant``.

    ``path`` is the field's path in YAML spelling (``spec.config.http.auth``), ``line`` counts from
    1 and is 0 where there is no file.
    """

    file: str
    line: int
    path: str
    message: str
    hint: str = ""
    severity: Severity = Severity.ERROR

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}: " if self.line else f"{self.file}: " if self.file else ""
        mark = "warning: " if self.severity is Severity.WARNING else ""
        path = f"{self.path}: " if self.path else ""
        hint = f"; {self.hint}" if self.hint else ""
        return f"{place}{mark}{path}{self.message}{hint}"


class ConfigError(Exception):
    """A declaration is refused; ``problems`` holds every reason found, in file order."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems: tuple[Problem, ...] = tuple(sorted(problems))
        super().__init__("\n".join(str(problem) for problem in self.problems))

    @classmethod
    def at(cls, path: str, message: str, hint: str = "") -> ConfigError:
        """Build the error for one problem whose file and line are not known here."""
        return cls([Problem("", 0, path, message, hint)])
