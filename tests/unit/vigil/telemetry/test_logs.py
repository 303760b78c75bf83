from __future__ import annotations

import logging
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import orjson
import pytest

from config.secret import SecretBytes
from vigil.telemetry.logs import JsonFormatter, Style, TextFormatter, configure


def a_line(
    message: str, *args: object, fields: object = None, error: bool = False
) -> logging.LogRecord:
    failure = None
    if error:
        try:
            int("first\nsecond")
        except ValueError:
            failure = sys.exc_info()
    record = logging.LogRecord("vigil.proxy", logging.WARNING, "x.py", 1, message, args, failure)
    record.created = 1_800_000_000.25
    if fields is not None:
        record.fields = fields
    return record


@pytest.fixture
def root() -> Iterator[logging.Logger]:
    logger = logging.getLogger()
    handlers, level = list(logger.handlers), logger.level
    logger.handlers = []
    yield logger
    logger.handlers, logger.level = handlers, level


def test_text_is_one_line_for_people() -> None:
    line = TextFormatter().format(a_line("reload %s", "refused", fields={"revision": 3}))
    assert line == "2027-01-15T08:00:00.250Z WARNING vigil.proxy: reload refused revision=3"


def test_json_is_one_object_a_line() -> None:
    line = JsonFormatter().format(a_line("reload %s", "refused", fields={"revision": 3}))
    assert orjson.loads(line) == {
        "time": "2027-01-15T08:00:00.250Z",
        "level": "WARNING",
        "logger": "vigil.proxy",
        "message": "reload refused",
        "revision": "3",
    }


@pytest.mark.parametrize("formatter", [TextFormatter(), JsonFormatter()])
def test_what_a_client_sent_cannot_forge_a_line(formatter: logging.Formatter) -> None:
    sent = "x\n2027 ERROR vigil: all is lost\r\x1b[2J\u2028\ud800"
    line = formatter.format(a_line("path %s", sent, fields={"agent": sent}))
    assert line.isprintable()


def test_a_traceback_is_indented_in_text_and_a_field_in_json() -> None:
    text = TextFormatter().format(a_line("failed", error=True))
    assert all(line.startswith("    ") for line in text.splitlines()[1:])
    assert "ValueError: invalid" in text
    assert (
        "ValueError: invalid"
        in orjson.loads(JsonFormatter().format(a_line("failed", error=True)))["error"]
    )


def test_a_secret_is_not_shown() -> None:
    record = a_line("using %s", SecretBytes(b"hunter2"), fields={"secret": SecretBytes(b"hunter2")})
    assert "hunter2" not in TextFormatter().format(record) + JsonFormatter().format(record)


def test_the_log_goes_where_it_is_configured_to_from_its_level_up(
    tmp_path: Path, root: logging.Logger
) -> None:
    log = tmp_path / "log"
    descriptor = os.open(log, os.O_WRONLY | os.O_CREAT)
    configure(Style.TEXT, "WARNING", descriptor=descriptor)
    logging.getLogger("vigil.test").info("quiet")
    logging.getLogger("vigil.test").warning("loud")
    for handler in root.handlers:
        handler.close()
    os.close(descriptor)
    assert log.read_text().endswith("WARNING vigil.test: loud\n")
    assert "quiet" not in log.read_text()


def test_configuring_again_replaces_what_was_there(tmp_path: Path, root: logging.Logger) -> None:
    with (tmp_path / "log").open("wb") as log:
        configure(Style.TEXT, descriptor=log.fileno())
        configure(Style.JSON, descriptor=log.fileno())
        logging.getLogger("vigil.test").warning("once")
        for handler in root.handlers:
            handler.close()
    lines = (tmp_path / "log").read_text().splitlines()
    assert [orjson.loads(line)["message"] for line in lines] == ["once"]


def test_a_message_that_cannot_be_formatted_stops_nobody(
    tmp_path: Path, root: logging.Logger, capsys: pytest.CaptureFixture[str]
) -> None:
    with (tmp_path / "log").open("wb") as log:
        configure(Style.TEXT, descriptor=log.fileno())
        root.warning("two %s %s", "only one")
        for handler in root.handlers:
            handler.close()
    assert (tmp_path / "log").read_bytes() == b""
    assert "not enough arguments" in capsys.readouterr().err
