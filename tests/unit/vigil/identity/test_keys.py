from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from config.errors import ConfigError
from vigil.identity import keys
from vigil.identity.keys import KEY_FILE, open_key


def test_the_first_to_ask_makes_a_key_that_only_its_owner_may_read(tmp_path: Path) -> None:
    open_key(tmp_path / "data")
    assert stat.S_IMODE((tmp_path / "data" / KEY_FILE).stat().st_mode) == 0o600
    assert stat.S_IMODE((tmp_path / "data").stat().st_mode) == 0o700


def test_every_later_one_gets_the_same_key(tmp_path: Path) -> None:
    assert open_key(tmp_path).kid == open_key(tmp_path).kid


def test_two_data_directories_have_different_keys(tmp_path: Path) -> None:
    assert open_key(tmp_path / "a").kid != open_key(tmp_path / "b").kid


def test_of_two_first_processes_one_makes_the_key_and_both_use_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    link, won = os.link, []

    def beaten_to_it(source: Path, target: Path) -> None:
        monkeypatch.setattr(keys.os, "link", link)
        won.append(open_key(tmp_path).kid)
        link(source, target)

    monkeypatch.setattr(keys.os, "link", beaten_to_it)
    assert [open_key(tmp_path).kid] == won
    assert list(tmp_path.iterdir()) == [tmp_path / KEY_FILE]


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o644])
def test_a_key_that_others_may_read_or_write_is_refused(tmp_path: Path, mode: int) -> None:
    open_key(tmp_path)
    (tmp_path / KEY_FILE).chmod(mode)
    with pytest.raises(ConfigError, match="chmod 600"):
        open_key(tmp_path)


def test_a_file_that_is_no_key_is_refused(tmp_path: Path) -> None:
    _write(tmp_path, b"-----BEGIN PRIVATE KEY-----\nnonsense\n-----END PRIVATE KEY-----\n")
    with pytest.raises(ConfigError, match="holds no private key"):
        open_key(tmp_path)


def test_a_key_of_another_kind_is_refused(tmp_path: Path) -> None:
    rsa = generate_private_key(65537, 2048)
    _write(tmp_path, rsa.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    with pytest.raises(ConfigError, match="no Ed25519 key"):
        open_key(tmp_path)


def test_a_link_to_a_key_is_refused(tmp_path: Path) -> None:
    open_key(tmp_path / "real")
    (tmp_path / KEY_FILE).symlink_to(tmp_path / "real" / KEY_FILE)
    with pytest.raises(ConfigError):
        open_key(tmp_path)


def test_a_data_directory_that_cannot_be_made_is_refused_by_name(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigError, match="signing-key"):
        open_key(tmp_path / "file" / "data")


def test_a_key_does_not_show_its_private_half(tmp_path: Path) -> None:
    assert "PRIVATE" not in repr(open_key(tmp_path))


def _write(directory: Path, content: bytes) -> None:
    path = directory / KEY_FILE
    path.write_bytes(content)
    path.chmod(0o600)
