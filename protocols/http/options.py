"""What one Service declares about HTTP, made into tables of bytes once per Generation."""

from __future__ import annotations

import base64
from collections.abc import Iterable
from collections.abc import Set as AbstractSet
from typing import Final, final

from config.errors import ConfigError
from config.resources.service import Service
from config.resources.service_http import (
    AuthorizationMode,
    ForwardedMode,
    HeaderEntry,
    HeaderOptions,
    HTTPAuth,
    PathOptions,
)
from config.resources.service_web import HTTPConfig
from config.secret import SecretBytes
from policy.cel.compile import Program, compile_expression
from policy.cel.values import CompileError
from protocols.api import Prepared, Secrets
from protocols.http.answer import SERVER, Answer
from protocols.http.fields import request_names, response_names
from protocols.http.unbuilt import refuse_unbuilt
from protocols.http.visibility import Visibility
from protocols.permit import HeaderLogin, Login, NoLogin

_HTTP: Final = "spec.config.http"
_FORBIDDEN: Final = b"\r\n\0"
_FRAMING: Final = frozenset(
    (
        b"host",
        b"content-length",
        b"transfer-encoding",
        b"connection",
        b"upgrade",
        b"te",
        b"trailer",
        b"expect",
        b"keep-alive",
    )
)


@final
class HttpOptions:
    """Everything about HTTP that one Generation has settled."""

    __slots__ = (
        "add_prefix",
        "direct",
        "edits_path",
        "host",
        "host_eval",
        "is_plain",
        "max_request_size",
        "obfuscates",
        "passes_authorization",
        "preserves_host",
        "remove_prefix",
        "request_evals",
        "request_lines",
        "request_names",
        "response_evals",
        "response_lines",
        "response_names",
        "shows_response",
        "visibility",
    )

    def __init__(self, service: Service, http: HTTPConfig, login: Login) -> None:
        header = http.header or HeaderOptions()
        path = http.path or PathOptions()
        added = _Additions(header.add_request_headers, header.remove_request_headers, "Request")
        replaced = added.replaced | _lower(header.remove_request_headers)
        if isinstance(login, HeaderLogin):
            replaced |= {login.name.encode()}
        answered = _Additions(
            header.add_response_headers, header.remove_response_headers, "Response"
        )
        self.request_names: Final = request_names(
            removed=frozenset(replaced),
            passes_forwarded=header.forwarded_mode is ForwardedMode.TRANSPARENT,
        )
        self.response_names: Final = response_names(
            removed=answered.replaced | _lower(header.remove_response_headers)
        )
        self.request_lines: Final = added.lines
        self.request_evals: Final = added.evals
        self.response_lines: Final = (SERVER, *answered.lines)
        self.response_evals: Final = answered.evals
        self.obfuscates: Final = header.forwarded_mode is ForwardedMode.OBFUSCATE
        self.passes_authorization: Final = _passes_authorization(service, header, replaced)
        host = header.host
        self.host: Final = host.value.encode() if host and host.value else b""
        self.preserves_host: Final = bool(host and host.preserve)
        self.host_eval: Final = (
            _compiled(host.eval, f"{_HTTP}.header.host.eval") if host and host.eval else None
        )
        self.remove_prefix: Final = path.remove_prefix.encode()
        self.add_prefix: Final = path.add_prefix.encode()
        self.edits_path: Final = bool(path.remove_prefix or path.add_prefix)
        self.max_request_size: Final = (http.body and http.body.max_request_size) or None
        self.direct: Final = _direct(http)
        self.visibility: Final = Visibility.of(http.visibility, login)
        self.shows_response: Final = not self.visibility.response.is_empty
        self.is_plain: Final = not (
            self.edits_path
            or self.obfuscates
            or self.request_evals
            or self.host
            or self.preserves_host
            or self.host_eval
        )


