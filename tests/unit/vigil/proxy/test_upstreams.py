from __future__ import annotations

from protocols.permit import Upstream
from tests.harness.clock import FakeClock
from vigil.proxy.upstreams import EJECTED_SECONDS, FAILURES_TO_EJECT, Upstreams

A, B, C = (Upstream(name, 80, name) for name in "abc")


def firsts(upstreams: Upstreams, count: int) -> list[str]:
    return [upstreams.choose()[0].host for _ in range(count)]


def test_endpoints_take_turns() -> None:
    assert firsts(Upstreams((A, B, C), FakeClock()), 6) == ["a", "b", "c", "a", "b", "c"]


def test_the_next_endpoint_is_the_one_to_fall_back_on() -> None:
    upstreams = Upstreams((A, B, C), FakeClock())
    assert [upstreams.choose() for _ in range(3)] == [(A, B), (B, C), (C, A)]


def test_one_endpoint_has_nothing_to_fall_back_on() -> None:
    assert Upstreams((A,), FakeClock()).choose() == (A,)


def test_a_service_without_upstream_has_no_choice() -> None:
    assert Upstreams((), FakeClock()).choose() == ()


def test_equal_choices_are_the_same_object() -> None:
    upstreams = Upstreams((A, B), FakeClock())
    first, _, again = (upstreams.choose() for _ in range(3))
    assert first is again


def test_an_endpoint_that_cannot_be_dialled_three_times_in_a_row_is_passed_over() -> None:
    clock = FakeClock()
    upstreams = Upstreams((A, B, C), clock)
    for _ in range(FAILURES_TO_EJECT):
        assert "b" in firsts(upstreams, 3)
        upstreams.failed(B)
    assert B not in [endpoint for _ in range(9) for endpoint in upstreams.choose()]
    clock.advance(EJECTED_SECONDS)
    assert "b" in firsts(upstreams, 3)


def test_a_dial_that_works_starts_the_count_anew() -> None:
    upstreams = Upstreams((A, B), FakeClock())
    for _ in range(FAILURES_TO_EJECT - 1):
        upstreams.failed(A)
    upstreams.reached(A)
    upstreams.failed(A)
    assert "a" in firsts(upstreams, 2)


def test_an_endpoint_that_fails_again_after_its_time_is_put_aside_at_once() -> None:
    clock = FakeClock()
    upstreams = Upstreams((A, B), clock)
    for _ in range(FAILURES_TO_EJECT):
        upstreams.failed(A)
    clock.advance(EJECTED_SECONDS)
    upstreams.failed(A)
    assert firsts(upstreams, 4) == ["b"] * 4


def test_where_all_are_put_aside_all_are_tried() -> None:
    upstreams = Upstreams((A, B), FakeClock())
    for endpoint in (A, B):
        for _ in range(FAILURES_TO_EJECT):
            upstreams.failed(endpoint)
    assert sorted(firsts(upstreams, 2)) == ["a", "b"]


def test_a_report_about_an_endpoint_of_another_time_is_ignored() -> None:
    upstreams = Upstreams((A, B), FakeClock())
    for _ in range(FAILURES_TO_EJECT):
        upstreams.failed(C)
    upstreams.reached(C)
    assert firsts(upstreams, 2) == ["a", "b"]
