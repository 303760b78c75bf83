"""Which headers reach the upstream and the client, and with what in them (A40 to A42)."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from config.errors import ConfigError
from protocols.permit import Upstream
from tests.harness.builders import a_service
from tests.harness.gate import TOKEN, FakeGate
from tests.harness.proxying import OK, Proxying, get

OWN = (
    base64.urlsafe_b64encode(b'{"typ":"oct+at","kid":"k","alg":"EdDSA"}').rstrip(b"=")
    + b".e30.c2ln"
)


def a_gate(options: dict[str, Any] | None = None, **more: Any) -> FakeGate:
    secrets = {"upstream": b"s3cret"}
    return FakeGate(a_service(isPublic=True, options=options, **more), secrets=secrets)


async def seen(gate: FakeGate, *headers: str, path: str = "/", token: bytes = TOKEN) -> list[str]:
    """Return the header lines that the upstream got."""
    proxying = Proxying(gate)
    upstream = await proxying.forward(proxying.client(), get(path, *headers, token=token))
    return upstream.take().decode("latin-1").split("\r\n")[1:-2]


async def answered(gate: FakeGate, *headers: str) -> list[str]:
    """Return the header lines that the client got."""
    proxying = Proxying(gate)
    client = proxying.client()
    upstream = await proxying.forward(client, get())
    upstream.feed("\r\n".join(["HTTP/1.1 200 OK", *headers, "Content-Length: 0", "", ""]).encode())
    return client.take().decode("latin-1").split("\r\n")[1:-2]


@pytest.mark.parametrize(
    "name",
    [
        "X-Octelium-Auth", "X-Octelium-Session-Uid", "x-octelium-anything", "X-Request-Id",
        "X_Octelium_Session_Uid", "X-Octelium_Session-Uid", "X-Envoy-Original-Path",
        "X-Forwarded-Client-Cert", "X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto",
        "X-Forwarded-Port", "X-Forwarded-Server", "X-Forwarded-Prefix", "X-Forwarded-Uri",
        "X-Forwarded-Scheme", "X-Forwarded-User", "X_Forwarded_User", "X-Forwarded-Groups",
        "Forwarded", "X-Real-IP", "X_Real_IP", "X-Original-URL", "X-Original-Host",
        "X-Rewrite-URL", "Keep-Alive", "Proxy-Connection", "Proxy-Authorization", "TE",
        "HTTP2-Settings", "Content_Length", "Proxy",
        "Transfer_Encoding", "Content-Length_", "Cookie2",
    ],
)  # fmt: skip
async def test_a_header_that_claims_something_is_dropped(name: str) -> None:
    lines = await seen(a_gate(), f"{name}: 1", "X-Kept: yes")
    kept = [line for line in lines if not line.startswith(("Host", "User-Agent"))]
    expected = ["X-Kept: yes"] if name != "Content-Length_" else [f"{name}: 1", "X-Kept: yes"]
    assert kept == expected


async def test_upgrade_to_anything_but_websocket_is_dropped() -> None:
    lines = await seen(a_gate(), "Connection: Upgrade, HTTP2-Settings", "Upgrade: h2c")
    assert not any("pgrade" in line for line in lines)


async def test_headers_named_by_connection_are_dropped() -> None:
    lines = await seen(a_gate(), "Connection: keep-alive, X-Hop", "X-Hop: 1", "x-hop: 2", "X-K: 3")
    assert [line for line in lines if line.lower().startswith("x-")] == ["X-K: 3"]


async def test_the_wish_for_trailers_is_passed_on() -> None:
    assert "TE: trailers" in await seen(a_gate(), "TE: trailers", "Connection: TE")


@pytest.mark.parametrize(
    ("sent", "received"),
    [
        ("octelium_auth=x", None),
        ("octelium_rt=x", None),
        ("a=1; octelium_auth=x; b=2", "a=1; b=2"),
        ("octelium_auth=x; a=1", "a=1"),
        ("a=1; octelium_rt=x", "a=1"),
        ('a="q u o t"; b==; c', 'a="q u o t"; b==; c'),
        ("octelium_auth2=x; xoctelium_auth=y", "octelium_auth2=x; xoctelium_auth=y"),
        ("a=1;octelium_auth=x;octelium_auth=y;b=2", "a=1;b=2"),
        (" octelium_auth = x ;a=1", "a=1"),
    ],
)
async def test_our_cookies_are_removed_and_others_keep_their_bytes(
    sent: str, received: str | None
) -> None:
    lines = await seen(a_gate(), f"Cookie: {sent}")
    cookies = [line for line in lines if line.startswith("Cookie")]
    assert cookies == ([] if received is None else [f"Cookie: {received}"])


async def test_every_cookie_header_is_cleaned() -> None:
    lines = await seen(a_gate(), "Cookie: a=1", "cookie: octelium_auth=x; b=2")
    assert [line for line in lines if line.startswith("Cookie")] == ["Cookie: a=1", "Cookie: b=2"]


async def test_authorization_is_removed_by_default() -> None:
    assert not any(line.startswith("Authorization") for line in await seen(a_gate()))


PASSING = {"header": {"authorizationMode": "PASS"}}
ANONYMOUS = {"isAnonymous": True}


@pytest.mark.parametrize(
    ("options", "more"), [(PASSING, {}), (None, ANONYMOUS)], ids=["pass", "anonymous"]
)
async def test_a_foreign_authorization_passes_where_it_may(
    options: dict[str, Any] | None, more: dict[str, Any]
) -> None:
    own = f"X-Octelium-Auth: {TOKEN.decode()}"
    lines = await seen(a_gate(options, **more), own, "Authorization: Basic Zm9v", token=b"")
    assert "Authorization: Basic Zm9v" in lines


@pytest.mark.parametrize(
    ("options", "more"), [(PASSING, {}), (None, ANONYMOUS)], ids=["pass", "anonymous"]
)
@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER "])
async def test_a_token_of_ours_never_passes(
    options: dict[str, Any] | None, more: dict[str, Any], scheme: str
) -> None:
    own = f"X-Octelium-Auth: {TOKEN.decode()}"
    value = f"Authorization: {scheme} {OWN.decode()}"
    lines = await seen(a_gate(options, **more), own, value, token=b"")
    assert not any(line.startswith("Authorization") for line in lines)


async def test_authorization_is_removed_from_anonymous_services_that_say_so() -> None:
    options = {"header": {"authorizationMode": "DELETE"}}
    lines = await seen(a_gate(options, isAnonymous=True), "Authorization: Basic Zm9v", token=b"")
    assert not any(line.startswith("Authorization") for line in lines)


async def test_transparent_mode_copies_what_the_client_said() -> None:
    gate = a_gate({"header": {"forwardedMode": "TRANSPARENT"}})
    lines = await seen(gate, "X-Forwarded-For: 1.2.3.4", "X-Forwarded-User: root", "X-Real-IP: 5")
    assert "X-Forwarded-For: 1.2.3.4" in lines
    assert "X-Real-IP: 5" in lines
    assert "X-Forwarded-User: root" not in lines


async def test_obfuscated_mode_tells_nothing_of_the_client() -> None:
    gate = a_gate({"header": {"forwardedMode": "OBFUSCATE"}}, name="web.prod")
    lines = await seen(gate, "X-Forwarded-For: 1.2.3.4")
    assert "X-Forwarded-For: 10.0.0.1" in lines
    assert "X-Real-IP: 10.0.0.1" in lines
    assert "X-Forwarded-Proto: https" in lines
    assert f"X-Forwarded-Host: {gate.service.public_hostname('example.com')}" in lines
    forwarded = next(line for line in lines if line.startswith("Forwarded"))
    assert forwarded.startswith("Forwarded: for=_octelium-")
    assert "1.2.3.4" not in "".join(lines)


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        (None, "app.internal:8080"),
        ({"value": "fixed.example"}, "fixed.example"),
        ({"eval": "ctx.user.metadata.name + '.example'"}, "alice.example"),
        ({"eval": "ctx.nothing.here"}, "app.internal:8080"),
    ],
)
async def test_the_host_is_the_declared_one(host: dict[str, Any] | None, expected: str) -> None:
    lines = await seen(a_gate({"header": {"host": host}} if host else None), "X: 1")
    assert [line for line in lines if line.startswith("Host")] == [f"Host: {expected}"]


async def test_a_preserved_host_is_the_services_own_name() -> None:
    gate = a_gate({"header": {"host": {"preserve": True}}})
    assert f"Host: {gate.service.public_hostname('example.com')}" in await seen(gate)


async def test_a_user_agent_is_kept_or_made_up() -> None:
    assert "User-Agent: mine" in await seen(a_gate(), "User-Agent: mine")
    assert "User-Agent: octelium" in await seen(a_gate())


EDITS = {
    "addRequestHeaders": [
        {"key": "X-Env", "value": "prod"},
        {"key": "X-User", "eval": "ctx.user.metadata.name"},
        {"key": "X-None", "eval": "ctx.user.metadata.nothing"},
        {"key": "X-Breaks", "eval": "'a\\r\\nX-Evil: 1'"},
        {"key": "X-List", "value": "ours", "append": True},
        {"key": "X-Gone", "value": "added"},
    ],
    "removeRequestHeaders": ["X-Unwanted", "X-Gone"],
    "addResponseHeaders": [{"key": "X-Added", "value": "yes"}, {"key": "X-Kind", "value": "ours"}],
    "removeResponseHeaders": ["X-Powered-By"],
}


async def test_declared_request_headers_are_set_added_and_removed() -> None:
    sent = ("X-Env: spoofed", "X_Env: spoofed", "X-User: root", "X-None: root", "X-List: theirs",
            "X-Unwanted: 1", "x_unwanted: 1")  # fmt: skip
    lines = await seen(a_gate({"header": EDITS}), *sent)
    kept = sorted(line for line in lines if line.lower().startswith("x"))
    assert kept == ["X-Env: prod", "X-List: ours", "X-List: theirs", "X-User: alice"]


async def test_declared_response_headers_are_set_and_removed() -> None:
    lines = await answered(a_gate({"header": EDITS}), "X-Powered-By: x", "X-Kind: theirs", "X-B: 1")
    assert lines == [
        "X-B: 1",
        "Server: octelium",
        "X-Added: yes",
        "X-Kind: ours",
        "Content-Length: 0",
    ]


async def test_the_client_learns_nothing_of_the_upstreams_server_and_connection() -> None:
    lines = await answered(
        a_gate(), "Server: x/1", "Connection: X-Hop", "X-Hop: 1", "Keep-Alive: timeout=5",
        "X-Octelium-Unauthorized: true", "Set-Cookie: a=1", "Set-Cookie: b=2",
    )  # fmt: skip
    assert lines == ["Set-Cookie: a=1", "Set-Cookie: b=2", "Server: octelium", "Content-Length: 0"]


@pytest.mark.parametrize(
    ("auth", "line"),
    [
        ({"bearer": {"fromSecret": "upstream"}}, "authorization: Bearer s3cret"),
        (
            {"basic": {"username": "svc", "password": {"fromSecret": "upstream"}}},
            "authorization: Basic " + base64.b64encode(b"svc:s3cret").decode(),
        ),
        (
            {"custom": {"header": "X-Api-Key", "value": {"fromSecret": "upstream"}}},
            "x-api-key: s3cret",
        ),
    ],
)
async def test_the_upstream_gets_its_credential_and_none_of_the_clients(
    auth: dict[str, Any], line: str
) -> None:
    name = line.partition(":")[0]
    lines = await seen(a_gate({"auth": auth, **PASSING}), "X-Api-Key: mine", "X_Api_Key: mine")
    assert line in lines
    if name == "x-api-key":
        assert [each for each in lines if each.lower().replace("_", "-").startswith(name)] == [line]
    else:
        assert [each for each in lines if each.lower().startswith(name)] == [line]


@pytest.mark.parametrize("data", [b"", b" \n", b"a\r\nX: 1", b"a\0b"])
def test_a_secret_that_is_no_header_value_is_refused(data: bytes) -> None:
    service = a_service(options={"auth": {"bearer": {"fromSecret": "upstream"}}})
    with pytest.raises(ConfigError, match=r"bearer.fromSecret"):
        FakeGate(service, secrets={"upstream": data})


@pytest.mark.parametrize(
    ("path", "base", "sent", "received"),
    [
        ({"removePrefix": "/outer", "addPrefix": "/inner"}, "", "/outer/p?q=1", "/inner/p?q=1"),
        ({"removePrefix": "/outer"}, "", "/outer", "/"),
        ({"removePrefix": "/outer"}, "", "/other", "/other"),
        ({"removePrefix": "/out"}, "", "/outer", "/er"),
        ({"addPrefix": "/inner"}, "", "/", "/inner/"),
        (None, "/v1", "/models?x", "/v1/models?x"),
        ({"removePrefix": "/a", "addPrefix": "/b"}, "/v1", "/a/c", "/v1/b/c"),
    ],
)
async def test_prefixes_are_edited_after_the_decision(
    path: dict[str, str] | None, base: str, sent: str, received: str
) -> None:
    gate = a_gate({"path": path} if path else None)
    gate.upstreams = (Upstream("app.internal", 80, "app.internal", base),)
    proxying = Proxying(gate)
    upstream = await proxying.forward(proxying.client(), get(sent))
    assert upstream.take().split(b" ")[1] == received.encode()
    assert gate.asked[0]["http"]["uri"] == sent


async def test_a_prefix_whose_removal_leaves_a_dot_segment_is_refused() -> None:
    proxying = Proxying(a_gate({"path": {"removePrefix": "/a"}}))
    client = proxying.client()
    assert (await proxying.ask(client, get("/a../secret"))).startswith(b"HTTP/1.1 400 ")
    assert proxying.upstream.take() == b""


async def test_a_connection_kept_from_a_refused_path_is_still_good() -> None:
    proxying = Proxying(a_gate({"path": {"removePrefix": "/a"}}))
    client = proxying.client()
    await proxying.ask(client, get("/a../secret"))
    (await proxying.forward(client, get("/a/fine"))).feed(OK)
    assert client.take().startswith(b"HTTP/1.1 200 ")
    assert len(proxying.dialled) == 1
