from __future__ import annotations

import pytest

from tests.harness.proxying import Proxying, get

HERE = ("127.0.0.1", 5)
ELSEWHERE = ("192.0.2.9", 5)


async def seen_from(peer: tuple[str, int], hops: int | None, *headers: str) -> str:
    proxying = Proxying()
    proxying.gate.trusted_hops = hops
    await proxying.forward(proxying.client(peer=peer, is_tls=True), get("/", *headers))
    (facts,) = proxying.gate.asked
    return str(facts["ip"])


@pytest.mark.parametrize(
    ("hops", "headers", "address"),
    [
        pytest.param(None, ["198.51.100.7"], "127.0.0.1", id="nobody-is-believed"),
        pytest.param(0, ["198.51.100.7"], "198.51.100.7", id="whom-the-ingress-saw"),
        pytest.param(0, ["10.9.9.9, 198.51.100.7"], "198.51.100.7", id="not-whom-the-client-named"),
        pytest.param(0, ["10.9.9.9", "198.51.100.7"], "198.51.100.7", id="in-several-headers"),
        pytest.param(1, ["203.0.113.5, 198.51.100.7"], "203.0.113.5", id="one-proxy-further"),
        pytest.param(1, ["198.51.100.7"], "127.0.0.1", id="a-list-that-is-too-short"),
        pytest.param(0, [], "127.0.0.1", id="no-list"),
        pytest.param(0, ["unknown"], "127.0.0.1", id="no-address"),
        pytest.param(0, ["2001:DB8::1"], "2001:db8::1", id="ipv6"),
    ],
)
async def test_an_ingress_on_this_machine_says_where_the_client_is(
    hops: int | None, headers: list[str], address: str
) -> None:
    given = [f"X-Forwarded-For: {value}" for value in headers]
    assert await seen_from(HERE, hops, *given) == address


async def test_nobody_from_elsewhere_says_where_they_are() -> None:
    assert await seen_from(ELSEWHERE, 0, "X-Forwarded-For: 198.51.100.7") == "192.0.2.9"


async def test_the_forwarded_address_still_goes_no_further() -> None:
    proxying = Proxying()
    proxying.gate.trusted_hops = 0
    upstream = await proxying.forward(
        proxying.client(peer=HERE), get("/", "X-Forwarded-For: 198.51.100.7")
    )
    assert b"198.51.100.7" not in bytes(upstream.written)
