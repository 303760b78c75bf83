"""A line of the access log as a question: what was left out of it is not taken for empty."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from policy.cel.values import EvaluationError
from tests.harness.cel import evaluate
from tests.harness.records import a_principal, a_record
from vigil.rehearsal.recorded import CUT_AT, Recorded, UnreadableError, UnrecordedError, read
from vigil.telemetry.entry import EntryWriter

REQUEST = {
    "method": "GET",
    "path": "/orders",
    "uri": "/orders",
    "scheme": "https",
    "forwardedHost": "web.example.com",
    "bodyBytes": 0,
    "userAgent": "curl/8",
    "headers": {"x-team": "web", "accept": "a, b"},
}


def a_line(request: dict[str, Any] | None = None, **record: Any) -> bytes:
    """Write an entry as a serving process does."""
    http = {"request": REQUEST if request is None else request, "httpVersion": "HTTP11"}
    made = a_record(who=a_principal(), info=lambda: {"http": http}, **record)
    return EntryWriter("default").line(made)


def asked(text: str, line: bytes | None = None) -> tuple[Any, Recorded]:
    """Evaluate an expression over what a line holds."""
    question = read(line or a_line())
    try:
        return evaluate(text, {"request": question.facts}), question
    except EvaluationError as error:
        return error, question


def test_a_line_says_who_asked_what_when_and_what_was_answered() -> None:
    question = read(a_line())
    assert question.service.name == "web.default"
    assert question.session.name == "alice-qkzmwp"
    assert question.ns == 1_800_000_000_000_000_000
    assert (question.method, question.path) == ("GET", "/orders")
    assert str(question.answer) == "ALLOWED by rule own-team"


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("ctx.request.ip", "203.0.113.9"),
        ("ctx.request.http.method", "GET"),
        ("ctx.request.http.path", "/orders"),
        ("ctx.request.http.host", "web.example.com"),
        ("ctx.request.http.scheme", "https"),
        ("ctx.request.http.protocol", "HTTP/1.1"),
        ('ctx.request.http.headers["user-agent"]', "curl/8"),
        ('ctx.request.http.headers["x-team"]', "web"),
        ('"x-team" in ctx.request.http.headers', True),
        ("has(ctx.request.http.headers)", True),
        ('ctx.request.http.path == "/x" && ctx.request.http.size > 1', False),
        ('ctx.request.http.size > 1 || ctx.request.http.path == "/orders"', True),
    ],
)
def test_what_was_recorded_is_there(text: str, value: object) -> None:
    assert asked(text)[0] == value


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("ctx.request.http.uri", "ctx.request.http.uri"),
        ("ctx.request.http.size > 1", "ctx.request.http.size"),
        ("has(ctx.request.http.body)", "ctx.request.http.body"),
        ('ctx.request.http.queryParams["a"] == "1"', "ctx.request.http.queryParams"),
        ('"a" in ctx.request.http.queryParams', "ctx.request.http.queryParams"),
        ('"x-debug" in ctx.request.http.headers', "ctx.request.http.headers.x-debug"),
        ('ctx.request.http.headers["accept"]', "ctx.request.http.headers.accept"),
        ("ctx.request.http.headers.?b.orValue('')", "ctx.request.http.headers.b"),
        ("has(ctx.request.http.headers.cookie)", "ctx.request.http.headers.cookie"),
        ("ctx.request.http.headers.exists(h, h.startsWith('a'))", "ctx.request.http.headers"),
        ("size(ctx.request.http.headers) == 0", "ctx.request.http.headers"),
        ("ctx.request.http.headers == {}", "ctx.request.http.headers"),
        ("json.marshal(ctx.request) == ''", "ctx.request.http"),
    ],
)
def test_what_was_left_out_is_an_error_of_its_own(text: str, path: str) -> None:
    value, question = asked(text)
    assert isinstance(value, UnrecordedError)
    assert question.touched == {path}


def test_a_key_that_no_request_has_is_missing_as_ever() -> None:
    value, question = asked("ctx.request.http.methd")
    assert isinstance(value, EvaluationError)
    assert not isinstance(value, UnrecordedError)
    assert not question.touched


def test_a_text_that_may_have_been_cut_is_not_known() -> None:
    line = a_line(REQUEST | {"path": "/" + "a" * (CUT_AT - 1)})
    assert isinstance(asked('ctx.request.http.path == "/"', line)[0], UnrecordedError)


@pytest.mark.parametrize(
    ("line", "why"),
    [
        pytest.param(b"listening on 8080\n", "the line is no entry", id="text"),
        pytest.param(b'{"kind": "AccessLog"}\n', "the line is no entry", id="empty"),
        pytest.param(b"[1]\n", "the line is no entry", id="list"),
        pytest.param(
            EntryWriter("default").line(a_record(info=lambda: {"http": {"response": {}}})),
            "it never became a request",
            id="broken-request",
        ),
        pytest.param(
            EntryWriter("default").line(a_record(info=lambda: {"ssh": {}})),
            "requests of mode HTTP are not recorded",
            id="another-protocol",
        ),
        pytest.param(
            EntryWriter("default").line(a_record(), sequence=2), "the end of a stream", id="end"
        ),
    ],
)
def test_what_is_no_question_says_why(line: bytes, why: str) -> None:
    with pytest.raises(UnreadableError, match=why):
        read(line)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@given(st.data())
def test_whatever_stands_in_a_line_it_is_read_or_refused(data: st.DataObject) -> None:
    document = orjson.loads(a_line())
    place = document
    for key in data.draw(
        st.sampled_from(
            [
                ("kind",),
                ("entry",),
                ("entry", "common"),
                ("entry", "common", "startedAt"),
                ("entry", "common", "reason"),
                ("entry", "common", "sessionRef"),
                ("entry", "info"),
                ("entry", "info", "http"),
                ("entry", "info", "http", "request"),
                ("entry", "info", "http", "request", "headers"),
            ]
        )
    ):
        holder, place, last = place, place[key], key
    holder[last] = data.draw(JSON)
    try:
        read(orjson.dumps(document))
    except UnreadableError:
        return
