from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from policy.decision import Denied, Reason
from policy.principal import Caller
from tests.harness.builders import a_rule, a_service, a_session, a_user, inline
from tests.harness.clock import FakeClock
from tests.harness.gates import Asked, Gatehouse, a_gate, at
from vigil.gate.recheck import BATCH_SECONDS, Recheck


class Stream:
    """Something in flight, which remembers how it was ended."""

    def __init__(self, who: Caller, path: str = "/") -> None:
        self.who = who
        self.request = Asked({"http": {"path": path}})
        self.ended: Denied | None = None

    def end(self, denied: Denied) -> None:
        self.ended = denied


class BrokenStream(Stream):
    def end(self, denied: Denied) -> None:
        raise RuntimeError("cannot end")


class Rechecked:
    """A Recheck over a list of streams, and what it reports."""

    def __init__(self, gatehouse: Gatehouse, clock: FakeClock | None = None) -> None:
        self.gatehouse = gatehouse
        self.streams: list[Stream] = []
        self.reports: list[tuple[int, int]] = []
        self.recheck = Recheck(
            lambda: self.gatehouse.gate,
            lambda: self.streams,
            lambda kept, cut: self.reports.append((kept, cut)),
            clock or gatehouse.clock,
        )

    def open(self, session: Any, path: str = "/", kind: type[Stream] = Stream) -> Stream:
        stream = kind(self.gatehouse.principal(session), path)
        self.streams.append(stream)
        return stream

    def everything(self) -> int:
        return len(list(self.recheck.walk(everything=True)))

    def due(self) -> int:
        return len(list(self.recheck.walk(everything=False)))


def test_what_is_still_allowed_goes_on() -> None:
    session = a_session()
    rechecked = Rechecked(a_gate(a_user(), session))
    stream = rechecked.open(session)
    rechecked.everything()
    assert stream.ended is None
    assert rechecked.reports == [(1, 0)]


def test_a_stream_of_a_session_that_is_gone_is_ended_and_others_go_on() -> None:
    gone, stays = a_session(), a_session("alice-phone")
    rechecked = Rechecked(a_gate(a_user(), gone, stays))
    streams = [rechecked.open(gone), rechecked.open(stays), rechecked.open(gone)]
    rechecked.gatehouse = a_gate(a_user(), stays, revision=2)
    rechecked.everything()
    assert [stream.ended is not None for stream in streams] == [True, False, True]
    assert rechecked.reports == [(1, 2)]


def test_a_stream_is_asked_about_with_the_request_it_began_with() -> None:
    session = a_session()
    rechecked = Rechecked(a_gate(a_user(), session))
    streams = {path: rechecked.open(session, path) for path in ("/public", "/private")}
    rule = a_rule(match='ctx.request.http.path == "/public"')
    service = a_service(isPublic=True, authorization=inline(rule))
    rechecked.gatehouse = a_gate(a_user(), session, service=service, revision=2)
    rechecked.everything()
    assert streams["/public"].ended is None
    ended = streams["/private"].ended
    assert ended is not None
    assert ended.reason is Reason.NO_POLICY_MATCH


@pytest.mark.parametrize(
    ("user", "session", "reason"),
    [
        ({"isDisabled": True}, {}, Reason.USER_DEACTIVATED),
        ({}, {"status": {"isLocked": True}}, Reason.SESSION_LOCKED),
        ({}, {"state": "REJECTED"}, Reason.SESSION_NOT_ACTIVE),
    ],
)
def test_what_a_check_refuses_now_is_ended_with_its_reason(
    user: dict[str, Any], session: dict[str, Any], reason: Reason
) -> None:
    before = a_session()
    rechecked = Rechecked(a_gate(a_user(), before))
    stream = rechecked.open(before)
    rechecked.gatehouse = a_gate(a_user(**user), a_session(**session), revision=2)
    rechecked.everything()
    assert stream.ended is not None
    assert stream.ended.reason is reason


