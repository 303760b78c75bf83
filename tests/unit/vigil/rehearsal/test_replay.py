"""Recorded requests decided again: what would change, what would not, and what nobody knows."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import orjson
import pytest

from config.resources.meta import Resource
from tests.harness.builders import a_rule, a_service, a_session, a_user, inline
from tests.harness.snapshot import a_snapshot
from vigil.rehearsal import replay
from vigil.rehearsal.replay import LEFT_OUT, Replay

NOON = 1_800_000_000.0


def an_entry(
    path: str = "/",
    *,
    status: str = "ALLOWED",
    rule: str = "all",
    reason: str = "POLICY_MATCH",
    session: dict[str, str] | None = None,
    service: str = "web.default",
    started: float = NOON,
) -> bytes:
    """Build a line of the log about Alice's Session."""
    found: dict[str, Any] = {"type": reason}
    if rule:
        found["details"] = {"policyMatch": {"ruleName": rule}}
    common: dict[str, Any] = {
        "startedAt": datetime.fromtimestamp(started, UTC).isoformat(),
        "status": status,
        "reason": found,
        "mode": "HTTP",
        "serviceRef": {"name": service},
        "sourceAddress": "192.0.2.7",
    }
    if session != {}:
        common["sessionRef"] = session or {"name": "alice-laptop"}
    http = {"request": {"method": "GET", "path": path}, "httpVersion": "HTTP11"}
    return orjson.dumps({"kind": "AccessLog", "entry": {"common": common, "info": {"http": http}}})


def replayed(
    *lines: bytes, rules: tuple[dict[str, Any], ...], more: tuple[Resource, ...] = ()
) -> Replay:
    service = a_service(isPublic=True, authorization=inline(*rules))
    run = Replay(a_snapshot(service, a_user(), a_session(), *more))
    for number, line in enumerate(lines, start=1):
        run.take(number, line)
    return run


ALL = a_rule(name="all")


def test_nothing_changes_where_nothing_was_changed() -> None:
    run = replayed(an_entry("/a"), an_entry("/b"), rules=(ALL,))
    assert (run.same, run.otherwise, run.changed) == (2, 0, 0)
    assert list(run.lines()) == [
        "0 of 2 answers would change",
        "2 would be the same, 0 of them decided otherwise",
    ]


def test_answers_that_would_change_are_listed_once_with_their_number() -> None:
    rules = (ALL, a_rule("DENY", 'ctx.request.http.path == "/admin"', name="closed"))
    run = replayed(an_entry("/"), an_entry("/admin"), an_entry("/admin"), rules=rules)
    assert (run.same, run.changed) == (1, 2)
    (change,) = run.changes()
    assert (change.count, change.line) == (2, 2)
    text = str(change)
    assert text.startswith("2 x alice-laptop: GET /admin of web.default: ALLOWED by rule all -> ")
    assert "DENIED POLICY_MATCH: closed" in text
    assert text.endswith("(first in line 2)")


def test_the_same_answer_by_another_rule_is_told_apart() -> None:
    run = replayed(an_entry(rule="former"), rules=(ALL,))
    assert (run.same, run.otherwise, run.changed) == (0, 1, 0)


def test_each_request_is_decided_at_its_own_time_forth_and_back() -> None:
    rule = a_rule(match="now() < timestamp('2027-01-15T08:00:00Z')", name="all")
    early, late = NOON - 1, NOON + 1
    lines = [an_entry(started=early), an_entry(started=late), an_entry(started=early)]
    assert [change.line for change in replayed(*lines, rules=(rule,)).changes()] == [2]


def test_a_session_is_found_by_uid_before_its_name() -> None:
    other = a_session("bob", user="bob", metadata={"uid": "5f6b6d8c-6a3c-4c53-9b0f-0d8f1f3b9a01"})
    rule = a_rule(match='ctx.user.metadata.name == "bob"', name="all")
    by_uid = an_entry(
        session={"uid": "5f6b6d8c-6a3c-4c53-9b0f-0d8f1f3b9a01", "name": "alice-laptop"}
    )
    run = replayed(by_uid, rules=(rule,), more=(a_user("bob"), other))
    assert run.same == 1


