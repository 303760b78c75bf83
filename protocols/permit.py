"""The proof that a request was allowed, and the only thing that opens an upstream connection."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, TypeAlias

from config.secret import SecretBytes
from policy.decision import Allowed

_NO_KEY: Final = SecretBytes(b"")


@dataclass(frozen=True, slots=True)
class UpstreamTLS:
    """How to speak TLS to an upstream (spec/resources.md §7.5), in PEM; hashable, so it keys pools.

    ``server_name`` is the SNI and the name the certificate must carry, empty for an IP address.
    """

    server_name: str
    trusted_cas: tuple[str, ...] = ()
    append_to_system_pool: bool = False
    insecure_skip_verify: bool = False
    certificate: str = ""
    private_key: SecretBytes = _NO_KEY


@dataclass(frozen=True, slots=True)
class Upstream:
    """Where one upstream listens; ``authority`` is what its URL says (``host``, ``host:port``)."""

    host: str
    port: int
    authority: str
    base_path: str = ""
    tls: UpstreamTLS | None = None


@dataclass(frozen=True, slots=True)
class NoLogin:
    """The upstream asks for no credential."""


@dataclass(frozen=True, slots=True)
class HeaderLogin:
    """A credential sent as one HTTP header: ``name`` in lower case, ``value`` the whole value."""

    name: str
    value: SecretBytes


Login: TypeAlias = NoLogin | HeaderLogin


@dataclass(frozen=True, slots=True)
class Permit:
    """Minted by ``vigil.gate`` from an Allowed decision, and by nothing else.

    ``upstreams`` holds the chosen endpoint first and then, where there are several, the one to try
    if dialling the first fails before a byte was sent. It is empty where the Service has none.
    """

    allowed: Allowed
    upstreams: tuple[Upstream, ...]
    login: Login
    revision: int

    def __post_init__(self) -> None:
        if not isinstance(self.allowed, Allowed):
            raise TypeError("a Permit is minted from an Allowed decision only")