@final
class _Additions:
    """Headers to add. A removal wins over an addition, as it comes after it."""

    def __init__(self, entries: Iterable[HeaderEntry], removed: Iterable[str], kind: str) -> None:
        gone = _lower(removed)
        lines: list[bytes] = []
        evals: list[tuple[bytes, Program]] = []
        replaced: set[bytes] = set()
        for index, entry in enumerate(entries):
            name = entry.key.encode()
            path = f"{_HTTP}.header.add{kind}Headers[{index}]"
            if name.lower() in _FRAMING:
                raise ConfigError.at(f"{path}.key", "belongs to the connection, not to a Service")
            if not entry.append:
                replaced.add(_plain(name))
            if name.lower() in gone:
                continue
            if entry.eval is not None:
                evals.append((name, _compiled(entry.eval, f"{path}.eval")))
            else:
                lines.append(b"%b: %b" % (name, (entry.value or "").encode()))
        self.lines: Final = tuple(lines)
        self.evals: Final = tuple(evals)
        self.replaced: Final = frozenset(replaced)


def prepare(service: Service, secrets: Secrets) -> Prepared:
    """Settle what a Service declares; ConfigError for what is missing, empty or not built."""
    refuse_unbuilt(service)
    config = service.spec.config
    http = (config.http if config is not None else None) or HTTPConfig()
    login = _login(http.auth, secrets) if http.auth is not None else NoLogin()
    options = HttpOptions(service, http, login)
    if options.direct is None and (config is None or config.upstream is None):
        raise ConfigError.at("spec.config", "there is neither an upstream nor a direct response")
    return Prepared(options, login)


def login_line(login: Login) -> bytes:
    """Return the header line that logs in upstream; empty where there is no login."""
    match login:
        case HeaderLogin():
            return b"%b: %b\r\n" % (login.name.encode(), login.value.reveal())
        case NoLogin():
            return b""


def _login(auth: HTTPAuth, secrets: Secrets) -> Login:
    if auth.bearer is not None:
        secret = _secret(secrets, auth.bearer.from_secret, "bearer")
        return HeaderLogin("authorization", SecretBytes(b"Bearer " + secret))
    if auth.basic is not None:
        secret = _secret(secrets, auth.basic.password.from_secret, "basic.password")
        pair = base64.b64encode(auth.basic.username.encode() + b":" + secret)
        return HeaderLogin("authorization", SecretBytes(b"Basic " + pair))
    if auth.custom is not None:
        if auth.custom.header.lower().encode() in _FRAMING:
            message = "belongs to the connection, not to a Service"
            raise ConfigError.at(f"{_HTTP}.auth.custom.header", message)
        secret = _secret(secrets, auth.custom.value.from_secret, "custom.value")
        return HeaderLogin(auth.custom.header.lower(), SecretBytes(secret))
    raise ConfigError.at(f"{_HTTP}.auth", "declares no credential that is built")


def _secret(secrets: Secrets, name: str, key: str) -> bytes:
    """Return a Secret fit for a header; one that is empty or would break the head is refused."""
    value = secrets(name).reveal().strip()
    if not value:
        raise ConfigError.at(f"{_HTTP}.auth.{key}.fromSecret", f"the Secret {name!r} is empty")
    if any(byte in value for byte in _FORBIDDEN):
        message = f"the Secret {name!r} holds a line break, which no header may"
        raise ConfigError.at(f"{_HTTP}.auth.{key}.fromSecret", message)
    return value


def _compiled(text: str, path: str) -> Program:
    try:
        return compile_expression(text)
    except CompileError as error:
        raise ConfigError.at(path, str(error)) from error


def _direct(http: HTTPConfig) -> Answer | None:
    direct = http.response.direct if http.response is not None else None
    if direct is None:
        return None
    lines = (b"Content-Type: " + direct.content_type.encode(),) if direct.content_type else ()
    return Answer(direct.status_code, lines, direct.content)


def _passes_authorization(
    service: Service, header: HeaderOptions, replaced: AbstractSet[bytes]
) -> bool:
    if b"authorization" in replaced:
        return False
    if header.authorization_mode is None:
        return service.spec.is_anonymous
    return header.authorization_mode is AuthorizationMode.PASS


def _lower(names: Iterable[str]) -> set[bytes]:
    return {_plain(name.encode()) for name in names}


def _plain(name: bytes) -> bytes:
    return name.lower().replace(b"_", b"-")
