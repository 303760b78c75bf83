"""Who is calling: every evidence that counts and the many that do not (A01-A04, A11)."""

from __future__ import annotations

import base64
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from tests.harness.certificates import Authority
from tests.harness.curl import Answer, curl
from tests.harness.processes import LOOPBACK, ROOT, free_port
from tests.harness.resources import (
    ALLOW_ALL,
    Resources,
    a_secret,
    a_service,
    a_session,
    a_user,
)
from tests.harness.running import Vigil, up

_LONG_AGO: Final = "2020-01-01T00:00:00Z"
_TOKEN_ID: Final = "0d4c2f3e-6f0a-4a63-8f3b-0a1b2c3d4e5f"
_OTHER_TOKEN_ID: Final = "9a4c2f3e-6f0a-4a63-8f3b-0a1b2c3d4e5f"


@pytest.fixture(scope="module")
def port() -> int:
    return free_port()


@pytest.fixture(scope="module")
def public_port() -> int:
    return free_port()


@pytest.fixture(scope="module")
def vigil(
    tmp_path_factory: pytest.TempPathFactory, app_url: str, port: int, public_port: int
) -> Iterator[Vigil]:
    place = tmp_path_factory.mktemp("identity")
    resources = Resources(place / "resources")
    resources.write(
        "world",
        a_user("alice"),
        a_user("bob"),
        a_session("alice", "alice"),
        a_session("bob", "bob"),
        a_session("alice-web", "alice", type="CLIENTLESS"),
        a_session("alice-expired", "alice", spec={"expiresAt": _LONG_AGO}),
        a_session(
            "alice-old-token",
            "alice",
            authentication={"setAt": _LONG_AGO, "accessTokenDuration": {"hours": 1}},
        ),
        a_service("web", port, app_url, authorization=ALLOW_ALL),
        a_service("public", public_port, app_url, isPublic=True, authorization=ALLOW_ALL),
    )
    resources.write("rotating", a_session("rotating", "alice", authentication=_issued(_TOKEN_ID)))
    with up(resources, place, ports=[port, public_port]) as process:
        yield process


def _issued(token_id: str) -> dict[str, Any]:
    return {"tokenID": token_id}


def _get(port: int, *options: str, token: str = "") -> Answer:
    return curl(f"http://{LOOPBACK}:{port}/", *options, token=token)


def _b64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _part(token: str, index: int) -> dict[str, Any]:
    text = token.split(".")[index]
    part: dict[str, Any] = json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
    return part


@pytest.mark.parametrize(
    "carry",
    [
        pytest.param(lambda token: ["-H", f"Authorization: Bearer {token}"], id="A03-bearer"),
        pytest.param(lambda token: ["-H", f"X-Octelium-Auth: {token}"], id="A03-own-header"),
        pytest.param(lambda token: ["-H", f"Cookie: octelium_auth={token}"], id="A03-cookie"),
        pytest.param(
            lambda token: ["-H", f"Cookie: a=b; octelium_auth={token}; c=d"], id="A03-among-cookies"
        ),
        pytest.param(lambda token: ["-H", f"authorization: bearer {token}"], id="A03-lower-case"),
    ],
)
@pytest.mark.parametrize("is_public", [True, False])
def test_a_client_session_is_known_by_its_token(
    vigil: Vigil, port: int, public_port: int, carry: Any, is_public: bool
) -> None:
    asked = public_port if is_public else port
    assert _get(asked, *carry(vigil.token("alice"))).status == 200


def test_a_clientless_session_is_known_on_a_public_service_only(
    vigil: Vigil, port: int, public_port: int
) -> None:
    token = vigil.token("alice-web")
    assert _get(public_port, token=token).status == 200
    assert _get(port, token=token).status == 403


def _forged(token: str) -> str:
    """Return the same claims under the same key id, signed with another key."""
    signed = ".".join(token.split(".")[:2])
    return f"{signed}.{_b64(Ed25519PrivateKey.generate().sign(signed.encode()))}"


def _with(token: str, part: int, **changes: Any) -> str:
    pieces = token.split(".")
    pieces[part] = _b64(json.dumps({**_part(token, part), **changes}).encode())
    return ".".join(pieces)


@pytest.mark.parametrize(
    "spoil",
    [
        pytest.param(lambda _: "", id="A01-empty"),
        pytest.param(lambda _: "garbage", id="A04-garbage"),
        pytest.param(lambda _: "a.b.c", id="A04-three-short-parts"),
        pytest.param(lambda _: "x" * 5000, id="A04-too-long"),
        pytest.param(_forged, id="A04-foreign-key"),
        pytest.param(lambda t: t[:-4] + ("AAAA" if t[-4:] != "AAAA" else "BBBB"), id="A04-bits"),
        pytest.param(lambda t: _with(t, 0, alg="none").rsplit(".", 1)[0] + ".", id="A04-alg-none"),
        pytest.param(lambda t: _with(t, 0, alg="HS256"), id="A04-alg-hs256"),
        pytest.param(lambda t: _with(t, 0, typ="oct+rt"), id="A04-refresh-type"),
        pytest.param(lambda t: _with(t, 0, jwk={"kty": "OKP"}), id="A04-own-jwk"),
        pytest.param(lambda t: _with(t, 0, crit=["b64"]), id="A04-crit"),
        pytest.param(lambda t: _with(t, 1, sub="someone-else"), id="A04-other-subject"),
        pytest.param(lambda t: t + "=", id="A04-padding"),
        pytest.param(lambda t: t + ".x", id="A04-four-parts"),
        pytest.param(lambda t: t.replace(".", " "), id="A04-blanks"),
    ],
)
def test_a_token_that_is_not_ours_is_nobody(vigil: Vigil, port: int, spoil: Any) -> None:
    answer = _get(port, token=spoil(vigil.token("alice")))
    assert answer.status == 401
    assert answer.header("x-octelium-unauthorized") == "true"


