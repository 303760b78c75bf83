"""Being told to stop: once to finish what was begun, twice to leave it."""

from __future__ import annotations

import asyncio
import signal
from typing import Final, final

from vigil.cli.output import say

_SIGNALS: Final = (signal.SIGTERM, signal.SIGINT)


@final
class Stopping:
    """``asked`` is set by the first signal, ``hurried`` by the second."""

    def __init__(self) -> None:
        self.asked: Final = asyncio.Event()
        self.hurried: Final = asyncio.Event()

    def install(self) -> None:
        """Listen to the signals from now on."""
        loop = asyncio.get_running_loop()
        for number in _SIGNALS:
            loop.add_signal_handler(number, self.signalled)

    def signalled(self) -> None:
        """Take one signal."""
        if self.asked.is_set():
            self.hurried.set()
            return
        say("finishing what is in flight; once more to stop at once")
        self.asked.set()
