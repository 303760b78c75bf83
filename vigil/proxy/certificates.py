"""Secrets by name, and those among them that hold a certificate and its private key."""

from __future__ import annotations

import os
import ssl
from dataclasses import dataclass
from typing import final

from config.errors import ConfigError
from config.resources.secret import Secret
from config.secret import SecretBytes
from config.snapshot import Snapshot


@dataclass(frozen=True, slots=True)
class Certificate:
    """A PEM chain, leaf first, and the private key of the leaf."""

    chain: str
    private_key: SecretBytes


@final
class KnownSecrets:
    """The Secrets of one Snapshot, by name; what does not exist is a ConfigError."""

    def __init__(self, snapshot: Snapshot) -> None:
        self._snapshot = snapshot

    def data(self, name: str) -> SecretBytes:
        """Return what a Secret holds."""
        return self._secret(name).data

    def certificate(self, name: str) -> Certificate:
        """Return the certificate that a Secret holds."""
        secret = self._secret(name)
        if secret.spec.data is None:
            hint = "its spec.data.value is the PEM chain, its data.value the private key"
            raise ConfigError.at("", f"the Secret {name!r} is no certificate", hint)
        return Certificate(secret.spec.data.decode(errors="replace"), secret.data)

    def _secret(self, name: str) -> Secret:
        secret = self._snapshot.get(Secret, name)
        if secret is None:
            raise ConfigError.at("", f"the Secret {name!r} does not exist")
        return secret


def namespace_certificate(namespace: str) -> str:
    """Return the name of the Secret with which a Namespace's TLS listeners show themselves."""
    return f"crt-ns-{namespace}"


def server_context(certificate: Certificate) -> ssl.SSLContext:
    """Return how a listener speaks TLS; raises ConfigError where chain and key do not fit."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_alpn_protocols(["http/1.1"])
    try:
        _load(context, certificate)
    except (OSError, ValueError) as error:
        raise ConfigError.at("", "the certificate and its private key cannot be used") from error
    return context


def _load(context: ssl.SSLContext, certificate: Certificate) -> None:
    """Hand the pair over through a file that exists in memory only: ``ssl`` takes nothing else."""
    descriptor = os.memfd_create("listener-certificate", os.MFD_CLOEXEC)
    with os.fdopen(descriptor, "wb", buffering=0) as file:
        file.write(certificate.chain.encode() + b"\n" + certificate.private_key.reveal())
        context.load_cert_chain(f"/proc/self/fd/{descriptor}")
