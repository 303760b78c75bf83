"""HTTP/1.1 requests per second of one core: Vigil beside the proxies people put in its place.

Run as ``python -m benchmarks.http [--rounds N] [--seconds S] [--contenders NAME,…]``.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import platform
import re
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

from benchmarks.harness import (
    LOOPBACK,
    Contender,
    Sample,
    Server,
    StubStatus,
    Summary,
    Wrk,
    check_answers,
    cores,
    find_program,
    free_port,
    table,
    take_turns,
)

ROOT: Final = Path(__file__).resolve().parent.parent
PEERS: Final = Path(__file__).resolve().parent / "peers"
BODY: Final = "x" * 1024
BASES: Final = ("nginx proxy_pass", "envoy + authorizer", "caddy forward_auth")
POLICIES: Final = 10
MOST_DIALS: Final = 4
"""Upstream connections per client connection and round; more is a pool that does not work."""

_PORTS: Final = (
    "UPSTREAM", "STATUS", "AUTHORIZER", "NGINX", "NGINX_AUTH", "HAPROXY", "ENVOY", "CADDY",
    "AIOHTTP", "VIGIL", "VIGIL_ADMIN",
)  # fmt: skip
_STAND_IN: Final = "eyJhbGciOiJFZERTQSIsInR5cCI6IkpXVCJ9." + "c3RhbmQtaW4" * 14
_PLACEHOLDER: Final = re.compile(r"@([A-Z_]+)@")


class MissingProgramError(Exception):
    """A contender's program is not installed."""


@dataclass(slots=True)
class Bench:
    """One run: its directory, ports and processes."""

    directory: Path
    core: int
    ports: Mapping[str, int] = field(default_factory=lambda: {name: free_port() for name in _PORTS})
    servers: dict[str, Server] = field(default_factory=dict)

    def render(self, template: str, **more: str) -> Path:
        """Fill a template in and return the file that holds it."""
        target = self.directory / template.replace("/", "-")
        target.write_text(self.fill(template, **more))
        return target

    def fill(self, template: str, **more: str) -> str:
        """Return a template with its placeholders filled in."""
        known = {name: str(port) for name, port in self.ports.items()}
        known |= {"DIR": str(self.directory), "BODY": BODY, **more}
        known["USER"] = "user root;" if os.geteuid() == 0 else ""
        text = (PEERS / template).read_text()
        return _PLACEHOLDER.sub(lambda found: known[found[1]], text)

    def start(self, name: str, command: list[str], port: str, *, core: int | None = None) -> Server:
        """Start a server once, and wait until it listens."""
        if name not in self.servers:
            program = find_program(command[0])
            if program is None:
                raise MissingProgramError(f"{command[0]} is not installed")
            on = self.core if core is None else core
            server = Server(name, [program, *command[1:]], on, self.directory)
            self.servers[name] = server
            server.listens_on(self.ports[port])
        return self.servers[name]

    def authorizer(self) -> Server:
        """Return the external authorizer, charged to whoever asks it."""
        return self.start("authorizer", self._nginx("authorizer.conf"), "AUTHORIZER")

    def nginx(self) -> Server:
        """Return the nginx that serves both of nginx's contenders."""
        return self.start("nginx", self._nginx("nginx.conf"), "NGINX")

    def upstream(self, core: int) -> StubStatus:
        """Start the protected application on the load's core."""
        self.start("upstream", self._nginx("upstream.conf"), "UPSTREAM", core=core)
        return StubStatus(self.ports["STATUS"])

    def stop(self) -> None:
        """End every process of this run, the last first."""
        for server in reversed(self.servers.values()):
            server.stop()

    def _nginx(self, template: str) -> list[str]:
        return ["nginx", "-p", str(self.directory), "-c", str(self.render(template))]


def _nginx_proxy(bench: Bench) -> Contender:
    servers = (bench.nginx(),)
    return Contender(name="nginx proxy_pass", port=bench.ports["NGINX"], servers=servers)


def _nginx_auth(bench: Bench) -> Contender:
    servers = (bench.authorizer(), bench.nginx())
    return Contender(name="nginx auth_request", port=bench.ports["NGINX_AUTH"], servers=servers)


def _haproxy(bench: Bench) -> Contender:
    command = ["haproxy", "-db", "-f", str(bench.render("haproxy.cfg"))]
    servers = (bench.start("haproxy", command, "HAPROXY"),)
    return Contender(name="haproxy", port=bench.ports["HAPROXY"], servers=servers)


