"""What a person reads on stderr, and what a program reads on stdout: never wrapped for either."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from enum import StrEnum
from typing import Final

from rich.console import Console
from rich.text import Text

from config.errors import Problem, Severity

_STYLES: Final = {Severity.ERROR: "red", Severity.WARNING: "yellow"}


class Format(StrEnum):
    """How a result is shown."""

    TEXT = "text"
    JSON = "json"


def say(text: str, style: str = "") -> None:
    """Tell a person something on stderr."""
    _print(Console(stderr=True), text, style)


def show(text: str, style: str = "") -> None:
    """Write a line of a result to stdout; coloured only where that is a terminal."""
    _print(Console(), text, style)


def say_problems(problems: Iterable[Problem]) -> None:
    """Tell every problem on stderr, one a line."""
    for problem in problems:
        say(str(problem), _STYLES[problem.severity])


def write(data: bytes) -> None:
    """Write bytes for a program to stdout, exactly."""
    sys.stdout.buffer.write(data)
    sys.stdout.buffer.flush()


def _print(console: Console, text: str, style: str) -> None:
    console.print(Text(text, style=style), soft_wrap=True)
