from __future__ import annotations

from bisect import bisect_left

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vigil.telemetry.series import MAX_LABEL, Histogram, bounded


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        pytest.param("GET", "GET", id="known"),
        pytest.param("", "UNSET", id="empty"),
        pytest.param("x" * MAX_LABEL, "x" * MAX_LABEL, id="longest"),
        pytest.param("x" * (MAX_LABEL + 1), "OTHER", id="too-long"),
        pytest.param("a\nb", "OTHER", id="line-break"),
        pytest.param("\ud800", "OTHER", id="half-a-character"),
    ],
)
def test_a_label_value_is_never_empty_long_or_unprintable(value: str, shown: str) -> None:
    assert bounded(value) == shown


def test_a_value_equal_to_a_bound_belongs_to_that_bound() -> None:
    histogram = Histogram((1.0, 2.0))
    for value in (0.5, 1.0, 1.5, 2.0, 2.5):
        histogram.observe(value)
    assert histogram.counts == [2, 2, 1]


def test_a_clock_set_back_makes_no_sum_shrink() -> None:
    histogram = Histogram((1.0,))
    histogram.observe(2.0)
    histogram.observe(-5.0)
    assert (histogram.count, histogram.total, histogram.counts) == (2, 2.0, [1, 1])


@given(st.lists(st.floats(min_value=0, max_value=1e6)))
def test_every_value_is_counted_once_and_in_its_place(values: list[float]) -> None:
    histogram = Histogram((0.1, 1.0, 10.0))
    for value in values:
        histogram.observe(value)
    expected = [0, 0, 0, 0]
    for value in values:
        expected[bisect_left((0.1, 1.0, 10.0), value)] += 1
    assert histogram.counts == expected


def test_histograms_of_the_same_bounds_add_up() -> None:
    one, other = Histogram((1.0,)), Histogram((1.0,))
    one.observe(0.5)
    other.observe(3.0)
    one.add(other)
    assert (one.counts, one.total) == ([1, 1], 3.5)
