from __future__ import annotations

from typing import Any

import pytest

from config.resources.meta import Resource
from policy.decision import Denied, Reason
from policy.principal import ANONYMOUS, Principal
from protocols.api import BearerToken, CookieToken, Peer, TunnelAddress
from tests.harness.builders import (
    a_cluster_config,
    a_device,
    a_group,
    a_service,
    a_session,
    a_user,
)
from tests.harness.gates import Gatehouse, a_gate, at
from vigil.identity.authenticate import MOST_OTHERS
from vigil.identity.tokens import MAX_TOKEN

TUNNEL = Peer("100.64.0.7", 40_000, is_private=True, is_tunnel=True)
REMOTE = Peer("192.0.2.1", 40_000, is_private=False)


def refusal(answer: object) -> Denied:
    assert isinstance(answer, Denied)
    assert not answer.is_authenticated
    return answer


def house(*more: Resource, **session: Any) -> tuple[Gatehouse, Any]:
    session = {"device": "linux-alicebox", **session}
    asked = a_session(**session)
    user = a_user(groups=["sre", "oncall"])
    return a_gate(user, a_group("sre"), a_group("oncall"), a_device(), asked, *more), asked


def test_a_token_names_the_session_with_its_user_groups_and_device() -> None:
    gatehouse, session = house()
    who = gatehouse.recognise(gatehouse.token(session))
    assert isinstance(who, Principal)
    assert who.session.metadata.name == session.metadata.name
    assert who.user.metadata.name == "alice"
    assert [group.metadata.name for group in who.groups] == ["sre", "oncall"]
    assert who.device is not None


def test_one_session_has_one_principal_whatever_token_it_shows() -> None:
    gatehouse, session = house()
    first = gatehouse.recognise(gatehouse.token(session))
    again = gatehouse.recognise(gatehouse.token(session, seconds=60))
    assert first is again


@pytest.mark.parametrize("kind", [BearerToken, CookieToken])
def test_a_token_counts_from_a_header_and_from_a_cookie(kind: Any) -> None:
    gatehouse, session = house()
    assert isinstance(gatehouse.recognise([kind(gatehouse.token(session))]), Principal)


def test_a_client_session_may_use_its_token_on_a_service_that_is_not_public() -> None:
    session = a_session()
    gatehouse = a_gate(a_user(), session, service=a_service(isPublic=False))
    assert isinstance(gatehouse.recognise(gatehouse.token(session)), Principal)


def test_nobody_is_recognised_without_evidence() -> None:
    gatehouse, _ = house()
    assert refusal(gatehouse.recognise([])).reason is Reason.UNAUTHENTICATED


@pytest.mark.parametrize(
    "token",
    [b"", b".", b"..", b"garbage", b"a.b.c", b"\x00\xff", b"A" * (MAX_TOKEN + 1), b"e30.e30.e30"],
)
def test_garbage_is_nobody_and_never_a_crash(token: bytes) -> None:
    gatehouse, _ = house()
    assert refusal(gatehouse.recognise(token)).reason is Reason.UNAUTHENTICATED


def test_a_token_that_was_replaced_does_not_count() -> None:
    gatehouse, session = house()
    old = gatehouse.token(session, token_id="3f0c3c1e-58a5-4b83-8b2c-0a6f0a7d1c55")
    assert "current" in refusal(gatehouse.recognise(old)).detail


def test_a_token_of_a_session_that_does_not_exist_does_not_count() -> None:
    gatehouse, _ = house()
    other, gone = house(name="bob-laptop")
    assert "does not exist" in refusal(gatehouse.recognise(other.token(gone))).detail


def test_a_token_of_another_cluster_does_not_count() -> None:
    gatehouse, session = house()
    other, same = house(a_cluster_config(domain="other.example"))
    assert refusal(gatehouse.recognise(other.token(same))).reason is Reason.UNAUTHENTICATED
    assert isinstance(other.recognise(other.token(same)), Principal)
    assert session == same


def test_an_expired_token_is_nobody_and_the_log_says_why() -> None:
    gatehouse, session = house()
    token = gatehouse.token(session, seconds=60)
    assert isinstance(gatehouse.recognise(token), Principal)
    gatehouse.clock.advance(60)
    assert refusal(gatehouse.recognise(token)).reason is Reason.ACCESS_TOKEN_EXPIRED


def test_a_token_is_over_when_its_session_says_so_whatever_is_written_in_it() -> None:
    lasting = {"setAt": at(-3590), "accessTokenDuration": {"hours": 1}}
    gatehouse, session = house(status={"authentication": lasting})
    token = gatehouse.token(session, seconds=100_000)
    assert isinstance(gatehouse.recognise(token), Principal)
    gatehouse.clock.advance(10)
    assert refusal(gatehouse.recognise(token)).reason is Reason.ACCESS_TOKEN_EXPIRED