def test_a_session_of_another_uid_is_found_by_its_name() -> None:
    run = replayed(an_entry(session={"uid": "gone", "name": "alice-laptop"}), rules=(ALL,))
    assert run.same == 1


@pytest.mark.parametrize(
    ("line", "why"),
    [
        pytest.param(an_entry(session={"name": "x"}), "Session x is not declared", id="session"),
        pytest.param(an_entry(service="x.y"), "Service x.y is not declared", id="service"),
        pytest.param(
            an_entry(session={}, status="DENIED", reason="UNAUTHENTICATED", rule=""),
            "the caller was not recognised, and credentials are not recorded",
            id="nobody",
        ),
    ],
)
def test_what_cannot_be_asked_again_says_why(line: bytes, why: str) -> None:
    run = replayed(line, rules=(ALL,))
    assert run.undecided == {why: 1}
    assert (run.same, run.changed) == (0, 0)


def test_what_a_rule_reads_and_nobody_recorded_is_no_answer() -> None:
    rules = (ALL, a_rule("DENY", '"x-debug" in ctx.request.http.headers', name="no-debug"))
    run = replayed(an_entry(), rules=rules)
    ((why, count),) = run.undecided.items()
    assert count == 1
    assert "ctx.request.http.headers.x-debug, read by no-debug" in why
    assert why.endswith("was not recorded")
    assert list(run.lines())[-1] == LEFT_OUT


def test_what_nobody_recorded_does_not_matter_where_it_decides_nothing() -> None:
    match = 'ctx.request.http.path == "/debug" && "x-debug" in ctx.request.http.headers'
    run = replayed(an_entry("/"), rules=(ALL, a_rule("DENY", match, name="no-debug")))
    assert (run.same, run.undecided) == (1, {})


def test_an_error_that_is_the_policys_own_is_an_answer() -> None:
    run = replayed(an_entry(), rules=(a_rule(match="1 / 0 > 1", name="all"),))
    (change,) = run.changes()
    assert "EVALUATION_ERROR" in str(change)


def test_a_session_refused_by_now_would_be_refused() -> None:
    service = a_service(isPublic=True, authorization=inline(ALL))
    run = Replay(a_snapshot(service, a_user(isDisabled=True), a_session()))
    run.take(1, an_entry())
    assert "USER_DEACTIVATED" in str(run.changes()[0])


def test_an_anonymous_service_is_asked_for_nobody() -> None:
    authorization = {"enableAnonymous": True, **inline(ALL)}
    service = a_service(isPublic=True, isAnonymous=True, authorization=authorization)
    run = Replay(a_snapshot(service))
    run.take(1, an_entry(session={}))
    assert run.same == 1


def test_lines_that_are_no_entries_are_counted_and_passed_over() -> None:
    run = replayed(b"web listens on http://127.0.0.1:8080", rules=(ALL,))
    assert run.passed_over.total() == 1
    assert "1 were passed over" in list(run.lines())


def test_a_list_too_long_to_read_is_counted_but_not_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(replay, "MAX_LISTED", 2)
    run = replayed(*(an_entry(f"/{n}") for n in range(5)), rules=(a_rule("DENY", name="no"),))
    assert run.changed == 5
    assert len(run.changes()) == 2
    assert list(run.lines())[-1] == "3 more that would change are not listed"


def test_a_program_gets_all_of_it() -> None:
    run = replayed(
        an_entry("/a"), b"junk", an_entry(service="x.y"), rules=(a_rule("DENY", name="no"),)
    )
    shown = run.as_json()
    assert json.loads(json.dumps(shown)) == shown
    (change,) = shown["changes"]
    assert change["was"] == {"isAllowed": True, "reason": "POLICY_MATCH", "rule": "all"}
    assert change["wouldBe"]["rule"]["rule"] == "no"
    assert shown["undecided"] == [{"why": "Service x.y is not declared", "count": 1}]
    assert shown["passedOver"][0]["count"] == 1
