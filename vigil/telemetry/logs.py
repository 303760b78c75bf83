"""The operational log: what happened to Vigil itself, on stderr, for people or as JSON lines."""

from __future__ import annotations

import logging
import re
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, Final, final

import orjson

from vigil.telemetry.outlet import Outlet

_CAPACITY: Final = 1024 * 1024
_CLOSING_SECONDS: Final = 2.0
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")


class Style(StrEnum):
    """How the operational log looks."""

    TEXT = "text"
    JSON = "json"


def configure(style: Style, level: str = "INFO", *, descriptor: int = 2) -> None:
    """Send every logger's records of ``level`` and above to ``descriptor``.

    Called once, by an entry point. Further facts are given as ``extra={"fields": {…}}``.
    """
    formatter = JsonFormatter() if style is Style.JSON else TextFormatter()
    handler = OutletHandler(Outlet(descriptor, name="operational-log", capacity=_CAPACITY))
    handler.setFormatter(formatter)
    root = logging.getLogger()
    for previous in list(root.handlers):
        root.removeHandler(previous)
        previous.close()
    root.addHandler(handler)
    root.setLevel(level)


@final
class OutletHandler(logging.Handler):
    """Hands formatted records over; a stderr that nobody reads stops no request."""

    def __init__(self, outlet: Outlet) -> None:
        super().__init__()
        self._outlet = outlet

    def emit(self, record: logging.LogRecord) -> None:
        """Format and hand over one record; a message that cannot be formatted harms nobody."""
        try:
            line = self.format(record)
        except (TypeError, ValueError, LookupError):
            self.handleError(record)
        else:
            self._outlet.put(line.encode(errors="replace") + b"\n")

    def close(self) -> None:
        """Write what is left; ``logging.shutdown`` calls this at exit."""
        self._outlet.close(_CLOSING_SECONDS)
        super().close()


@final
class TextFormatter(logging.Formatter):
    """``time LEVEL logger: message key=value``; what a client sent cannot begin a line."""

    def format(self, record: logging.LogRecord) -> str:
        """Return one line, and indented ones for a traceback."""
        line = f"{_time(record)} {record.levelname} {record.name}: {_plain(record.getMessage())}"
        for key, value in _fields(record).items():
            line += f" {key}={_plain(str(value))}"
        for extra in self._traceback(record).splitlines():
            line += f"\n    {_plain(extra)}"
        return line

    def _traceback(self, record: logging.LogRecord) -> str:
        return self.formatException(record.exc_info) if record.exc_info else ""


@final
class JsonFormatter(logging.Formatter):
    """One JSON object a line: time, level, logger, message, the given fields, error."""

    def format(self, record: logging.LogRecord) -> str:
        """Return one line."""
        line: dict[str, Any] = {
            "time": _time(record),
            "level": record.levelname,
            "logger": record.name,
            "message": _plain(record.getMessage()),
            **{key: _plain(str(value)) for key, value in _fields(record).items()},
        }
        if record.exc_info:
            line["error"] = self.formatException(record.exc_info).encode(errors="replace").decode()
        return orjson.dumps(line).decode()


def _fields(record: logging.LogRecord) -> dict[str, Any]:
    fields = getattr(record, "fields", None)
    return fields if isinstance(fields, dict) else {}


def _time(record: logging.LogRecord) -> str:
    moment = datetime.fromtimestamp(record.created, UTC)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _plain(text: str) -> str:
    return _CONTROL.sub(lambda found: f"\\u{ord(found[0]):04x}", text)
