"""curl, the real one, and what it received."""

from __future__ import annotations

import json
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any


class NoAnswerError(AssertionError):
    """There was no whole answer: refused, cut, or too late."""


@dataclass(frozen=True, slots=True)
class Answer:
    """One response: the last head on the wire, and its body."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes

    def header(self, name: str) -> str | None:
        """Return the first value of a header, or None."""
        return next((value for key, value in self.headers if key.lower() == name.lower()), None)

    def json(self) -> Any:
        return json.loads(self.body)


def parse_head(head: str) -> tuple[int, tuple[tuple[str, str], ...]]:
    """Split one response head into its status and its header lines."""
    first, *lines = head.strip().splitlines()
    pairs = (line.partition(":") for line in lines)
    return int(first.split()[1]), tuple((key.strip(), value.strip()) for key, _, value in pairs)


def curl(url: str, *options: str, token: str = "", within: float = 15.0) -> Answer:
    """Run curl on the URL exactly as given (no path is cleaned) and return the final answer."""
    credential = ["-H", f"Authorization: Bearer {token}"] if token else []
    with tempfile.TemporaryDirectory() as place:
        heads, body = Path(place, "heads"), Path(place, "body")
        asked = ["curl", "-sS", "--noproxy", "*", "--path-as-is", "--max-time", str(within)]
        done = subprocess.run(
            [*asked, "-D", str(heads), "-o", str(body), *credential, *options, url],
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode != 0:
            raise NoAnswerError(f"curl ended with {done.returncode}: {done.stderr}")
        status, headers = parse_head(heads.read_text().strip().split("\n\n")[-1])
        return Answer(status, headers, body.read_bytes() if body.exists() else b"")
