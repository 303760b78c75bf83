"""The request as the upstream gets it (spec/data-plane.md §3.1.3 to §3.1.5)."""

from __future__ import annotations

import secrets
from typing import Any, Final

from policy.cel.compile import Program
from policy.cel.values import EvaluationError
from policy.principal import Caller
from protocols.api import Gate
from protocols.http.options import HttpOptions, login_line
from protocols.http.path import canonical
from protocols.http.request import HttpRequest
from protocols.http.wire.errors import PeerError
from protocols.permit import Permit, Upstream

_HIDDEN_ADDRESS: Final = b"10.0.0.1"
_BREAKS: Final = frozenset("\r\n\0")


def request_head(
    gate: Gate, who: Caller, request: HttpRequest, permit: Permit, upstream: Upstream
) -> bytes:
    """Return the head to send, its closing empty line included."""
    options: HttpOptions = gate.options
    head = request.head
    if options.is_plain and not (upstream.base_path or head.is_upgrade or head.expects_continue):
        return b"%b %b HTTP/1.1\r\nHost: %b\r\n%b%b" % (
            head.method,
            request.target,
            upstream.authority.encode(),
            login_line(permit.login),
            request.headers.passing,
        )
    start = b"%b %b HTTP/1.1\r\nHost: %b\r\n" % (
        head.method,
        _target(options, request, upstream),
        _host(gate, who, request, upstream),
    )
    added = _added(gate, who, request, permit)
    return b"".join((start, *added, request.headers.passing))


def _added(gate: Gate, who: Caller, request: HttpRequest, permit: Permit) -> list[bytes]:
    """Return the lines that are this very request's."""
    options: HttpOptions = gate.options
    lines: list[bytes] = []
    login = login_line(permit.login)
    if login:
        lines.append(login)
    if options.obfuscates:
        lines += _obfuscated(gate, request)
    for name, program in options.request_evals:
        value = evaluated(gate, who, request, program)
        if value is not None:
            lines.append(b"%b: %b\r\n" % (name, value))
    if request.head.is_upgrade:
        lines.append(b"Connection: Upgrade\r\nUpgrade: websocket\r\n")
    if request.head.expects_continue:
        lines.append(b"Expect: 100-continue\r\n")
    return lines


def evaluated(gate: Gate, who: Caller, request: HttpRequest, program: Program) -> bytes | None:
    """Return what a header's expression says, or None where it says nothing fit for a header."""
    try:
        value: Any = gate.evaluate(program, who, request)
    except EvaluationError:
        return None
    if not isinstance(value, str) or not _BREAKS.isdisjoint(value):
        return None
    return value.strip(" \t").encode()


def _target(options: HttpOptions, request: HttpRequest, upstream: Upstream) -> bytes:
    target = request.target
    if not options.edits_path and not upstream.base_path:
        return target
    if target == b"*":
        return target
    path, mark, query = target.partition(b"?")
    path = path.removeprefix(options.remove_prefix)
    path = upstream.base_path.rstrip("/").encode() + options.add_prefix + _rooted(path, options)
    path = path if path.startswith(b"/") else b"/" + path
    if canonical(path) != path:
        # Cutting a prefix off can leave a dot segment that policy did not see.
        raise PeerError(400, "the path is not one without its prefix")
    return path + mark + query


def _rooted(path: bytes, options: HttpOptions) -> bytes:
    if path.startswith(b"/") or options.add_prefix.endswith(b"/"):
        return path
    return b"/" + path


def _host(gate: Gate, who: Caller, request: HttpRequest, upstream: Upstream) -> bytes:
    options: HttpOptions = gate.options
    if options.host:
        return options.host
    if options.preserves_host:
        return gate.service.public_hostname(gate.domain).encode()
    if options.host_eval is not None:
        return evaluated(gate, who, request, options.host_eval) or upstream.authority.encode()
    return upstream.authority.encode()


def _obfuscated(gate: Gate, request: HttpRequest) -> tuple[bytes, ...]:
    """Say of the client nothing that is true."""
    host = gate.service.public_hostname(gate.domain).encode()
    is_https = request.is_tls or gate.service.spec.is_public
    scheme = b"https" if is_https else b"http"
    return (
        b"Forwarded: for=_octelium-%b;by=_octelium-%b;proto=%b;host=%b\r\n"
        % (secrets.token_hex(4).encode(), secrets.token_hex(3).encode(), scheme, host),
        b"X-Forwarded-For: %b\r\nX-Real-IP: %b\r\n" % (_HIDDEN_ADDRESS, _HIDDEN_ADDRESS),
        b"X-Forwarded-Proto: %b\r\nX-Forwarded-Host: %b\r\n" % (scheme, host),
    )
