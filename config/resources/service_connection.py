"""Modes that decide per connection, statement or channel: SSH, databases, Kubernetes, SOCKS5, RDP.

Spec/resources.md §7.8 to §7.12.
"""

from __future__ import annotations

import re
from enum import StrEnum
from typing import Annotated, ClassVar, Final

from pydantic import AfterValidator, Field

from config.resources.meta import FromSecret
from config.resources.model import Many, Model, OneOf, Symbol, fault
from config.resources.scalars import ASCII, PEM, Name, Text

_AUTHORIZED_KEY: Final = re.compile(
    r"(ssh-ed25519|ssh-rsa|ecdsa-sha2-nistp(256|384|521)|sk-[a-z0-9@.-]+)"
    r" [A-Za-z0-9+/]+={0,3}( .*)?"
)
_FINGERPRINT: Final = re.compile(r"[0-9A-Fa-f]{64}")


class StatementMode(StrEnum):
    """Whether every statement or channel is authorized, or the connection only."""

    ALL = "ALL"
    NONE = "NONE"


class StatementAuthorization(Model):
    """How much is authorized."""

    mode: Symbol[StatementMode] = StatementMode.NONE
    """ALL asks the policies about every statement or channel, NONE about the connection only."""


class PasswordAuth(Model):
    """A password for the upstream."""

    one_of: ClassVar[tuple[OneOf, ...]] = (OneOf(("password",)),)

    password: FromSecret | None = None


class SSHAuth(Model):
    """The credential for the upstream; none means a certificate of the Cluster's own CA."""

    one_of: ClassVar[tuple[OneOf, ...]] = (OneOf(("password", "privateKey")),)

    password: FromSecret | None = None
    private_key: FromSecret | None = None


def _check_key(value: str) -> str:
    if not _AUTHORIZED_KEY.fullmatch(value.strip()):
        raise fault("must be one line of an authorized_keys file, like ssh-ed25519 AAAA…")
    return value.strip()


class UpstreamHostKey(Model):
    """How the upstream proves itself."""

    one_of: ClassVar[tuple[OneOf, ...]] = (OneOf(("key", "insecureIgnoreHostKey")),)

    key: Annotated[str, Field(max_length=8192), AfterValidator(_check_key)] | None = None
    insecure_ignore_host_key: bool | None = None


class SSHVisibility(Model):
    """What is recorded of SSH sessions."""

    disable_session_recording: bool = False
    enable_session_stdin_recording: bool = False


class SSHConfig(Model):
    """Mode SSH."""

    user: ASCII = ""
    """The user at the upstream; absent means the client's."""
    auth: SSHAuth | None = None
    upstream_host_key: UpstreamHostKey | None = None
    enable_local_port_forwarding: bool = False
    """Allow direct-tcpip channels."""
    enable_subsystem: bool = False
    """Allow subsystems such as SFTP."""
    e_ssh_mode: bool = False
    """The user name names a connected Session that runs the embedded server."""
    authorization: StatementAuthorization | None = None
    visibility: SSHVisibility | None = None


class SSLMode(StrEnum):
    """Whether PostgreSQL is spoken over TLS; unset means where the upstream offers it."""

    DISABLE = "DISABLE"
    REQUIRE = "REQUIRE"


class PostgresConfig(Model):
    """Mode POSTGRES; what is not given comes from the client."""

    user: ASCII = ""
    """Absent means the client's."""
    database: ASCII = ""
    """Absent means the client's."""
    auth: PasswordAuth | None = None
    ssl_mode: Symbol[SSLMode] | None = None
    """TLS to the upstream; absent means where it offers it."""
    authorization: StatementAuthorization | None = None


class MySQLConfig(Model):
    """Mode MYSQL; what is not given comes from the client."""

    user: ASCII = ""
    """Absent means the client's."""
    database: ASCII = ""
    """Absent means the client's."""
    auth: PasswordAuth | None = None
    is_tls: bool = False
    """TLS to the upstream."""
    authorization: StatementAuthorization | None = None


class Kubeconfig(Model):
    """A kubeconfig file; its server becomes the upstream."""

    from_secret: Name
    context: Text = ""


class KubernetesCredential(Model):
    """A token or certificate for the API server."""

    from_secret: Name
    trusted_cas: Annotated[Many[PEM], Field(max_length=32)] = ()


class KubernetesConfig(Model):
    """Mode KUBERNETES."""

    one_of: ClassVar[tuple[OneOf, ...]] = (
        OneOf(("kubeconfig", "bearerToken", "clientCertificate")),
    )

    kubeconfig: Kubeconfig | None = None
    bearer_token: KubernetesCredential | None = None
    client_certificate: KubernetesCredential | None = None


class NoAuth(Model):
    """The SOCKS5 upstream asks for nothing."""


class SOCKS5Login(Model):
    """A user name and password for a SOCKS5 upstream."""

    username: ASCII
    password: FromSecret


class SOCKS5Auth(Model):
    """What a SOCKS5 upstream asks for."""

    one_of: ClassVar[tuple[OneOf, ...]] = (OneOf(("noAuth", "usernamePassword")),)

    no_auth: NoAuth | None = None
    username_password: SOCKS5Login | None = None


class SOCKS5Config(Model):
    """Mode SOCKS5."""

    auth: SOCKS5Auth | None = None
    is_embedded_mode: bool = False


class RDPAuth(Model):
    """A login for a Windows machine."""

    user: ASCII
    domain: Text = ""
    password: FromSecret


def _check_fingerprint(value: str) -> str:
    digits = value.replace(":", "")
    if not _FINGERPRINT.fullmatch(digits):
        raise fault("must be a SHA-256 in hexadecimal")
    return digits.lower()


class RDPUpstreamTLS(Model):
    """How the Windows machine proves itself."""

    pinned_cert_sha256: Annotated[
        Many[Annotated[str, AfterValidator(_check_fingerprint)]], Field(max_length=32)
    ] = ()
    allow_any_cert: bool = False


class RDPConfig(Model):
    """Mode RDP_WEB."""

    auth: RDPAuth | None = None
    upstream_tls: RDPUpstreamTLS | None = None
