"""What a Service may declare, what is refused, and what policy and the log get to see."""

from __future__ import annotations

from typing import Any

import pytest

from config.errors import ConfigError
from config.resources.service import Mode
from config.secret import SecretBytes
from protocols.http.options import login_line, prepare
from protocols.http.spec import SPEC
from protocols.permit import HeaderLogin, NoLogin
from protocols.registry import PROTOCOLS, protocol_for
from tests.harness.builders import a_service
from tests.harness.gate import FakeGate, secrets_of
from tests.harness.proxying import OK, Proxying, get

RETRY = {"maxRetries": 3}
PLUGIN = {
    "name": "pp",
    "condition": {"matchAny": True},
    "direct": {"statusCode": 418, "body": {"inline": "x"}},
}


@pytest.mark.parametrize(
    ("options", "path"),
    [
        ({"cors": {}}, "cors"),
        ({"enableRequestBuffering": True}, "enableRequestBuffering"),
        ({"body": {"mode": "JSON"}}, "body.mode"),
        ({"body": {"validation": {"jsonSchema": {"inline": "{}"}}}}, "body.validation"),
        ({"retry": RETRY}, "retry"),
        ({"plugins": [PLUGIN]}, "plugins"),
        ({"isUpstreamHTTP2": True}, "isUpstreamHTTP2"),
        ({"listenHTTP2": True}, "listenHTTP2"),
        (
            {
                "auth": {
                    "oauth2ClientCredentials": {
                        "clientID": "i",
                        "clientSecret": {"fromSecret": "upstream"},
                        "tokenURL": "https://idp.example/token",
                    }
                }
            },
            "auth.oauth2ClientCredentials",
        ),
        (
            {
                "auth": {
                    "sigv4": {
                        "accessKeyID": "i",
                        "secretAccessKey": {"fromSecret": "upstream"},
                        "region": "r",
                        "service": "s3",
                    }
                }
            },
            "auth.sigv4",
        ),
        ({"visibility": {"enableRequestBody": True}}, "visibility.enableRequestBody"),
        ({"visibility": {"enableResponseBodyMap": True}}, "visibility.enableResponseBodyMap"),
    ],
)
def test_what_is_declared_but_not_built_is_refused_by_name(
    options: dict[str, Any], path: str
) -> None:
    with pytest.raises(ConfigError) as caught:
        prepare(a_service(options=options), secrets_of({"upstream": b"x"}))
    (problem,) = caught.value.problems
    assert problem.path == f"spec.config.http.{path}"
    assert "not built yet" in problem.message


def test_everything_unbuilt_is_named_at_once() -> None:
    with pytest.raises(ConfigError) as caught:
        prepare(a_service(options={"retry": RETRY, "listenHTTP2": True}), secrets_of({}))
    assert len(caught.value.problems) == 2


@pytest.mark.parametrize(
    ("more", "path"),
    [
        ({"config": {"upstream": {"url": "http://a", "user": "bob"}}}, "spec.config.upstream.user"),
        ({"deployment": {"replicas": 3}}, "spec.deployment.replicas"),
        (
            {
                "dynamicConfig": {
                    "configs": [{"name": "beta", "upstream": {"url": "http://b.example"}}]
                }
            },
            "spec.dynamicConfig",
        ),
    ],
)
def test_what_a_service_declares_beyond_http_is_refused_too(
    more: dict[str, Any], path: str
) -> None:
    with pytest.raises(ConfigError) as caught:
        prepare(a_service(**more), secrets_of({}))
    assert caught.value.problems[0].path == path


def test_an_expression_that_does_not_compile_is_refused_where_it_stands() -> None:
    header = {"addRequestHeaders": [{"key": "X-A", "value": "1"}, {"key": "X-B", "eval": "1 +"}]}
    with pytest.raises(ConfigError) as caught:
        prepare(a_service(options={"header": header}), secrets_of({}))
    assert caught.value.problems[0].path == "spec.config.http.header.addRequestHeaders[1].eval"


