"""What the other side did wrong, and the status that says so."""

from __future__ import annotations


class WireError(Exception):
    """Bytes that are not the HTTP/1.1 we accept."""


class PeerError(WireError):
    """The peer broke the protocol; ``status`` answers it, ``reason`` is fixed text of ours.

    The reason never quotes what was received, so it may be sent back and logged.
    """

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status = status
        self.reason = reason
