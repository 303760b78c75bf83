"""Servers pinned to cores, the load on them, and what one request of it costs.

Absolute figures of a shared machine wander by tens of percent. What holds is the ratio of two
contenders of one run that took turns, and the CPU time a contender's processes spent per request.
"""

from __future__ import annotations

import contextlib
import http.client
import os
import re
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Protocol

LOOPBACK: Final = "127.0.0.1"
_UNITS: Final = {"us": 1e-3, "ms": 1.0, "s": 1e3, "m": 6e4}
_COUNTED: Final = re.compile(r"(\d+) requests in ([\d.]+)(us|ms|s|m),")
_LATENCY: Final = re.compile(r"^\s+(50|99)%\s+([\d.]+)(us|ms|s|m)$", re.MULTILINE)
_REFUSED: Final = re.compile(r"Non-2xx or 3xx responses: (\d+)")
_BROKEN: Final = re.compile(r"Socket errors: (.*)")
_STARTING_SECONDS: Final = 20.0
_STOPPING_SECONDS: Final = 10.0


def find_program(name: str) -> str | None:
    """Return where a program is installed: beside this interpreter, or as Debian has it."""
    beside = str(Path(sys.executable).parent)
    return shutil.which(name, path=f"{beside}:{os.environ.get('PATH', '')}:/usr/sbin:/sbin")


def free_port() -> int:
    """Return a port that nobody listens on, below the range clients are given."""
    for port in range(23_000 + os.getpid() % 4_000, 32_000):
        if port not in _given:
            with socket.socket() as probe, contextlib.suppress(OSError):
                probe.bind((LOOPBACK, port))
                _given.add(port)
                return port
    raise RuntimeError("no port is free")


_given: Final[set[int]] = set()


def cores() -> tuple[int, int]:
    """Return the core of load and upstream, and the core of whatever is measured."""
    usable = sorted(os.sched_getaffinity(0))
    if len(usable) < 2:
        raise RuntimeError("two cores are needed: one for the load, one for what is measured")
    return usable[0], usable[1]


class Server:
    """One process, with its children, on one core."""

    def __init__(self, name: str, command: Sequence[str], core: int, directory: Path) -> None:
        self.name = name
        self.stdout = directory / f"{name}.stdout"
        self._stderr = directory / f"{name}.stderr"
        environment = {**os.environ, "GOMAXPROCS": "1", "HOME": str(directory)}
        with self.stdout.open("ab") as out, self._stderr.open("ab") as err:
            self._process = subprocess.Popen(
                ["taskset", "-c", str(core), *command],
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=err,
                env=environment,
            )

    def listens_on(self, port: int) -> None:
        """Wait until it accepts connections; raise with its own words if it does not."""
        deadline = time.monotonic() + _STARTING_SECONDS
        while time.monotonic() < deadline and self._process.poll() is None:
            with contextlib.suppress(OSError):
                socket.create_connection((LOOPBACK, port), timeout=1).close()
                return
            time.sleep(0.05)
        raise RuntimeError(f"{self.name} does not listen on {port}: {self.complaint()}")

    def complaint(self) -> str:
        """Return the end of what it wrote to stderr."""
        return self._stderr.read_text(errors="replace")[-600:].strip()

    def cpu_seconds(self) -> float:
        """Return the CPU time that it and its children have used so far."""
        return sum(_cpu_seconds(pid) for pid in _tree(self._process.pid))

    def stop(self) -> None:
        """End it, and whatever it left behind."""
        tree = _tree(self._process.pid)
        self._process.terminate()
        try:
            self._process.wait(_STOPPING_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
            for pid in tree:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)


def _tree(pid: int) -> list[int]:
    found = [pid]
    with contextlib.suppress(OSError):
        for task in Path(f"/proc/{pid}/task").iterdir():
            for child in (task / "children").read_text().split():
                found += _tree(int(child))
    return found


def _cpu_seconds(pid: int) -> float:
    used = 0
    with contextlib.suppress(OSError):
        for task in Path(f"/proc/{pid}/task").iterdir():
            used += int((task / "schedstat").read_text().split()[0])
    return used / 1e9


@dataclass(frozen=True, slots=True)
class Load:
    """What wrk reported: latencies in milliseconds, and what went wrong, if anything."""

    requests: int
    seconds: float
    p50: float
    p99: float
    complaint: str

    @property
    def rate(self) -> float:
        """Requests per second."""
        return self.requests / self.seconds


@dataclass(frozen=True, slots=True, kw_only=True)
class Wrk:
    """The load generator, and the request it repeats."""

    core: int
    connections: int
    headers: Mapping[str, str] = field(default_factory=dict)

    def run(self, port: int, seconds: int, script: Path | None = None) -> Load:
        """Load one server, with the requests a Lua script makes if there is one.

        Raises ``RuntimeError`` where wrk says nothing that can be read.
        """
        command = ["taskset", "-c", str(self.core), "wrk", "-t1", f"-c{self.connections}"]
        command += [f"-d{seconds}s", "--latency"]
        command += ["-s", str(script)] if script is not None else []
        for name, value in self.headers.items():
            command += ["-H", f"{name}: {value}"]
        command.append(f"http://{LOOPBACK}:{port}/orders/17?page=2")
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=seconds + 20, check=False
        )
        return read_wrk(done.stdout)


