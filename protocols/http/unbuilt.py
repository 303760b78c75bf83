"""What a Service may declare that this protocol cannot do yet: refused, never half-served."""

from __future__ import annotations

from collections.abc import Iterator

from config.errors import ConfigError, Problem
from config.resources.service import Service
from config.resources.service_web import HTTPConfig


def refuse_unbuilt(service: Service) -> None:
    """Raise ConfigError naming everything declared that is not built."""
    problems = [
        Problem("", 0, path, "is not built yet", "remove it") for path in _declared(service)
    ]
    if problems:
        raise ConfigError(problems)


def _declared(service: Service) -> Iterator[str]:
    spec = service.spec
    dynamic = spec.dynamic_config
    if dynamic is not None and (dynamic.configs or dynamic.rules):
        yield "spec.dynamicConfig"
    if spec.deployment is not None and spec.deployment.replicas > 1:
        yield "spec.deployment.replicas"
    if spec.config is None:
        return
    upstream = spec.config.upstream
    if upstream is not None and upstream.container is not None:
        yield "spec.config.upstream.container"
    if upstream is not None and any(endpoint.user for endpoint in upstream.endpoints):
        yield "spec.config.upstream.user"
    if spec.config.http is not None:
        for key in _http(spec.config.http):
            yield f"spec.config.http.{key}"


def _http(http: HTTPConfig) -> Iterator[str]:
    body, visibility, auth = http.body, http.visibility, http.auth
    flags = {
        "cors": http.cors is not None,
        "enableRequestBuffering": http.enable_request_buffering,
        "body.mode": body is not None and body.mode is not None,
        "body.validation": body is not None and body.validation is not None,
        "retry": http.retry is not None,
        "plugins": bool(http.plugins),
        "isUpstreamHTTP2": http.is_upstream_http2,
        "listenHTTP2": http.listen_http2,
        "auth.oauth2ClientCredentials": auth is not None
        and auth.oauth2_client_credentials is not None,
        "auth.sigv4": auth is not None and auth.sigv4 is not None,
    }
    yield from (key for key, is_declared in flags.items() if is_declared)
    if visibility is not None:
        bodies = {
            "enableRequestBody": visibility.enable_request_body,
            "enableRequestBodyMap": visibility.enable_request_body_map,
            "enableResponseBody": visibility.enable_response_body,
            "enableResponseBodyMap": visibility.enable_response_body_map,
        }
        yield from (f"visibility.{key}" for key, is_declared in bodies.items() if is_declared)