def _envoy(bench: Bench) -> Contender:
    command = ["envoy", "-c", str(bench.render("envoy.yaml")), "--concurrency", "1"]
    command += ["--log-level", "error", "--disable-hot-restart"]
    servers = (bench.authorizer(), bench.start("envoy", command, "ENVOY"))
    return Contender(name="envoy + authorizer", port=bench.ports["ENVOY"], servers=servers)


def _caddy(bench: Bench) -> Contender:
    command = ["caddy", "run", "--config", str(bench.render("Caddyfile"))]
    command += ["--adapter", "caddyfile"]
    servers = (bench.authorizer(), bench.start("caddy", command, "CADDY"))
    return Contender(name="caddy forward_auth", port=bench.ports["CADDY"], servers=servers)


def _aiohttp(bench: Bench) -> Contender:
    command = [sys.executable, str(PEERS / "naive_aiohttp.py")]
    command += [str(bench.ports["AIOHTTP"]), str(bench.ports["UPSTREAM"])]
    servers = (bench.start("aiohttp", command, "AIOHTTP"),)
    return Contender(name="naive aiohttp", port=bench.ports["AIOHTTP"], servers=servers)


def _vigil(bench: Bench) -> Contender:
    command = [sys.executable, "-m", "vigil", "serve", "web", *_vigil_files(bench)]
    command += ["--listen", f"{LOOPBACK}:{bench.ports['VIGIL']}"]
    command += ["--admin", f"{LOOPBACK}:{bench.ports['VIGIL_ADMIN']}"]
    servers = (bench.start("vigil", command, "VIGIL"),)
    return Contender(name="vigil", port=bench.ports["VIGIL"], servers=servers)


def _vigil_varied(bench: Bench) -> Contender:
    """Return Vigil where nothing of an earlier request on the connection can be used again."""
    return replace(_vigil(bench), name="vigil, varied heads", script=PEERS / "varied.lua")


CONTENDERS: Final[Mapping[str, Callable[[Bench], Contender]]] = {
    "vigil": _vigil,
    "vigil-varied": _vigil_varied,
    "nginx": _nginx_proxy,
    "nginx-auth": _nginx_auth,
    "haproxy": _haproxy,
    "envoy": _envoy,
    "caddy": _caddy,
    "aiohttp": _aiohttp,
}


def _vigil_files(bench: Bench) -> list[str]:
    return [
        "--resources",
        str(bench.directory / "resources"),
        "--data",
        str(bench.directory / "data"),
    ]


def declare_vigil(bench: Bench) -> None:
    """Write the resources: one Service, one caller, ten Policies of which the last allows."""
    names = [f"team-{number}" for number in range(POLICIES)]
    text = bench.fill("vigil/cluster.yaml", POLICIES=", ".join(names))
    for number in range(POLICIES):
        group = "engineering" if number == POLICIES - 1 else f"team-{number}"
        text += bench.fill("vigil/policy.yaml", NUMBER=str(number), GROUP=group)
    resources = bench.directory / "resources"
    resources.mkdir()
    (resources / "cluster.yaml").write_text(text)


