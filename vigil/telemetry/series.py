"""Numbers that are counted on the hot path: plain ints and floats in cells made beforehand."""

from __future__ import annotations

from bisect import bisect_left
from typing import Final, final

UNSET: Final = "UNSET"
OTHER: Final = "OTHER"
MAX_LABEL: Final = 128
MAX_SERIES: Final = 1_000
"""Label combinations one Service may have before the next ones are counted as OTHER."""

REQUEST_SECONDS: Final = (
    0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0,
)  # fmt: skip
DECISION_SECONDS: Final = (
    0.000005, 0.00001, 0.000025, 0.00005, 0.0001, 0.00025, 0.0005, 0.001, 0.005, 0.025, 0.1,
)  # fmt: skip
SESSION_SECONDS: Final = (
    0.1, 0.5, 1.0, 5.0, 15.0, 60.0, 300.0, 900.0, 1800.0, 3600.0, 14400.0, 43200.0, 86400.0,
)  # fmt: skip


def bounded(value: str) -> str:
    """Return ``value`` as a label may carry it: never empty, long or unprintable."""
    if not value:
        return UNSET
    return value if len(value) <= MAX_LABEL and value.isprintable() else OTHER


@final
class Histogram:
    """How often a value fell at or below each bound; the last count is for those above all."""

    __slots__ = ("bounds", "counts", "total")

    def __init__(self, bounds: tuple[float, ...]) -> None:
        self.bounds: Final = bounds
        self.counts = [0] * (len(bounds) + 1)
        self.total = 0.0

    def observe(self, value: float) -> None:
        """Count one value. A clock set back must not make a sum shrink, so it counts as zero."""
        self.counts[bisect_left(self.bounds, value)] += 1
        if value > 0.0:
            self.total += value

    @property
    def count(self) -> int:
        """How many values were counted."""
        return sum(self.counts)

    def add(self, other: Histogram) -> None:
        """Add another histogram of the same bounds to this one."""
        self.counts = [mine + its for mine, its in zip(self.counts, other.counts, strict=True)]
        self.total += other.total


@final
class RequestCell:
    """Everything that is counted for requests with one set of labels."""

    __slots__ = ("bytes_received", "bytes_sent", "duration", "labels", "ttfb")

    def __init__(self, labels: dict[str, str]) -> None:
        self.labels: Final = labels
        self.duration: Final = Histogram(REQUEST_SECONDS)
        self.ttfb: Final = Histogram(REQUEST_SECONDS)
        self.bytes_sent = 0
        self.bytes_received = 0
