"""The access log: Records queued on the hot path, written down a little later, never in its way."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from dataclasses import dataclass, replace
from typing import Final, final

from protocols.api import Record
from vigil.telemetry.entry import EntryWriter
from vigil.telemetry.outlet import Outlet

MAX_WAITING: Final = 8192
"""Records that may wait to be written down; those that come on top are dropped and counted."""

_DELAY: Final = 0.02
"""Seconds for which lines are gathered: handing each to the writing thread costs both a switch."""

_SLICE: Final = 64
"""Records turned into lines in one turn of the loop: about half a millisecond."""

_CALM: Final = 10.0
"""Seconds without a loss after which it is said to be over."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _StreamEnd:
    """One of the two ends of a long stream; ``sequence`` puts them in order."""

    record: Record
    sequence: int
    is_open: bool


@final
class AccessLog:
    """One process's access log. Belongs to the loop's thread; ``close`` it before the loop ends."""

    def __init__(self, outlet: Outlet, *, region: str, capacity: int = MAX_WAITING) -> None:
        self._outlet = outlet
        self._entries = EntryWriter(region)
        self._capacity = capacity
        self._waiting: deque[Record | _StreamEnd] = deque()
        self._encoding: asyncio.Handle | None = None
        self._lines: list[bytes] = []
        self._writing: asyncio.TimerHandle | None = None
        self._drained: asyncio.Future[None] | None = None
        self._refused = 0
        self._known = 0
        self._last_loss: float | None = None

    @property
    def dropped(self) -> int:
        """How many entries were lost: nobody took them, or they could not be written."""
        return self._refused + self._outlet.lost

    def append(self, record: Record) -> None:
        """Queue one finished request. Hot."""
        self._take(record)

    def opened(self, record: Record) -> None:
        """Queue the beginning of a stream: a copy, for the Record goes on changing."""
        self._take(_StreamEnd(replace(record), sequence=1, is_open=True))

    def closed(self, record: Record) -> None:
        """Queue the end of a stream."""
        self._take(_StreamEnd(record, sequence=2, is_open=False))

    async def close(self, seconds: float) -> None:
        """Write everything queued, for at most ``seconds``; a stuck reader loses the rest."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + seconds
        if self._waiting:
            self._drained = loop.create_future()
            await asyncio.wait([self._drained], timeout=seconds)
        for handle in (self._encoding, self._writing):
            if handle is not None:
                handle.cancel()
        self._refused += len(self._waiting)
        self._waiting.clear()
        self._write()
        await asyncio.to_thread(self._outlet.close, max(_DELAY, deadline - loop.time()))
        self._announce()

    def _take(self, taken: Record | _StreamEnd) -> None:
        if len(self._waiting) >= self._capacity:
            self._refused += 1
            if self._last_loss is None:
                self._announce()
            return
        self._waiting.append(taken)
        if self._encoding is None:
            self._encoding = asyncio.get_running_loop().call_soon(self._encode)

    def _encode(self) -> None:
        """Turn some Records into lines. One that raises costs its own line and no other.

        In the very next turn of the loop, while what they are made of is still in the processor's
        cache: a few milliseconds later the same work takes twice as long.
        """
        loop = asyncio.get_running_loop()
        self._encoding = None
        if self._outlet.is_full:
            self._encoding = loop.call_later(_DELAY, self._encode)
            return
        left = _SLICE
        try:
            while self._waiting and left:
                left -= 1
                self._lines.append(self._line(self._waiting.popleft()))
        except BaseException:
            self._refused += 1
            raise
        finally:
            if self._waiting:
                self._encoding = loop.call_soon(self._encode)
            elif self._drained is not None and not self._drained.done():
                self._drained.set_result(None)
            if self._writing is None:
                self._writing = loop.call_later(_DELAY, self._write)

    def _write(self) -> None:
        self._writing = None
        lines, self._lines = self._lines, []
        if lines:
            self._outlet.put(b"".join(lines), len(lines))
        self._announce()

    def _line(self, taken: Record | _StreamEnd) -> bytes:
        if isinstance(taken, Record):
            return self._entries.line(taken)
        return self._entries.line(taken.record, sequence=taken.sequence, is_open=taken.is_open)

    def _announce(self) -> None:
        """Say that entries are being lost: once when it begins, and once when it is over."""
        dropped, now = self.dropped, asyncio.get_running_loop().time()
        if dropped > self._known:
            if self._last_loss is None:
                _log.warning("access log entries are being dropped: they are not taken fast enough")
            self._last_loss = now
        elif self._last_loss is not None and now - self._last_loss >= _CALM:
            _log.warning("the access log is whole again; %d entries were lost so far", dropped)
            self._last_loss = None
        self._known = dropped
