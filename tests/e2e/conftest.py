"""The real servers every end-to-end test stands on, started once."""

from __future__ import annotations

from collections.abc import Generator, Iterator

import pytest

from tests.harness import app as web_app
from tests.harness.nginx import Nginx
from tests.harness.processes import LOOPBACK, Process
from tests.harness.recorder import Recorder


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Show the end of a process's stderr beside the failure it may explain."""
    report = yield
    if report.failed:
        for given in getattr(item, "funcargs", {}).values():
            if isinstance(given, Process):
                report.sections.append((f"stderr of {given.name}", given.stderr[-4000:]))
    return report


@pytest.fixture(scope="session")
def app_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A real aiohttp application."""
    process, port = web_app.start(tmp_path_factory.mktemp("app"))
    with process:
        yield f"http://{LOOPBACK}:{port}"


@pytest.fixture(scope="session")
def nginx(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Nginx]:
    """A real nginx."""
    server = Nginx(tmp_path_factory.mktemp("nginx"))
    with server.process:
        yield server


@pytest.fixture(scope="module")
def recorder() -> Iterator[Recorder]:
    """An upstream that keeps the bytes it received."""
    upstream = Recorder()
    yield upstream
    upstream.close()
