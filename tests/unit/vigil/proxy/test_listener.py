from __future__ import annotations

import errno
import socket
from typing import Any

import pytest

from config.errors import ConfigError
from vigil.proxy import listener
from vigil.proxy.listener import Place, bind


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> dict[int, int]:
    """Return the errors of ports that cannot be bound; every other one can."""
    refusing: dict[int, int] = {}

    def bound(host: str, port: int) -> Any:
        if port in refusing:
            raise OSError(refusing[port], "refused")
        return (host, port)

    monkeypatch.setattr(listener, "_bound", bound)
    return refusing


def test_a_place_that_can_be_had_is_taken(machine: dict[int, int]) -> None:
    assert bind(Place("127.0.0.1", 80, is_flexible=True)) == ("127.0.0.1", 80)


@pytest.mark.parametrize("error", [errno.EACCES, errno.EADDRINUSE])
def test_a_flexible_place_is_offset_where_it_cannot_be_had(
    machine: dict[int, int], error: int
) -> None:
    machine[80] = error
    assert bind(Place("127.0.0.1", 80, is_flexible=True)) == ("127.0.0.1", 10_080)


def test_the_next_free_port_is_taken_where_the_offset_one_is_not_free(
    machine: dict[int, int],
) -> None:
    machine.update({80: errno.EACCES, 10_080: errno.EADDRINUSE, 10_081: errno.EADDRINUSE})
    assert bind(Place("127.0.0.1", 80, is_flexible=True)) == ("127.0.0.1", 10_082)


def test_a_high_port_is_offset_to_one_that_exists(machine: dict[int, int]) -> None:
    machine[60_000] = errno.EADDRINUSE
    assert bind(Place("127.0.0.1", 60_000, is_flexible=True)) == ("127.0.0.1", 1024)


@pytest.mark.parametrize(
    ("error", "hint"), [(errno.EADDRINUSE, "--listen"), (errno.EACCES, "privileges")]
)
def test_a_fixed_place_is_refused_with_a_way_out(
    machine: dict[int, int], error: int, hint: str
) -> None:
    machine[80] = error
    with pytest.raises(ConfigError, match=hint):
        bind(Place("127.0.0.1", 80))


def test_an_address_this_machine_does_not_have_is_refused_even_where_ports_are_flexible(
    machine: dict[int, int],
) -> None:
    machine[80] = errno.EADDRNOTAVAIL
    with pytest.raises(ConfigError, match=r"cannot listen on 192\.0\.2\.1:80"):
        bind(Place("192.0.2.1", 80, is_flexible=True))


def test_a_name_that_means_nothing_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(*_: object, **__: object) -> Any:
        raise socket.gaierror(socket.EAI_NONAME, "unknown")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    with pytest.raises(ConfigError, match="cannot listen on nowhere:80"):
        bind(Place("nowhere", 80))