@pytest.mark.parametrize("key", ["Content-Length", "Host", "transfer-encoding", "Connection"])
def test_a_header_of_the_connection_cannot_be_declared(key: str) -> None:
    with pytest.raises(ConfigError, match="belongs to the connection"):
        prepare(
            a_service(options={"header": {"addRequestHeaders": [{"key": key, "value": "1"}]}}),
            secrets_of({}),
        )
    custom = {"custom": {"header": key, "value": {"fromSecret": "upstream"}}}
    with pytest.raises(ConfigError, match="belongs to the connection"):
        prepare(a_service(options={"auth": custom}), secrets_of({"upstream": b"x"}))


def test_a_missing_secret_is_not_caught() -> None:
    def missing(name: str) -> SecretBytes:
        raise ConfigError.at("", f"no Secret {name}")

    with pytest.raises(ConfigError, match="no Secret upstream"):
        prepare(a_service(options={"auth": {"bearer": {"fromSecret": "upstream"}}}), missing)


def test_a_login_is_one_line() -> None:
    assert login_line(HeaderLogin("x-a", SecretBytes(b"v"))) == b"x-a: v\r\n"
    assert login_line(NoLogin()) == b""


def test_every_registered_protocol_serves_the_modes_it_is_registered_for() -> None:
    for mode in PROTOCOLS:
        spec = protocol_for(mode)
        assert spec is not None
        assert mode in spec.modes
    assert protocol_for(Mode.HTTP) is SPEC
    assert protocol_for(Mode.SSH) is None


async def test_policy_sees_the_whole_request() -> None:
    proxying = Proxying()
    request = get("/a/../caf%C3%A9?x=1&y=%20&x=2;z", "X-A: 1", "x-a: 2", "Content-Length: 3")
    await proxying.forward(proxying.client(peer=("::1", 5), is_tls=True), request)
    (facts,) = proxying.gate.asked
    http = dict(facts["http"])
    headers, every = http.pop("headers"), http.pop("headersAll")
    assert facts["ip"] == "::1"
    assert http == {
        "method": "GET",
        "path": "/café",
        "uri": "/caf%C3%A9?x=1&y=%20&x=2&z",
        "host": "svc.example",
        "scheme": "https",
        "protocol": "HTTP/1.1",
        "size": 3,
        "queryParams": {"x": "1", "y": " ", "z": ""},
        "queryParamsAll": {"x": ["1", "2"], "y": [" "], "z": [""]},
    }
    assert (headers["x-a"], every["x-a"]) == ("1", ["1", "2"])


@pytest.mark.parametrize(
    ("header", "size"), [("Content-Length: 0", 0), ("Transfer-Encoding: chunked", -1), ("X: 1", 0)]
)
async def test_the_size_is_minus_one_where_it_is_unknown(header: str, size: int) -> None:
    proxying = Proxying()
    proxying.client().feed(get("/", header))
    assert proxying.gate.asked[0]["http"]["size"] == size


async def test_the_log_shows_no_query_no_credential_and_no_hidden_header() -> None:
    visibility = {
        "includeAllRequestHeaders": True,
        "includeAllResponseHeaders": True,
        "excludeRequestHeaders": ["X-Hidden"],
    }
    auth = {"custom": {"header": "X-Upstream", "value": {"fromSecret": "upstream"}}}
    service = a_service(isPublic=True, options={"visibility": visibility, "auth": auth})
    proxying = Proxying(FakeGate(service, secrets={"upstream": b"x"}))
    request = get(
        "/a?token=1", "Referer: https://u:p@a/x?y#z", "Origin: https://a", "User-Agent: ua",
        "Cookie: c=1", "X-Hidden: 1", "X-Upstream: 1", "X-Shown: 1", "X_Octelium_Auth: 1",
    )  # fmt: skip
    upstream = await proxying.forward(proxying.client(), request)
    upstream.feed(
        b"HTTP/1.1 201 X\r\nContent-Type: text/plain\r\nSet-Cookie: a\r\nLocation: b\r\nETag: 1\r\n"
        b"Content-Length: 3\r\n\r\nabc"
    )
    (record,) = proxying.telemetry.records
    http = record.info()["http"]
    headers = http["request"].pop("headers")
    assert set(headers) == {"host", "origin", "user-agent", "x-shown"}
    assert http["request"] == {
        "method": "GET",
        "path": "/a",
        "uri": "/a",
        "scheme": "http",
        "forwardedHost": "svc.example",
        "bodyBytes": 0,
        "userAgent": "ua",
        "origin": "https://a",
        "referer": "https://a/x",
    }
    assert http["response"] == {
        "code": 201,
        "bodyBytes": 3,
        "contentType": "text/plain",
        "headers": {"content-type": "text/plain", "etag": "1", "content-length": "3"},
    }
    assert http["httpVersion"] == "HTTP11"


