"""``vigil schema``: what resources may look like, for editors."""

from __future__ import annotations

import orjson
import typer

from config.errors import ConfigError
from config.schema import schema as schema_of
from vigil.cli.output import write


def schema(kind: str) -> None:
    """Print the JSON Schema of a kind, or of every kind; an unknown one is a wrong command line."""
    try:
        found = schema_of(kind or None)
    except ConfigError as error:
        raise typer.BadParameter(f"{kind} {error}") from None
    write(orjson.dumps(found, option=orjson.OPT_INDENT_2) + b"\n")