def vigil_token(bench: Bench) -> str:
    """Declare Vigil's resources and return an access token of the Session among them."""
    declare_vigil(bench)
    command = [sys.executable, "-m", "vigil", "token", "alice-session", *_vigil_files(bench)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    if done.returncode != 0:
        say(f"no token for vigil: {done.stderr.strip()[-400:]}")
    return done.stdout.strip() or _STAND_IN


def browser_headers(token: str) -> dict[str, str]:
    """Return the headers of every request: about what a browser or an API client sends."""
    return {
        "Authorization": f"Bearer {token}",
        "Cookie": "theme=dark; visit=0123456789abcdef0123456789abcdef",
        "User-Agent": "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36",
        "Accept": "text/html,application/json;q=0.9,*/*;q=0.8",
        "Accept-Encoding": "gzip, deflate, br",
        "Accept-Language": "en-US,en;q=0.9",
    }


def run(options: argparse.Namespace, directory: Path) -> int:
    """Start everything, check it, measure it, say what came out, end everything."""
    load_core, proxy_core = cores()
    bench = Bench(directory, proxy_core)
    wanted = options.contenders
    try:
        counter = bench.upstream(load_core)
        token = vigil_token(bench) if {"vigil", "vigil-varied"} & set(wanted) else _STAND_IN
        headers = browser_headers(token)
        wrk = Wrk(core=load_core, connections=options.connections, headers=headers)
        contenders = _assemble(bench, wanted, wrk)
        samples: dict[str, list[Sample]] = {contender.name: [] for contender in contenders}
        turns = take_turns(contenders, wrk, counter, rounds=options.rounds, seconds=options.seconds)
        for number, name, sample in turns:
            say(f"round {number + 1}/{options.rounds}: {name} {sample.load.rate:,.0f}/s")
            samples[name].append(sample)
            _empty_access_log(bench)
        print(_heading(options), end="\n\n")
        print(table([Summary(name, tuple(taken)) for name, taken in samples.items()], BASES))
        if "vigil" in bench.servers:
            _report_vigil(bench)
        is_clean = not _report_faults(samples, options.connections)
    finally:
        bench.stop()
    return 0 if is_clean and len(contenders) == len(wanted) else 1


def _assemble(bench: Bench, wanted: list[str], wrk: Wrk) -> list[Contender]:
    """Start, check and warm up whoever can take part."""
    ready = []
    for name in wanted:
        try:
            contender = CONTENDERS[name](bench)
            check_answers(contender, wrk.headers, BODY.encode())
            warm = wrk.run(contender.port, 1, contender.script)
        except (MissingProgramError, RuntimeError, OSError) as error:
            say(f"{name} does not take part: {error}")
            continue
        if warm.complaint:
            say(f"{name} does not take part: {warm.complaint}")
            continue
        ready.append(contender)
    return ready


def _empty_access_log(bench: Bench) -> None:
    """Keep the disk from filling: Vigil appends, so its next entry begins the file again."""
    if "vigil" in bench.servers:
        os.truncate(bench.servers["vigil"].stdout, 0)


def _report_vigil(bench: Bench) -> None:
    """Show from Vigil's own metrics that what was measured was decided, counted and logged."""
    url = f"http://{LOOPBACK}:{bench.ports['VIGIL_ADMIN']}/metrics"
    with urllib.request.urlopen(url, timeout=10) as answer:
        text = answer.read().decode()
    kept = ("vigil_req_total", "vigil_accesslog_dropped_total")
    print("\nVigil's own metrics at the end:\n")
    for line in text.splitlines():
        if line.startswith(kept):
            print(f"    {line}")


def _report_faults(samples: Mapping[str, list[Sample]], connections: int) -> int:
    """Name every round that proves nothing: errors, or a contender that dials for each request."""
    faults = []
    for name, taken in samples.items():
        for number, sample in enumerate(taken, 1):
            if sample.load.complaint:
                faults.append(f"round {number}: {name}: {sample.load.complaint}")
            if sample.dialled > MOST_DIALS * connections:
                faults.append(f"round {number}: {name} dialled {sample.dialled} connections")
    for fault in faults:
        print(f"\nNOT VALID, {fault}")
    return len(faults)


def _heading(options: argparse.Namespace) -> str:
    names = ",".join(options.contenders)
    command = f"python -m benchmarks.http --rounds {options.rounds} --seconds {options.seconds}"
    command += f" --connections {options.connections} --contenders {names}"
    python = f"{platform.python_implementation()} {platform.python_version()}"
    day = time.strftime("%Y-%m-%d", time.gmtime())
    return f"`{command}`\n\n{day}, {python}, Linux {platform.release()}, {os.cpu_count()} cores"


def say(text: str) -> None:
    """Report progress, apart from the result."""
    print(text, file=sys.stderr, flush=True)


def _names(text: str) -> list[str]:
    names = text.split(",")
    unknown = [name for name in names if name not in CONTENDERS]
    if unknown:
        raise argparse.ArgumentTypeError(f"{unknown[0]!r} is none of {', '.join(CONTENDERS)}")
    return names


def main() -> int:
    """Read the command line and run."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.http", description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=int, default=3, help="of load per contender and round")
    parser.add_argument("--connections", type=int, default=64)
    parser.add_argument("--contenders", type=_names, default=list(CONTENDERS))
    parser.add_argument("--keep", type=Path, help="a directory to leave configurations and logs in")
    options = parser.parse_args()
    os.chdir(ROOT)
    with contextlib.ExitStack() as stack:
        if options.keep is None:
            place = stack.enter_context(tempfile.TemporaryDirectory(prefix="vigil-bench-"))
        else:
            options.keep.mkdir(parents=True)
            place = str(options.keep.resolve())
        return run(options, Path(place))


if __name__ == "__main__":
    sys.exit(main())
