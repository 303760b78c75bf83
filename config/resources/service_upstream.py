"""Where a Service's traffic goes, and TLS on the way there (spec/resources.md §7.4, §7.5)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, ClassVar, Final, TypeAlias
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, ValidationInfo, field_validator

from config.resources.meta import FromSecret
from config.resources.model import Many, Model, OneOf, fault, fault_at
from config.resources.scalars import PEM, URL, Name
from config.resources.service_container import Container

SCHEME_PORTS: Final = {
    "http": 80,
    "ws": 80,
    "h2c": 80,
    "https": 443,
    "wss": 443,
    "ssh": 22,
    "dns": 53,
    "dot": 853,
    "postgres": 5432,
    "postgresql": 5432,
    "mysql": 3306,
    "redis": 6379,
    "mongodb": 27017,
    "amqp": 5672,
    "ftp": 21,
    "rdp": 3389,
    "socks5": 1080,
}


def upstream_port(url: str) -> int:
    """Return the port a URL names, explicitly or by its scheme; 0 where it names none."""
    parts = urlsplit(url)
    return parts.port or SCHEME_PORTS.get(parts.scheme.lower(), 0)


def _check_port(url: str) -> str:
    if not upstream_port(url):
        raise fault("needs a port, which its scheme does not imply", "like tcp://host:9000")
    return url


UpstreamURL: TypeAlias = Annotated[URL, AfterValidator(_check_port)]


class Endpoint(Model):
    """One of several upstreams."""

    url: UpstreamURL
    user: Name = ""


class LoadBalance(Model):
    """Several upstreams, chosen at random."""

    endpoints: Annotated[Many[Endpoint], Field(min_length=1, max_length=100)]

    @field_validator("endpoints")
    @classmethod
    def _one_scheme(cls, endpoints: tuple[Endpoint, ...]) -> tuple[Endpoint, ...]:
        first = urlsplit(endpoints[0].url).scheme
        for index, endpoint in enumerate(endpoints):
            if urlsplit(endpoint.url).scheme != first:
                raise fault_at((index, "url"), f"must have the scheme of the first, {first}")
        return endpoints


class Upstream(Model):
    """The protected resource; ``user`` names who serves it from the other end of a tunnel."""

    one_of: ClassVar[tuple[OneOf, ...]] = (OneOf(("url", "loadbalance", "container")),)
    also_spelled: ClassVar[Mapping[str, str]] = {"loadBalance": "loadbalance"}

    url: UpstreamURL | None = None
    """`scheme://host[:port]`."""
    loadbalance: LoadBalance | None = None
    """Several upstreams of one scheme."""
    container: Container | None = None
    """A container the Cluster runs."""
    user: Name = ""
    """A User whose connected client serves the upstream from its own network."""

    @field_validator("user")
    @classmethod
    def _serves_a_url(cls, user: str, others: ValidationInfo) -> str:
        if others.data.get("loadbalance") or others.data.get("container"):
            raise fault("goes with url", "an endpoint of loadbalance has its own user")
        return user

    @property
    def endpoints(self) -> tuple[Endpoint, ...]:
        """Return every upstream there is to choose from; none for a container."""
        if self.url is not None:
            return (Endpoint(url=self.url, user=self.user),)
        return self.loadbalance.endpoints if self.loadbalance else ()


class TLS(Model):
    """TLS to the upstream; ``trusted_cas`` replace the system's unless appended."""

    trusted_cas: Annotated[Many[PEM], Field(max_length=32)] = ()
    """PEM certificates instead of the system's."""
    append_to_system_pool: bool = False
    """Trust the system's certificates as well."""
    insecure_skip_verify: bool = False
    """Accept any certificate."""
    client_certificate: FromSecret | None = None
    """A Secret of certificate form, for mutual TLS."""


class ClientCertificate(Model):
    """The older way to say how to speak TLS; it wins over ``tls.clientCertificate``."""

    from_secret: Name
    trusted_cas: Annotated[Many[PEM], Field(max_length=32)] = ()