def test_nobody_is_unauthenticated_and_logged_without_a_subject(vigil: Vigil, port: int) -> None:
    assert curl(f"http://{LOOPBACK}:{port}/nobody").status == 401
    common = vigil.entry("/nobody")["common"]
    assert common["status"] == "DENIED"
    assert "userRef" not in common
    assert "sessionRef" not in common
    assert common["reason"]["type"] == "UNAUTHENTICATED"


def test_two_tokens_that_differ_are_nobody(vigil: Vigil, port: int) -> None:
    header = f"X-Octelium-Auth: {vigil.token('bob')}"
    assert _get(port, "-H", header, token=vigil.token("alice")).status == 401


def test_the_same_token_twice_is_that_session(vigil: Vigil, port: int) -> None:
    header = f"X-Octelium-Auth: {vigil.token('alice')}"
    assert _get(port, "-H", header, token=vigil.token("alice")).status == 200


@pytest.mark.parametrize("header", ["X-Forwarded-For: 100.64.0.1", "X-Real-IP: 127.0.0.1"])
def test_no_header_about_an_address_identifies_anybody(
    vigil: Vigil, port: int, header: str
) -> None:
    assert _get(port, "-H", header).status == 401
    assert _get(port, "-H", "X-Octelium-Session-Uid: alice", "-H", header).status == 401


@pytest.mark.parametrize("agent", ["GoogleHC/1.0", "kube-probe/1.30", "ELB-HealthChecker/2.0"])
def test_a_health_checker_is_nobody_special(vigil: Vigil, port: int, agent: str) -> None:
    assert _get(port, "-A", agent).status == 401


@pytest.mark.parametrize(
    "session",
    [
        pytest.param("alice-expired", id="A11-session"),
        pytest.param("alice-old-token", id="A11-access-token"),
    ],
)
def test_what_is_expired_authenticates_nobody(vigil: Vigil, port: int, session: str) -> None:
    answer = vigil.get(port, f"/{session}", session=session)
    assert answer.status == 401
    assert vigil.entry(f"/{session}")["common"]["status"] == "DENIED"


@pytest.mark.parametrize("case", [pytest.param(None, id="A04-rotation")])
def test_a_rotated_token_id_ends_the_old_token_at_once(vigil: Vigil, port: int, case: None) -> None:
    old = vigil.token("rotating")
    assert _get(port, token=old).status == 200
    vigil.resources.write(
        "rotating", a_session("rotating", "alice", authentication=_issued(_OTHER_TOKEN_ID))
    )
    vigil.eventually("refusal of the old token", lambda: _get(port, token=old).status == 401)
    assert _get(port, token=vigil.mint("rotating")).status == 200


def _address_of_this_machine() -> str:
    """Return an address that is not loopback; a namespace that has none is given one."""
    shown = subprocess.run(
        ["ip", "-4", "-o", "addr", "show", "scope", "global"],
        capture_output=True,
        text=True,
        check=True,
    )
    found = re.search(r"inet (\d+\.\d+\.\d+\.\d+)", shown.stdout)
    return found.group(1) if found else ""


def _again_in_a_namespace(test: str) -> None:
    """Run a test again where the loopback device has a second address of documentation range."""
    set_up = "ip link set lo up && ip addr add 198.51.100.7/32 dev lo"
    run = f"{sys.executable} -m pytest -q -p no:cacheprovider {test}"
    argv = ["unshare", "--user", "--map-root-user", "--net", "sh", "-c", f"{set_up} && {run}"]
    done = subprocess.run(argv, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def _on_every_address(place: Path, port: int, upstream: str, **spec: Any) -> Vigil:
    authority = Authority(place)
    chain, key = authority.issue("web.example")
    (place / "authority.pem").write_text(authority.pem)
    certificate = a_secret("crt-ns-default", key)
    certificate["spec"] = {"data": {"value": chain}}
    resources = Resources(place / "resources")
    service = a_service("web", port, upstream, authorization=ALLOW_ALL, **spec)
    resources.write("world", a_user("alice"), a_session("alice", "alice"), service, certificate)
    command = ("serve", "web", "--resources", str(resources.path), "--listen", f"0.0.0.0:{port}")
    return Vigil(resources, *command, directory=place, ports=[port])


def test_a_token_over_cleartext_from_another_machine_is_refused(
    tmp_path: Path, app_url: str, request: pytest.FixtureRequest
) -> None:
    port, address = free_port(), _address_of_this_machine()
    if not address:
        _again_in_a_namespace(request.node.nodeid)
        return
    with _on_every_address(tmp_path, port, app_url) as vigil:
        token = vigil.token("alice")
        assert _get(port, token=token).status == 200
        answer = curl(f"http://{address}:{port}/far", token=token)
        assert answer.status == 401
        assert b"TLS" in answer.body
        assert "others can read" in vigil.entry("/far")["common"]["reason"]["message"]
        assert token not in vigil.stdout + vigil.stderr


def test_a_token_over_tls_from_another_machine_is_accepted(
    tmp_path: Path, app_url: str, request: pytest.FixtureRequest
) -> None:
    port, address = free_port(), _address_of_this_machine()
    if not address:
        _again_in_a_namespace(request.node.nodeid)
        return
    with _on_every_address(tmp_path, port, app_url, isTLS=True) as vigil:
        where = ("--resolve", f"web.example:{port}:{address}")
        trust = ("--cacert", str(tmp_path / "authority.pem"))
        url = f"https://web.example:{port}/far"
        assert curl(url, *where, *trust, token=vigil.token("alice")).status == 200
        assert curl(url, *where, *trust).status == 401
