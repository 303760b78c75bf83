"""What an upstream's TLS settings become."""

from __future__ import annotations

import ssl
from pathlib import Path

import pytest

from config.secret import SecretBytes
from protocols.net.tls import context_for
from protocols.permit import UpstreamTLS
from tests.harness.certificates import Authority


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


def test_an_upstream_is_verified_unless_told_otherwise() -> None:
    context = context_for(UpstreamTLS("a.example"))
    assert context.verify_mode is ssl.CERT_REQUIRED
    assert context.check_hostname
    assert context.minimum_version is ssl.TLSVersion.TLSv1_2


def test_verification_can_be_switched_off() -> None:
    context = context_for(UpstreamTLS("a.example", insecure_skip_verify=True))
    assert context.verify_mode is ssl.CERT_NONE


def test_trusted_authorities_replace_the_systems(authority: Authority) -> None:
    context = context_for(UpstreamTLS("a.example", trusted_cas=(authority.pem,)))
    assert len(context.get_ca_certs()) == 1


def test_equal_settings_share_one_context(authority: Authority) -> None:
    settings = UpstreamTLS("a.example", trusted_cas=(authority.pem,))
    assert context_for(settings) is context_for(
        UpstreamTLS("a.example", trusted_cas=(authority.pem,))
    )


def test_a_client_certificate_never_touches_the_disk(
    authority: Authority, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    certificate, key = authority.issue("vigil")
    context_for(
        UpstreamTLS("a.example", certificate=certificate, private_key=SecretBytes(key.encode()))
    )
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("key", [b"", b"no key"])
def test_a_client_certificate_without_its_key_is_refused(authority: Authority, key: bytes) -> None:
    certificate, _ = authority.issue("vigil")
    with pytest.raises((OSError, ValueError)):
        context_for(UpstreamTLS("a.example", certificate=certificate, private_key=SecretBytes(key)))


def test_authorities_that_are_no_certificates_are_refused() -> None:
    with pytest.raises((OSError, ValueError)):
        context_for(UpstreamTLS("a.example", trusted_cas=("no certificate",)))