async def test_a_record_tells_who_when_and_how_much() -> None:
    proxying = Proxying()
    client = proxying.client()
    request = get("/", "Content-Length: 3", method="POST") + b"abc"
    upstream = await proxying.forward(client, request)
    proxying.clock.advance(0.5)
    upstream.feed(OK)
    (record,) = proxying.telemetry.records
    assert record.who is proxying.gate.who
    assert record.ended - record.started == pytest.approx(0.5)
    assert record.started == pytest.approx(proxying.clock.now() - 0.5)
    assert (record.bytes_received, record.bytes_sent) == (3, 2)
    assert record.labels == ("POST", "2xx", "HTTP11", "NONE")
    assert record.connection_id


@pytest.mark.parametrize(
    ("method", "label"), [("PROPFIND", "UNKNOWN"), ("PATCH", "PATCH"), ("get", "UNKNOWN")]
)
async def test_labels_come_from_a_small_set(method: str, label: str) -> None:
    proxying = Proxying()
    await proxying.ask(proxying.client(), get(method=method, token=b""))
    assert proxying.telemetry.records[0].labels == (label, "4xx", "HTTP11", "NONE")


@pytest.mark.parametrize(
    ("header", "stream"),
    [
        ("Content-Type: text/event-stream; charset=utf-8", "SSE"),
        ("X-Accel-Buffering: no", "GENERIC"),
    ],
)
async def test_a_stream_is_told_by_its_answer(header: str, stream: str) -> None:
    proxying = Proxying()
    client = proxying.client()
    upstream = await proxying.forward(client, get())
    upstream.feed(f"HTTP/1.1 200 OK\r\n{header}\r\nContent-Length: 2\r\n\r\no".encode())
    assert client.take().endswith(b"\r\n\r\no")
    assert [name for name, _ in proxying.telemetry.streams] == ["opened"]
    upstream.feed(b"k")
    assert [name for name, _ in proxying.telemetry.streams] == ["opened", "closed"]
    assert proxying.telemetry.records[0].labels[3] == stream


async def test_the_books_balance_when_a_decision_blows_up() -> None:
    class Broken(FakeGate):
        def authorize(self, who: Any, request: Any) -> Any:
            raise RuntimeError("a bug")

    proxying = Proxying(Broken())
    client = proxying.client()
    with pytest.raises(RuntimeError):
        client.feed(get())
    client.lose(RuntimeError("a bug"))
    assert proxying.telemetry.active == 0
    assert len(proxying.telemetry.records) == 1
    assert proxying.dialled == []


async def test_a_client_nobody_can_name_is_not_trusted() -> None:
    proxying = Proxying()
    client = proxying.client(peer=None)
    assert (await proxying.ask(client, get())).startswith(b"HTTP/1.1 401 ")
    assert proxying.gate.evidence == []


async def test_a_large_answer_outlives_the_wish_to_close() -> None:
    proxying = Proxying()
    client = proxying.client()
    client.is_slow = True
    upstream = await proxying.forward(client, get("/", "Connection: close", "Content-Length: 3"))
    upstream.feed(OK)
    client.feed(b"abc")
    proxying.wait(30)
    assert not client.is_aborted


@pytest.mark.parametrize("status", [204, 304])
async def test_a_direct_answer_without_body_has_no_length(status: int) -> None:
    direct = {"statusCode": status, "inline": ""}
    gate = FakeGate(a_service(isPublic=True, options={"response": {"direct": direct}}))
    proxying = Proxying(gate)
    answer = await proxying.ask(proxying.client(), get())
    assert b"Content-Length" not in answer
