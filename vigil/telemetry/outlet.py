"""Bytes on their way to a file or a pipe, written by one thread so that no loop waits for it."""

from __future__ import annotations

import os
import select
import threading
from pathlib import Path
from queue import SimpleQueue
from typing import Final, TypeAlias, final

CAPACITY: Final = 16 * 1024 * 1024
"""Bytes that may wait for the writer; what comes on top is refused, and counted."""

_MODE: Final = 0o640
_FLAGS: Final = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC

_Chunk: TypeAlias = tuple[bytes, int]


@final
class Outlet:
    """Takes whole lines and never blocks; one thread writes them in order.

    ``target`` is an open file descriptor, which stays the caller's, or a path, which is opened
    again whenever the file of that name is another one than before (a log was rotated).
    """

    def __init__(self, target: int | Path, *, name: str, capacity: int = CAPACITY) -> None:
        self._file = _Descriptor(target) if isinstance(target, int) else _NamedFile(target)
        self._capacity = capacity
        self._chunks: SimpleQueue[_Chunk | None] = SimpleQueue()
        self._lock = threading.Lock()
        self._waiting = 0
        self._lines = 0
        self._lost = 0
        self._is_closed = False
        self._thread = threading.Thread(target=self._write_all, name=name, daemon=True)
        self._thread.start()

    @property
    def is_full(self) -> bool:
        """Whether ``put`` would refuse."""
        return self._waiting >= self._capacity

    @property
    def waiting(self) -> int:
        """Bytes taken and not yet written."""
        return self._waiting

    @property
    def lost(self) -> int:
        """How many lines were refused, or could not be written."""
        return self._lost

    def put(self, chunk: bytes, lines: int = 1) -> None:
        """Hand over ``lines`` complete lines; they are lost if too much is waiting already."""
        with self._lock:
            if self._is_closed or self._waiting >= self._capacity:
                self._lost += lines
                return
            self._waiting += len(chunk)
            self._lines += lines
        self._chunks.put((chunk, lines))

    def close(self, seconds: float) -> None:
        """Write what was taken, for at most ``seconds``; what a stuck reader left over is lost.

        Blocks: from a loop, call it in a thread.
        """
        with self._lock:
            if self._is_closed:
                return
            self._is_closed = True
        self._chunks.put(None)
        self._thread.join(seconds)
        with self._lock:
            self._lost += self._lines

    def _write_all(self) -> None:
        while (chunk := self._chunks.get()) is not None:
            data, lines = chunk
            is_written = self._write(data)
            with self._lock:
                self._waiting -= len(data)
                self._lines -= lines
                self._lost += 0 if is_written else lines
        self._file.close()

    def _write(self, data: bytes) -> bool:
        try:
            self._file.write(data)
        except OSError:
            return False
        return True


class _Descriptor:
    """A descriptor somebody else opened. A line cut off by an error is ended before the next."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._is_torn = False

    def write(self, data: bytes) -> None:
        """Write all of ``data``, however many calls it takes."""
        left = memoryview(b"\n" + data if self._is_torn else data)
        while left:
            try:
                written = os.write(self._descriptor, left)
            except BlockingIOError:  # whoever shares a terminal or pipe may have made it so
                self._wait()
                continue
            self._is_torn = left[written - 1] != ord("\n")
            left = left[written:]

    def close(self) -> None:
        """Leave it open: it is not ours."""

    def _wait(self) -> None:
        poll = select.poll()
        poll.register(self._descriptor, select.POLLOUT)
        poll.poll()


class _NamedFile(_Descriptor):
    """The file that has this name now."""

    def __init__(self, path: Path) -> None:
        super().__init__(os.open(path, _FLAGS, _MODE))
        self._path = path
        self._identity = _identity(os.fstat(self._descriptor))

    def write(self, data: bytes) -> None:
        """Write to the file of that name, opening it again if it was moved or removed."""
        if not self._is_current():
            fresh = os.open(self._path, _FLAGS, _MODE)
            os.close(self._descriptor)
            self._descriptor = fresh
            self._identity = _identity(os.fstat(fresh))
            self._is_torn = False
        super().write(data)

    def close(self) -> None:
        """Close the file."""
        os.close(self._descriptor)

    def _is_current(self) -> bool:
        try:
            return _identity(self._path.stat()) == self._identity
        except FileNotFoundError:
            return False


def _identity(status: os.stat_result) -> tuple[int, int]:
    return (status.st_dev, status.st_ino)
