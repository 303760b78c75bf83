"""Real processes under test: started, watched, and stopped by their own pid."""

from __future__ import annotations

import os
import random
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Final, Self, TypeVar

ROOT: Final = Path(__file__).resolve().parents[2]
LOOPBACK: Final = "127.0.0.1"
_PORTS: Final = range(20_000, 32_000)  # below the ephemeral range: no client socket takes one
_next_port: Final = iter(random.sample(_PORTS, len(_PORTS)))

Result = TypeVar("Result")


def free_port() -> int:
    """Return a TCP port nobody listens on and no test of this run was given before."""
    for port in _next_port:
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("", port))
            except OSError:
                continue
            return port
    raise AssertionError("no free port is left")


def wait_for(what: str, condition: Callable[[], Result], *, within: float = 5.0) -> Result:
    """Ask ``condition`` until its answer is true and return that answer; fail after ``within``."""
    deadline = time.monotonic() + within
    while True:
        answer = condition()
        if answer:
            return answer
        assert time.monotonic() < deadline, f"after {within} s there is still no {what}"
        time.sleep(0.01)


def listens(port: int, host: str = LOOPBACK) -> bool:
    """Say whether a connection to the port is accepted."""
    try:
        socket.create_connection((host, port), timeout=1).close()
    except OSError:
        return False
    return True


class Process:
    """One child process whose stdout and stderr are files, so that neither can fill a pipe."""

    def __init__(self, argv: Sequence[str], directory: Path, *, name: str) -> None:
        directory.mkdir(parents=True, exist_ok=True)
        self.name = name
        self.stdout_file = directory / f"{name}.stdout"
        self.stderr_file = directory / f"{name}.stderr"
        environment = {**os.environ, "PYTHONPATH": str(ROOT), "NO_COLOR": "1"}
        with self.stdout_file.open("wb") as out, self.stderr_file.open("wb") as err:
            self._child = subprocess.Popen(
                argv,
                cwd=directory,
                env=environment,
                stdout=out,
                stderr=err,
                stdin=subprocess.DEVNULL,
            )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    @property
    def pid(self) -> int:
        return self._child.pid

    @property
    def exit_code(self) -> int | None:
        """The exit code, or None while it runs."""
        return self._child.poll()

    @property
    def stderr(self) -> str:
        return self.stderr_file.read_text(errors="replace")

    @property
    def stdout(self) -> str:
        return self.stdout_file.read_text(errors="replace")

    def ready(self, *ports: int, within: float = 20.0) -> Self:
        """Wait until every port accepts a connection; fail with stderr if the process ends."""
        for port in ports:
            try:
                wait_for(f"listener on {port}", partial(self._serves, port), within=within)
            except AssertionError as error:
                self.stop()
                raise AssertionError(f"{error}\n--- stderr of {self.name}\n{self.stderr}") from None
        return self

    def _serves(self, port: int) -> bool:
        assert self.exit_code is None, f"{self.name} ended with {self.exit_code}"
        return listens(port)

    def signal(self, number: signal.Signals) -> None:
        self._child.send_signal(number)

    def wait(self, within: float = 10.0) -> int:
        """Wait for the end and return the exit code."""
        try:
            return self._child.wait(within)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"{self.name} still runs\n{self.stderr}") from None

    def stop(self) -> None:
        """End it now; for a polite end, signal and wait."""
        if self.exit_code is None:
            self._child.terminate()
            try:
                self._child.wait(5)
            except subprocess.TimeoutExpired:
                self._child.kill()
        self._child.wait()

    def resident_bytes(self) -> int:
        """How much memory it holds right now."""
        pages = int(Path(f"/proc/{self.pid}/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGESIZE")

    def peak_bytes(self) -> int:
        """The most memory it ever held."""
        status = Path(f"/proc/{self.pid}/status").read_text()
        return int(status.partition("VmHWM:")[2].split()[0]) * 1024

    def open_files(self) -> int:
        """How many descriptors it holds right now."""
        return len(list(Path(f"/proc/{self.pid}/fd").iterdir()))