def read_wrk(report: str) -> Load:
    """Read wrk's report."""
    counted = _COUNTED.search(report)
    latency = {mark: float(n) * _UNITS[unit] for mark, n, unit in _LATENCY.findall(report)}
    if counted is None or latency.keys() != {"50", "99"}:
        raise RuntimeError(f"wrk's report cannot be read: {report[:200]!r}")
    faults = [f"{found[1]} not 2xx" for found in [_REFUSED.search(report)] if found]
    faults += [f"socket errors: {found[1]}" for found in [_BROKEN.search(report)] if found]
    seconds = float(counted[2]) * _UNITS[counted[3]] / 1e3
    return Load(int(counted[1]), seconds, latency["50"], latency["99"], ", ".join(faults))


class ConnectionCounter(Protocol):
    """Knows how many connections the upstream has accepted so far."""

    def accepted(self) -> int:
        """Return that number."""
        ...


class StubStatus:
    """nginx's stub_status page, over one connection that stays open and so is counted once."""

    def __init__(self, port: int) -> None:
        self._client = http.client.HTTPConnection(LOOPBACK, port, timeout=5)

    def accepted(self) -> int:
        """Return how many connections nginx has accepted so far."""
        self._client.request("GET", "/")
        return int(self._client.getresponse().read().split()[7])


@dataclass(frozen=True, slots=True, kw_only=True)
class Contender:
    """Something to measure; ``servers`` are all that work for it, and are charged to it.

    ``script`` makes its requests, where they are not all the same.
    """

    name: str
    port: int
    servers: tuple[Server, ...]
    script: Path | None = None

    def cpu_seconds(self) -> float:
        """Return what all its processes have used so far."""
        return sum(server.cpu_seconds() for server in self.servers)


@dataclass(frozen=True, slots=True)
class Sample:
    """One contender in one round."""

    load: Load
    cpu_micros: float
    dialled: int


@dataclass(frozen=True, slots=True)
class Summary:
    """One contender over all rounds, in the order of the rounds."""

    name: str
    samples: tuple[Sample, ...]

    @property
    def rates(self) -> list[float]:
        """Requests per second of each round."""
        return [sample.load.rate for sample in self.samples]

    @property
    def cpu_micros(self) -> float:
        """Microseconds of CPU per request, at the median."""
        return statistics.median(sample.cpu_micros for sample in self.samples)

    @property
    def reuse(self) -> float:
        """Requests per upstream connection dialled; a good proxy dials a handful and keeps them."""
        dialled = sum(sample.dialled for sample in self.samples)
        return sum(sample.load.requests for sample in self.samples) / max(1, dialled)

    def latency(self, percentile: str) -> float:
        """Return ``p50`` or ``p99`` in milliseconds, at the median of the rounds."""
        values: list[float] = [getattr(sample.load, percentile) for sample in self.samples]
        return statistics.median(values)

    def ratio_to(self, other: Summary) -> tuple[float, float, float]:
        """Return median, smallest and largest of the per-round ratios of requests per second."""
        ratios = [mine / its for mine, its in zip(self.rates, other.rates, strict=True)]
        return statistics.median(ratios), min(ratios), max(ratios)


def take_turns(
    contenders: Sequence[Contender],
    wrk: Wrk,
    counter: ConnectionCounter,
    *,
    rounds: int,
    seconds: int,
) -> Iterator[tuple[int, str, Sample]]:
    """Measure everybody in every round, in turned order every other round."""
    for number in range(rounds):
        order: Iterable[Contender] = contenders if number % 2 == 0 else reversed(contenders)
        for contender in order:
            yield number, contender.name, _measure(contender, wrk, counter, seconds)


def _measure(contender: Contender, wrk: Wrk, counter: ConnectionCounter, seconds: int) -> Sample:
    cpu, dialled = contender.cpu_seconds(), counter.accepted()
    load = wrk.run(contender.port, seconds, contender.script)
    cpu, dialled = contender.cpu_seconds() - cpu, counter.accepted() - dialled
    return Sample(load, cpu / max(1, load.requests) * 1e6, dialled)


def check_answers(contender: Contender, headers: Mapping[str, str], body: bytes) -> None:
    """Raise unless one request is answered 200 with the upstream's own body."""
    client = http.client.HTTPConnection(LOOPBACK, contender.port, timeout=10)
    with contextlib.closing(client):
        client.request("GET", "/orders/17?page=2", headers=dict(headers))
        answer = client.getresponse()
        found = answer.read()
    if answer.status != 200 or found != body:
        raise RuntimeError(f"{contender.name} answers {answer.status}: {found[:200]!r}")


def table(summaries: Sequence[Summary], bases: Sequence[str]) -> str:
    """Return a markdown table; ``bases`` name the contenders that everybody is divided by."""
    known = {summary.name: summary for summary in summaries}
    present = [known[name] for name in bases if name in known]
    head = ["contender", "requests/s", "min-max", "p50 ms", "p99 ms", "CPU µs/request"]
    head += ["requests per upstream connection", *(f"vs {base.name}" for base in present)]
    lines = [head, ["---"] + ["--:"] * (len(head) - 1)]
    for summary in summaries:
        rates = summary.rates
        row = [summary.name, f"{statistics.median(rates):,.0f}"]
        row += [f"{min(rates):,.0f} - {max(rates):,.0f}"]
        row += [f"{summary.latency('p50'):.2f}", f"{summary.latency('p99'):.2f}"]
        row += [f"{summary.cpu_micros:.1f}", f"{summary.reuse:,.0f}"]
        for base in present:
            middle, low, high = summary.ratio_to(base)
            row.append(f"{middle:.2f} ({low:.2f} - {high:.2f})")
        lines.append(row)
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)
