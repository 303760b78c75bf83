"""What a client gets that is refused, and what becomes of its connection."""

from __future__ import annotations

from urllib.parse import unquote

import pytest

from policy.decision import Denied, Reason
from protocols.api import BearerToken, CookieToken
from tests.harness.builders import a_service
from tests.harness.gate import NO_POLICY_MATCH, TOKEN, FakeGate, a_principal
from tests.harness.proxying import Proxying, get

HTML = "Accept: text/html,application/xhtml+xml"
BROWSER = "User-Agent: Mozilla/5.0 (X11; Linux x86_64)"
STRANGER = ("192.0.2.7", 50_000)


@pytest.fixture
async def proxying() -> Proxying:
    return Proxying()


async def test_nobody_gets_401_with_a_challenge(proxying: Proxying) -> None:
    answer = await proxying.ask(proxying.client(), get(token=b""))
    assert answer == (
        b"HTTP/1.1 401 Unauthorized\r\nServer: octelium\r\nX-Octelium-Unauthorized: true\r\n"
        b'WWW-Authenticate: Bearer realm="octelium"\r\nContent-Length: 0\r\n\r\n'
    )


async def test_a_denied_caller_gets_403_and_keeps_the_connection(proxying: Proxying) -> None:
    proxying.gate.denied = NO_POLICY_MATCH
    client = proxying.client()
    for _ in range(2):
        answer = await proxying.ask(client, get())
        assert answer.startswith(b"HTTP/1.1 403 Forbidden\r\n")
        assert b"X-Octelium-Unauthorized: true\r\n" in answer
    assert not client.is_closed
    assert proxying.dialled == []


async def test_a_refused_head_request_gets_no_body(proxying: Proxying) -> None:
    proxying.gate.service = a_service(isPublic=True, isDisabled=True)
    answer = await proxying.ask(proxying.client(), get(method="HEAD"))
    assert answer.endswith(b"\r\n\r\n")


async def test_a_browser_without_session_is_sent_to_login_and_back(proxying: Proxying) -> None:
    answer = await proxying.ask(proxying.client(), get("/a%20b?x=1&y=2", HTML, BROWSER, token=b""))
    assert answer.startswith(b"HTTP/1.1 303 See Other\r\n")
    location = answer.partition(b"Location: ")[2].split(b"\r\n")[0].decode()
    before, _, after = location.partition("redirect=")
    assert before == "https://example.com/login?"
    assert "&" not in after
    assert unquote(after).startswith("https://web.")
    assert unquote(after).endswith("example.com/a%20b?x=1&y=2")


async def test_a_denied_person_in_a_browser_is_sent_to_an_explanation(
    proxying: Proxying,
) -> None:
    proxying.gate.denied = NO_POLICY_MATCH
    answer = await proxying.ask(proxying.client(), get("/", HTML, BROWSER))
    assert b"Location: https://example.com/denied\r\n" in answer


async def test_a_denied_workload_gets_403_whatever_it_accepts(proxying: Proxying) -> None:
    proxying.gate.denied = NO_POLICY_MATCH
    proxying.gate.who = a_principal("robot", type="WORKLOAD")
    answer = await proxying.ask(proxying.client(), get("/", HTML, BROWSER))
    assert answer.startswith(b"HTTP/1.1 403 ")


@pytest.mark.parametrize(
    "request_",
    [
        pytest.param(get("/", BROWSER, token=b""), id="no-page"),
        pytest.param(get("/", HTML, "User-Agent: curl/8", token=b""), id="no-browser"),
        pytest.param(get("/", HTML, BROWSER, method="POST", token=b""), id="no-navigation"),
    ],
)
async def test_whoever_is_no_browser_on_its_way_to_a_page_gets_401(
    proxying: Proxying, request_: bytes
) -> None:
    assert (await proxying.ask(proxying.client(), request_)).startswith(b"HTTP/1.1 401 ")


async def test_nobody_in_particular_who_is_denied_gets_403(proxying: Proxying) -> None:
    proxying.gate = FakeGate(
        a_service(isPublic=True, isAnonymous=True, authorization={"enableAnonymous": True})
    )
    proxying.gate.denied = NO_POLICY_MATCH
    answer = await proxying.ask(proxying.client(), get("/", HTML, BROWSER, token=b""))
    assert answer.startswith(b"HTTP/1.1 403 ")


