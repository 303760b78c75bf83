"""Who may do what only few may do; each entry with its reason."""

from __future__ import annotations

from tests.harness.source import callers

REVEALS = {
    "protocols/http/options.py": "renders the upstream login into the header it is sent in",
    "protocols/net/tls.py": "hands a client certificate's private key to OpenSSL",
    "vigil/proxy/certificates.py": "hands a listener's private key to OpenSSL",
}
MINTS = {"vigil/gate/gate.py": "the gate mints Permits, and only from an Allowed decision"}
DIALS = {"protocols/net/dial.py": "takes a Permit"}
LISTENS = {
    "vigil/proxy/listener.py": "the listener of a Service",
    "vigil/telemetry/admin.py": "the admin listener",
}


def test_secrets_are_revealed_only_where_they_are_used() -> None:
    assert callers("reveal") == set(REVEALS)


def test_only_the_gate_mints_a_permit() -> None:
    assert callers("Permit") == set(MINTS)


def test_only_dial_opens_a_connection() -> None:
    assert callers("create_connection") | callers("open_connection") == set(DIALS)


def test_only_listeners_listen() -> None:
    assert callers("create_server") | callers("start_server") == set(LISTENS)
