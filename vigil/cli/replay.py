"""``vigil replay``: what resources would have made of the requests of an access log."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path
from typing import BinaryIO, Final

import orjson

from config.errors import ConfigError
from config.sources.files import load
from vigil.cli.output import Format, say_problems, show, write
from vigil.rehearsal.replay import Replay

MAX_LINE: Final = 4 * 1024 * 1024
_STDIN: Final = Path("-")


def replay(access_log: Path, resources: Path, output: Format) -> None:
    """Show what would change; raises ConfigError where either cannot be read."""
    loaded = load(resources)
    say_problems(loaded.warnings)
    try:
        replayed = Replay(loaded.snapshot)
    except ConfigError as error:
        raise loaded.located(error) from error
    for number, line in enumerate(_lines(access_log), start=1):
        if line.strip():
            replayed.take(number, line)
    if output is Format.JSON:
        write(orjson.dumps(replayed.as_json(), option=orjson.OPT_INDENT_2) + b"\n")
        return
    for text in replayed.lines():
        show(text)


def _lines(access_log: Path) -> Iterator[bytes]:
    """Yield the lines of the log, none longer than MAX_LINE."""
    try:
        opened = nullcontext(sys.stdin.buffer) if access_log == _STDIN else access_log.open("rb")
        with opened as log:
            yield from _bounded(log)
    except OSError as error:
        reason = error.strerror or str(error)
        raise ConfigError.at("", f"{access_log} cannot be read: {reason}") from error


def _bounded(log: BinaryIO) -> Iterator[bytes]:
    while line := log.readline(MAX_LINE):
        yield line
