from __future__ import annotations

import re
from typing import Any

import orjson
from hypothesis import given
from hypothesis import strategies as st

from config.secret import SecretBytes
from policy.decision import Denied, Reason, RuleRef
from policy.principal import ANONYMOUS
from protocols.api import Record
from tests.harness.records import (
    A_RULE,
    NO_MATCH,
    NOBODY,
    NOON,
    a_permit,
    a_principal,
    a_record,
    a_service,
)
from vigil.telemetry.entry import EntryWriter, Ids

SERVICE_REF = {
    "apiVersion": "core/v1",
    "kind": "Service",
    "uid": "5f6b6d8c-6a3c-4c53-9b0f-0d8f1f3b9a01",
    "name": "web.default",
}
SUBJECT = {"sessionRef", "userRef", "deviceRef"}


def written(record: Record, **more: Any) -> dict[str, Any]:
    """Return the entry as a reader of the log parses it."""
    line = EntryWriter("default").line(record, **more)
    assert line.endswith(b"\n")
    assert line.count(b"\n") == 1
    document: dict[str, Any] = orjson.loads(line)
    return document


def common(record: Record, **more: Any) -> dict[str, Any]:
    found: dict[str, Any] = written(record, **more)["entry"]["common"]
    return found


def test_an_entry_is_enveloped_as_an_access_log() -> None:
    entry = written(a_record(who=a_principal(), ended=NOON + 0.12))
    assert (entry["apiVersion"], entry["kind"]) == ("core/v1", "AccessLog")
    assert entry["metadata"]["createdAt"] == "2027-01-15T08:00:00.120000Z"
    assert entry["metadata"]["targetRef"] == SERVICE_REF
    assert entry["metadata"]["actorRef"] == entry["entry"]["common"]["sessionRef"]
    assert entry["entry"]["info"] == {"http": {"request": {"path": "/orders"}}}


def test_an_entry_names_who_asked_what_of_whom() -> None:
    found = common(a_record(who=a_principal(), connection_id="c-1"))
    assert found["sessionRef"] == {
        "apiVersion": "core/v1",
        "kind": "Session",
        "name": "alice-qkzmwp",
        "resourceVersion": "7",
    }
    assert found["userRef"]["name"] == "alice"
    assert found["deviceRef"] == {"apiVersion": "core/v1", "kind": "Device", "name": "alice-laptop"}
    assert found["serviceRef"] == SERVICE_REF
    assert found["namespaceRef"]["name"] == "default"
    assert found["regionRef"] == {"apiVersion": "core/v1", "kind": "Region", "name": "default"}
    assert (found["mode"], found["connectionID"], found["isPublic"]) == ("HTTP", "c-1", True)
    assert found["sourceAddress"] == "203.0.113.9"


def test_a_session_without_a_device_has_no_reference_to_one() -> None:
    assert "deviceRef" not in common(a_record(who=a_principal(device=False)))


def test_what_is_allowed_says_by_which_rule_of_which_policy() -> None:
    found = common(a_record(a_permit(A_RULE), who=a_principal()))
    assert found["status"] == "ALLOWED"
    assert found["reason"] == {
        "type": "POLICY_MATCH",
        "details": {
            "policyMatch": {
                "policy": {
                    "policyRef": {"apiVersion": "core/v1", "kind": "Policy", "name": "team"}
                },
                "ruleName": "own-team",
                "priority": 2,
            }
        },
    }


def test_a_rule_of_an_inline_policy_is_named_by_the_resource_that_holds_it() -> None:
    rule = RuleRef("all", 0, "here", inline=True, owner_kind="Namespace", owner_name="default")
    found = common(a_record(Denied(Reason.POLICY_MATCH, rule), who=a_principal()))
    assert found["status"] == "DENIED"
    assert found["reason"]["details"]["policyMatch"] == {
        "inlinePolicy": {
            "resourceRef": {"apiVersion": "core/v1", "kind": "Namespace", "name": "default"},
            "name": "here",
        },
        "ruleName": "all",
        "priority": 0,
    }


def test_a_session_that_is_not_active_is_logged_with_its_state() -> None:
    who = a_principal(state="PENDING")
    reason = common(a_record(Denied(Reason.SESSION_NOT_ACTIVE), who=who))["reason"]
    assert reason == {
        "type": "SESSION_NOT_ACTIVE",
        "details": {"sessionNotActive": {"state": "PENDING"}},
    }


def test_a_denial_carries_its_detail() -> None:
    denied = Denied(Reason.EVALUATION_ERROR, detail="rule own-team: no such overload")
    reason = common(a_record(denied, who=a_principal()))["reason"]
    assert reason == {"type": "EVALUATION_ERROR", "message": "rule own-team: no such overload"}


def test_a_caller_nobody_knows_is_logged_by_address_and_without_references() -> None:
    entry = written(a_record(NOBODY))
    found = entry["entry"]["common"]
    assert (found["status"], found["reason"]["type"]) == ("DENIED", "UNAUTHENTICATED")
    assert found["sourceAddress"] == "203.0.113.9"
    assert not SUBJECT & found.keys()
    assert "actorRef" not in entry["metadata"]


def test_an_anonymous_service_without_rules_allows_without_a_reason() -> None:
    service = a_service(mode="WEB", isAnonymous=True)
    found = common(a_record(a_permit(rule=None), who=ANONYMOUS, service=service))
    assert (found["status"], found["isAnonymous"]) == ("ALLOWED", True)
    assert "reason" not in found
    assert not SUBJECT & found.keys()


def test_what_was_cut_is_logged_as_denied_and_why() -> None:
    cut = Denied(Reason.SESSION_LOCKED)
    found = common(a_record(a_permit(), who=a_principal(), end_reason=cut))
    assert (found["status"], found["reason"]["type"]) == ("DENIED", "SESSION_LOCKED")


def test_the_beginning_of_a_stream_has_no_end() -> None:
    found = common(a_record(who=a_principal()), sequence=1, is_open=True)
    assert "endedAt" not in found
    assert found["sequence"] == 1


def test_a_line_is_written_even_if_the_details_cannot_be() -> None:
    for odd in (object(), "\ud800", 1 << 70, b"bytes"):
        entry = written(a_record(NO_MATCH, info=lambda odd=odd: {"http": odd}))
        assert "info" not in entry["entry"]
        assert entry["entry"]["common"]["status"] == "DENIED"


def test_a_secret_among_the_details_is_not_written() -> None:
    record = a_record(info=lambda: {"http": {"token": SecretBytes(b"hunter2")}})
    assert b"hunter2" not in EntryWriter("default").line(record)


@given(st.text())
def test_whatever_a_client_sends_it_stays_one_line_of_json(text: str) -> None:
    entry = written(a_record(info=lambda: {"http": {"request": {"path": text}}}))
    assert entry["entry"]["info"]["http"]["request"]["path"] == text


def test_references_follow_the_resources_of_the_request() -> None:
    writer = EntryWriter("default")
    for who in (a_principal(), a_principal(device=False), a_principal()):
        found = orjson.loads(writer.line(a_record(who=who)))["entry"]["common"]
        assert ("deviceRef" in found) == (who.device is not None)


def test_an_id_is_five_groups_of_letters_and_never_the_same() -> None:
    count = 1000
    source = Ids()
    ids = {source.fresh() for _ in range(count)}
    assert len(ids) == count
    shape = re.compile(rb"[a-z]{4}-[a-z]{4}-[a-z]{24}-[a-z]{4}-[a-z]{4}")
    assert all(shape.fullmatch(one) for one in ids)
