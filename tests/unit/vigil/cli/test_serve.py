from __future__ import annotations

from typing import Any

import pytest

from config.errors import ConfigError
from tests.harness.builders import a_service
from tests.harness.snapshot import a_snapshot
from vigil.cli.arguments import Address
from vigil.cli.serve import EveryService, OneService
from vigil.proxy.listener import Place


class At:
    """A Generation, as far as its port is concerned."""

    def __init__(self, port: int) -> None:
        self.port = port


def test_serve_is_about_one_service_while_that_is_declared() -> None:
    duty = OneService("web.default", None)
    assert duty.wanted(a_snapshot(a_service(), a_service(name="api"))) == ["web.default"]
    assert duty.wanted(a_snapshot(a_service(name="api"))) == []


def test_serve_does_not_begin_without_its_service_and_says_which_there_are() -> None:
    with pytest.raises(ConfigError, match=r"api\.default"):
        OneService("web.default", None).check(a_snapshot(a_service(name="api")))


@pytest.mark.parametrize(
    ("listen", "expected"),
    [
        (None, Place("127.0.0.1", 8080)),
        (Address("0.0.0.0", 9090), Place("0.0.0.0", 9090)),
    ],
)
def test_serve_listens_where_it_is_told_or_on_the_services_port(
    listen: Address | None, expected: Place
) -> None:
    generation: Any = At(8080)
    assert OneService("web.default", listen).place(generation) == expected


def test_up_is_about_every_service_and_moves_ports_it_cannot_have() -> None:
    duty = EveryService("127.0.0.1")
    snapshot = a_snapshot(a_service(), a_service(name="api"))
    assert duty.wanted(snapshot) == ["web.default", "api.default"]
    generation: Any = At(80)
    assert duty.place(generation) == Place("127.0.0.1", 80, is_flexible=True)


def test_up_does_not_begin_with_nothing_to_do() -> None:
    with pytest.raises(ConfigError, match="kind: Service"):
        EveryService("127.0.0.1").check(a_snapshot())