async def test_a_disabled_service_is_503_before_anybody_is_asked(proxying: Proxying) -> None:
    proxying.gate.service = a_service(isPublic=True, isDisabled=True)
    answer = await proxying.ask(proxying.client(), get())
    assert (
        answer
        == b"HTTP/1.1 503 Service Unavailable\r\nServer: octelium\r\nContent-Length: 0\r\n\r\n"
    )
    assert proxying.gate.evidence == []


@pytest.mark.parametrize(
    "request_",
    [
        pytest.param(get(), id="bearer"),
        pytest.param(get("/", "X-Octelium-Auth: t", token=b""), id="header"),
        pytest.param(get("/", "Cookie: octelium_auth=t", token=b""), id="cookie"),
    ],
)
async def test_a_token_that_others_could_read_is_not_looked_at(
    proxying: Proxying, request_: bytes
) -> None:
    client = proxying.client(peer=STRANGER)
    client.feed(request_ + get("/second"))
    answer = client.take()
    assert answer.startswith(b"HTTP/1.1 401 ")
    assert b"text/plain" in answer
    assert b"Connection: close" in answer
    assert answer.count(b"HTTP/1.1") == 1
    assert proxying.gate.evidence == []
    assert proxying.gate.asked == []


async def test_a_token_over_tls_is_looked_at(proxying: Proxying) -> None:
    await proxying.forward(proxying.client(peer=STRANGER, is_tls=True), get())
    assert proxying.gate.evidence == [BearerToken(TOKEN)]


@pytest.mark.parametrize("address", ["127.0.0.1", "127.9.9.9", "::1", "::ffff:127.0.0.1"])
async def test_loopback_is_private_in_every_spelling(proxying: Proxying, address: str) -> None:
    await proxying.forward(proxying.client(peer=(address, 1)), get())
    assert proxying.gate.evidence == [BearerToken(TOKEN)]


async def test_a_unix_socket_is_private(proxying: Proxying) -> None:
    await proxying.forward(proxying.client(peer=""), get())
    assert proxying.gate.evidence == [BearerToken(TOKEN)]


async def test_evidence_comes_in_the_order_in_which_it_counts(proxying: Proxying) -> None:
    headers = ("Cookie: a=1; octelium_auth=third; b=2", "X-Octelium-Auth: first")
    await proxying.ask(proxying.client(), get("/", *headers))
    assert proxying.gate.evidence == [
        BearerToken(b"first"),
        CookieToken(b"third"),
        BearerToken(TOKEN),
    ]


@pytest.mark.parametrize(
    "header",
    ["Authorization: Basic Zm9v", "Authorization: Bearer", "Authorization:", "X-Octelium-Auth:"],
)
async def test_what_is_no_token_is_no_evidence(proxying: Proxying, header: str) -> None:
    await proxying.ask(proxying.client(), get("/", header, token=b""))
    assert proxying.gate.evidence == []


async def test_a_refusal_while_authenticating_is_401_with_its_reason_in_the_record(
    proxying: Proxying,
) -> None:
    proxying.gate.refused = Denied(Reason.SESSION_EXPIRED, is_authenticated=False)
    answer = await proxying.ask(proxying.client(), get())
    assert answer.startswith(b"HTTP/1.1 401 ")
    (record,) = proxying.telemetry.records
    assert record.verdict == proxying.gate.refused
    assert record.who is None


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        pytest.param(b"GET / HTTP/1.1\r\n\r\n", 400, id="no-host"),
        pytest.param(b"GET /a%zz HTTP/1.1\r\nHost: a\r\n\r\n", 400, id="bad-path"),
        pytest.param(b"CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\n\r\n", 405, id="connect"),
        pytest.param(b"GET / HTTP/2.0\r\nHost: a\r\n\r\n", 505, id="version"),
        pytest.param(b"GET / HTTP/1.1\r\nX: " + b"a" * 70_000, 431, id="huge-head"),
        pytest.param(b"GET / HTTP/1.1\nHost: a\n\n", 400, id="bare-line-feeds"),
        pytest.param(b"\x16\x03\x01\x02\x00\x01\n", 400, id="tls-on-a-plain-port"),
    ],
)
async def test_what_is_no_request_is_answered_recorded_and_closed(
    proxying: Proxying, request_: bytes, status: int
) -> None:
    client = proxying.client()
    answer = await proxying.ask(client, request_)
    assert answer.startswith(b"HTTP/1.1 %d " % status)
    assert b"Connection: close" in answer
    assert client.has_sent_eof
    (record,) = proxying.telemetry.records
    assert isinstance(record.verdict, Denied)
    assert record.verdict.detail
    assert proxying.telemetry.active == 0
    assert proxying.gate.asked == []
