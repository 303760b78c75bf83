"""The key that signs access tokens, kept in one owner-only file of the data directory."""

from __future__ import annotations

import os
import stat
import uuid
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from uuid import UUID

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)

from config.errors import ConfigError, Problem

KEY_FILE: Final = "signing-key.pem"
_KEY_IDS: Final = UUID("5f0c7d8e-51f2-5f3a-9d0e-6f6d3a0c2b77")
_MAX_KEY_FILE: Final = 4096


@dataclass(frozen=True, slots=True)
class SigningKey:
    """An Ed25519 key pair; ``kid`` is a UUID derived from the public half."""

    kid: str
    private: Ed25519PrivateKey
    public: Ed25519PublicKey

    @classmethod
    def of(cls, private: Ed25519PrivateKey) -> SigningKey:
        """Name a private key."""
        public = private.public_key()
        raw = public.public_bytes(Encoding.Raw, PublicFormat.Raw)
        return cls(str(uuid.uuid5(_KEY_IDS, raw.hex())), private, public)


def generate() -> SigningKey:
    """Make a new key, in memory only."""
    return SigningKey.of(Ed25519PrivateKey.generate())


def open_key(data: Path) -> SigningKey:
    """Return the data directory's key, made by whichever process asks first.

    Raises ConfigError where the file is no key or somebody else may read it.
    """
    path = data / KEY_FILE
    try:
        if not path.exists():
            _create(path)
        return _read(path)
    except OSError as error:
        raise _refused(path, f"cannot be used: {error.strerror or error}") from error


def _create(path: Path) -> None:
    """Write a whole key aside and link it into place, so that of two first processes one wins."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{uuid.uuid4().hex}")
    pem = generate().private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    try:
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(pem)
            file.flush()
            os.fsync(descriptor)
        with suppress(FileExistsError):
            os.link(draft, path)
    finally:
        draft.unlink(missing_ok=True)


def _read(path: Path) -> SigningKey:
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW)
    with os.fdopen(descriptor, "rb") as file:
        mode = stat.S_IMODE(os.fstat(descriptor).st_mode)
        if mode & 0o077:
            raise _refused(
                path, f"may be read by others (mode {mode:04o})", f"chmod 600 {path}, or remove it"
            )
        pem = file.read(_MAX_KEY_FILE)
    try:
        private = load_pem_private_key(pem, password=None)
    except (ValueError, TypeError) as error:
        raise _refused(path, "holds no private key", "remove it to get a new one") from error
    if not isinstance(private, Ed25519PrivateKey):
        raise _refused(path, "holds no Ed25519 key", "remove it to get a new one")
    return SigningKey.of(private)


def _refused(path: Path, message: str, hint: str = "") -> ConfigError:
    return ConfigError([Problem(str(path), 0, "", f"the signing key {message}", hint)])
