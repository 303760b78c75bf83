"""What holds for every test: a unit test opens no socket to anywhere."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import pytest
import pytest_socket

_UNIT: Final = Path(__file__).parent / "unit"


@pytest.hookimpl(trylast=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Refuse sockets in unit tests; an event loop's own pair is a unix socket and may stay."""
    if item.path.is_relative_to(_UNIT):
        pytest_socket.disable_socket(allow_unix_socket=True)


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_teardown(item: pytest.Item) -> None:
    """Give sockets back to the tests that drive real ones."""
    pytest_socket.enable_socket()
