"""Vigil as a process: its command line, its ports, its access log and its metrics."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from types import TracebackType
from typing import Any, Final, TypeAlias

from prometheus_client.parser import text_string_to_metric_families

from tests.harness.curl import Answer, NoAnswerError, curl
from tests.harness.processes import LOOPBACK, ROOT, Process, free_port, wait_for
from tests.harness.resources import Resources
from vigil.cli.token import token_of

Entry: TypeAlias = dict[str, Any]
_VIGIL: Final = (sys.executable, "-m", "vigil")


def vigil_command(*arguments: str, within: float = 30.0) -> subprocess.CompletedProcess[str]:
    """Run one ``vigil`` command to its end."""
    return subprocess.run(
        [*_VIGIL, *arguments], cwd=ROOT, capture_output=True, text=True, timeout=within, check=False
    )


class Vigil(Process):
    """A running ``vigil up`` or ``vigil serve`` over a directory of resources."""

    def __init__(
        self, resources: Resources, *command: str, directory: Path, ports: Iterable[int]
    ) -> None:
        self.resources = resources
        self.admin_port = free_port()
        self._data = directory / "data"
        self._tokens: dict[str, str] = {}
        self._read = 0
        self._entries: list[Entry] = []
        options = ("--data", str(self._data), "--admin", f"{LOOPBACK}:{self.admin_port}")
        super().__init__([*_VIGIL, *command, *options], directory, name="vigil")
        self.ready(*ports, self.admin_port)
        wait_for("readiness", lambda: self.admin("/readyz").status == 200)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """End it politely: whatever a test did, Vigil ends well and without a traceback."""
        try:
            if kind is None and self.exit_code is None:
                self.signal(signal.SIGTERM)
                assert self.wait(5) == 0, self.stderr[-4000:]
            assert "Traceback" not in self.stderr, self.stderr[-4000:]
        finally:
            self.stop()

    def token(self, session: str) -> str:
        """Return an access token of a declared Session; minted once."""
        if session not in self._tokens:
            self._tokens[session] = self.mint(session)
        return self._tokens[session]

    def mint(self, session: str) -> str:
        """Make a new access token by what ``vigil token`` does, without a process for each."""
        return token_of(session, self.resources.path, self._data)

    def get(self, port: int, path: str, *options: str, session: str = "") -> Answer:
        """Ask one Service for a path with curl, as the Session if one is named."""
        token = self.token(session) if session else ""
        return curl(f"http://{LOOPBACK}:{port}{path}", *options, token=token)

    def status(self, port: int, session: str, path: str = "/") -> int:
        """Return the status a Session gets, 0 where a change of policy cut the answer short."""
        try:
            return self.get(port, path, session=session).status
        except NoAnswerError:
            return 0

    def admin(self, path: str) -> Answer:
        """Ask the admin listener."""
        return curl(f"http://{LOOPBACK}:{self.admin_port}{path}")

    def entries(self) -> list[Entry]:
        """Return every access-log entry written so far."""
        with self.stdout_file.open("rb") as log:
            log.seek(self._read)
            fresh = log.read()
        whole = fresh[: fresh.rfind(b"\n") + 1]
        self._read += len(whole)
        for line in whole.splitlines():
            if line.startswith(b"{"):
                self._entries.append(json.loads(line))
        return self._entries

    def entries_for(self, path: str) -> list[Entry]:
        """Return the entries whose request path is ``path``."""
        return [e for e in self.entries() if _request(e).get("path") == path]

    def entry(self, path: str, *, within: float = 3.0) -> Entry:
        """Wait for the first entry of a path and return its ``entry`` part."""
        found = wait_for(f"log entry for {path}", lambda: self.entries_for(path), within=within)
        entry: Entry = found[0]["entry"]
        return entry

    def metric(self, name: str, **labels: str) -> float:
        """Return the sum of the samples called ``name`` that carry all these labels."""
        text = self.admin("/metrics").body.decode()
        return sum(
            sample.value
            for family in text_string_to_metric_families(text)
            for sample in family.samples
            if sample.name == name and labels.items() <= sample.labels.items()
        )

    def eventually(self, what: str, condition: Callable[[], bool], *, within: float = 1.0) -> None:
        """Wait for an effect of a change; fail with stderr, because that says why it has none."""
        try:
            wait_for(what, condition, within=within)
        except AssertionError as error:
            raise AssertionError(f"{error}\n--- stderr\n{self.stderr[-4000:]}") from None


def _request(line: Entry) -> Entry:
    request: Entry = line.get("entry", {}).get("info", {}).get("http", {}).get("request", {})
    return request


def up(resources: Resources, directory: Path, *, ports: Iterable[int]) -> Vigil:
    """Start every Service of the directory in one process and wait until ``ports`` answer."""
    return Vigil(resources, "up", str(resources.path), directory=directory, ports=ports)


def serve(service: str, port: int, resources: Resources, directory: Path, *more: str) -> Vigil:
    """Start one Service on a loopback port."""
    command = ("serve", service, "--resources", str(resources.path))
    listen = ("--listen", f"{LOOPBACK}:{port}")
    return Vigil(resources, *command, *listen, *more, directory=directory, ports=[port])