def test_a_disabled_service_ends_its_streams() -> None:
    session = a_session()
    rechecked = Rechecked(a_gate(a_user(), session))
    stream = rechecked.open(session)
    disabled = a_service(isPublic=True, isDisabled=True, authorization=inline(a_rule()))
    rechecked.gatehouse = a_gate(a_user(), session, service=disabled, revision=2)
    rechecked.everything()
    assert stream.ended is not None


def test_a_session_that_ends_is_noticed_without_any_change() -> None:
    session = a_session(expiresAt=at(10))
    rechecked = Rechecked(a_gate(a_user(), session))
    stream = rechecked.open(session)
    rechecked.due()
    assert stream.ended is None
    rechecked.gatehouse.clock.advance(10)
    rechecked.due()
    assert stream.ended is not None
    assert stream.ended.reason is Reason.SESSION_EXPIRED


def test_an_access_token_that_ends_is_noticed_without_any_change() -> None:
    made = {"setAt": at(-3590), "accessTokenDuration": {"hours": 1}}
    session = a_session(status={"authentication": made})
    rechecked = Rechecked(a_gate(a_user(), session))
    stream = rechecked.open(session)
    rechecked.gatehouse.clock.advance(10)
    rechecked.due()
    assert stream.ended is not None
    assert stream.ended.reason is Reason.ACCESS_TOKEN_EXPIRED


def test_a_policy_that_reads_the_clock_is_asked_without_any_change() -> None:
    session = a_session()
    rule = a_rule(match=f"now() < timestamp('{at(2)}')")
    service = a_service(isPublic=True, authorization=inline(rule))
    rechecked = Rechecked(a_gate(a_user(), session, service=service))
    stream = rechecked.open(session)
    rechecked.gatehouse.clock.advance(1)
    rechecked.due()
    assert stream.ended is None
    rechecked.gatehouse.clock.advance(1)
    rechecked.due()
    assert stream.ended is not None


def test_what_no_time_can_change_is_not_asked_about_each_second() -> None:
    session = a_session()
    rechecked = Rechecked(a_gate(a_user(), session))
    rechecked.open(session)
    rechecked.due()
    assert rechecked.reports == []


def test_one_stream_that_cannot_be_ended_does_not_save_the_next() -> None:
    session = a_session()
    rechecked = Rechecked(a_gate(a_user(), session))
    rechecked.open(session, kind=BrokenStream)
    stream = rechecked.open(session)
    rechecked.gatehouse = a_gate(a_user(), revision=2)
    rechecked.everything()
    assert stream.ended is not None


def test_a_request_that_cannot_say_what_it_is_is_ended() -> None:
    class Speechless(Asked):
        def facts(self) -> Any:
            raise RuntimeError("cannot say")

    session = a_session()
    rechecked = Rechecked(a_gate(a_user(), session))
    stream = rechecked.open(session)
    stream.request = Speechless()
    rechecked.everything()
    assert stream.ended is not None
    assert stream.ended.reason is Reason.EVALUATION_ERROR


class TiredClock(FakeClock):
    """Time passes each time somebody looks."""

    def monotonic(self) -> float:
        self.advance(BATCH_SECONDS / 10)
        return super().monotonic()


def test_a_long_pass_gives_way_to_others() -> None:
    session = a_session()
    rechecked = Rechecked(a_gate(a_user(), session), TiredClock())
    for _ in range(100):
        rechecked.open(session)
    assert rechecked.everything() == pytest.approx(10, abs=2)


def test_a_change_in_the_middle_of_a_pass_counts_for_the_rest_of_it() -> None:
    session = a_session()
    rechecked = Rechecked(a_gate(a_user(), session), TiredClock())
    streams = [rechecked.open(session) for _ in range(100)]
    walk: Iterator[None] = rechecked.recheck.walk(everything=True)
    next(walk)
    rechecked.gatehouse = a_gate(a_user(), revision=2)
    list(walk)
    assert streams[0].ended is None
    assert streams[-1].ended is not None
