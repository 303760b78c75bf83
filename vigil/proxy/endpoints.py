"""What a Service declares about its upstream, made into addresses that can be dialled."""

from __future__ import annotations

import ipaddress
from typing import Final
from urllib.parse import SplitResult, urlsplit

from config.errors import ConfigError
from config.resources.service import Config, Service
from config.resources.service_upstream import TLS, Endpoint, upstream_port
from config.secret import SecretBytes
from protocols.net.tls import context_for
from protocols.permit import Upstream, UpstreamTLS
from vigil.proxy.certificates import Certificate, KnownSecrets

_TLS_SCHEMES: Final = frozenset({"https", "wss"})
_NO_CERTIFICATE: Final = Certificate("", SecretBytes(b""))


def endpoints_of(service: Service, secrets: KnownSecrets) -> tuple[Upstream, ...]:
    """Return where the Service's requests may go; nothing where it declares no upstream.

    Raises ConfigError for an upstream that nothing here can reach.
    """
    config = service.spec.config
    if config is None or config.upstream is None:
        return ()
    path = "spec.config.upstream"
    if config.upstream.container is not None:
        raise ConfigError.at(f"{path}.container", "managed containers are not built yet")
    if any(endpoint.user for endpoint in config.upstream.endpoints):
        raise ConfigError.at(path, "upstreams served by a User are not built yet", "remove `user`")
    found = (_upstream(endpoint, config, secrets) for endpoint in config.upstream.endpoints)
    return tuple(dict.fromkeys(found))


def _upstream(endpoint: Endpoint, config: Config, secrets: KnownSecrets) -> Upstream:
    url = urlsplit(endpoint.url)
    host = url.hostname or ""
    return Upstream(
        host=host,
        port=upstream_port(endpoint.url),
        authority=url.netloc.rpartition("@")[2],
        base_path=url.path.rstrip("/"),
        tls=_tls(host, config, secrets) if _speaks_tls(url, config) else None,
    )


def _speaks_tls(url: SplitResult, config: Config) -> bool:
    scheme = url.scheme.lower()
    if scheme in _TLS_SCHEMES:
        return True
    has_certificate = config.client_certificate is not None or (
        config.tls is not None and config.tls.client_certificate is not None
    )
    return has_certificate and scheme not in {"http", "ws"}


def _tls(host: str, config: Config, secrets: KnownSecrets) -> UpstreamTLS:
    """Collect both spellings of TLS settings; of two client certificates the older one wins."""
    tls = config.tls or TLS()
    older = config.client_certificate
    named = older or tls.client_certificate
    certificate = secrets.certificate(named.from_secret) if named is not None else _NO_CERTIFICATE
    settings = UpstreamTLS(
        server_name="" if _is_address(host) else host,
        trusted_cas=(older.trusted_cas if older is not None else ()) or tls.trusted_cas,
        append_to_system_pool=tls.append_to_system_pool,
        insecure_skip_verify=tls.insecure_skip_verify,
        certificate=certificate.chain,
        private_key=certificate.private_key,
    )
    try:
        context_for(settings)
    except (OSError, ValueError) as error:
        raise ConfigError.at("spec.config.tls", "the certificates in it cannot be used") from error
    return settings


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True
