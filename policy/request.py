"""What a protocol tells policy about one request."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol


class Request(Protocol):
    """One thing a caller wants to do: an HTTP request, a statement, a channel."""

    def facts(self) -> Mapping[str, Any]:
        """Return ``ctx.request``: CEL values under camelCase keys (``{"ip": …, "http": {…}}``).

        Called at most a few times per request; implementations memoise.
        """
        ...