def test_an_expired_session_is_nobody_and_the_log_says_why() -> None:
    gatehouse, session = house(expiresAt=at(10))
    token = gatehouse.token(session)
    assert isinstance(gatehouse.recognise(token), Principal)
    gatehouse.clock.advance(10)
    assert refusal(gatehouse.recognise(token)).reason is Reason.SESSION_EXPIRED


def test_a_token_over_an_open_network_is_not_read_at_all() -> None:
    gatehouse, session = house()
    assert "TLS" in refusal(gatehouse.recognise(gatehouse.token(session), REMOTE)).detail


def test_two_different_tokens_of_ours_are_nobody() -> None:
    gatehouse, session = house()
    tokens = [gatehouse.token(session), gatehouse.token(session, seconds=60)]
    evidence = [BearerToken(tokens[0]), CookieToken(tokens[1])]
    assert "two" in refusal(gatehouse.recognise(evidence)).detail


def test_the_same_token_given_twice_counts() -> None:
    gatehouse, session = house()
    token = gatehouse.token(session)
    assert isinstance(gatehouse.recognise([BearerToken(token), CookieToken(token)]), Principal)


def test_a_bearer_token_of_somebody_else_beside_ours_is_the_upstreams_business() -> None:
    gatehouse, session = house()
    evidence = [CookieToken(gatehouse.token(session)), BearerToken(b"the-apps-own-token")]
    assert isinstance(gatehouse.recognise(evidence), Principal)


def test_the_first_token_decides_even_where_a_later_one_is_good() -> None:
    gatehouse, session = house()
    evidence = [CookieToken(b"garbage"), BearerToken(gatehouse.token(session))]
    assert refusal(gatehouse.recognise(evidence))


def test_more_tokens_than_anybody_has_use_for_are_not_all_checked() -> None:
    gatehouse, session = house()
    others = [CookieToken(b"garbage%d" % number) for number in range(MOST_OTHERS + 1)]
    good = BearerToken(gatehouse.token(session))
    assert isinstance(gatehouse.recognise([good, *others[1:]]), Principal)
    assert "more access tokens" in refusal(gatehouse.recognise([good, *others])).detail


def test_an_empty_credential_is_no_credential() -> None:
    gatehouse, session = house()
    evidence = [BearerToken(b""), CookieToken(gatehouse.token(session))]
    assert isinstance(gatehouse.recognise(evidence), Principal)


def test_an_anonymous_service_asks_nobody_who_they_are() -> None:
    gatehouse = a_gate(service=a_service(isPublic=True, isAnonymous=True))
    assert gatehouse.recognise([], REMOTE) is ANONYMOUS
    assert gatehouse.recognise(b"garbage", REMOTE) is ANONYMOUS


def connected(*addresses: str, **more: Any) -> dict[str, Any]:
    pairs = [{"v6" if ":" in address else "v4": address} for address in addresses]
    return {"connection": {"addresses": pairs}, **more}


def test_a_tunnel_listener_recognises_the_owner_of_the_address() -> None:
    gatehouse, session = house(status=connected("100.64.0.7"))
    who = gatehouse.recognise([TunnelAddress()], TUNNEL)
    assert isinstance(who, Principal)
    assert who.session.metadata.name == session.metadata.name
    assert who.device is not None


def test_an_ipv6_tunnel_address_counts_however_it_is_spelt() -> None:
    gatehouse, _ = house(status=connected("fdee:0:0::7"))
    peer = Peer("fdee::7", 1, is_private=True, is_tunnel=True)
    assert isinstance(gatehouse.recognise([], peer), Principal)


def test_the_address_means_nothing_on_any_other_listener() -> None:
    gatehouse, _ = house(status=connected("100.64.0.7"))
    peer = Peer("100.64.0.7", 40_000, is_private=True)
    assert refusal(gatehouse.recognise([TunnelAddress()], peer))


@pytest.mark.parametrize("address", ["1.2.3.4", "1.2.3.4.5", "", "unix"])
def test_an_unknown_tunnel_address_is_nobody_even_with_a_good_token(address: str) -> None:
    gatehouse, session = house(status=connected("100.64.0.7"))
    peer = Peer(address, 1, is_private=True, is_tunnel=True)
    assert refusal(gatehouse.recognise(gatehouse.token(session), peer))


def test_an_address_that_two_sessions_claim_is_nobodys() -> None:
    other = a_session("alice-phone", status=connected("100.64.0.7"))
    gatehouse, _ = house(other, status=connected("100.64.0.7"))
    assert refusal(gatehouse.recognise([TunnelAddress()], TUNNEL))


def test_an_expired_session_is_nobody_in_a_tunnel_as_well() -> None:
    gatehouse, _ = house(status=connected("100.64.0.7"), expiresAt=at(-1))
    refused = refusal(gatehouse.recognise([TunnelAddress()], TUNNEL))
    assert refused.reason is Reason.SESSION_EXPIRED
