"""From how an upstream wants TLS spoken to the context that speaks it."""

from __future__ import annotations

import os
import ssl
from functools import lru_cache

from protocols.permit import UpstreamTLS


@lru_cache(maxsize=256)
def context_for(tls: UpstreamTLS) -> ssl.SSLContext:
    """Return the context, one for equal settings. Reads files: not for the event loop."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_alpn_protocols(["http/1.1"])
    if tls.insecure_skip_verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    elif tls.append_to_system_pool or not tls.trusted_cas:
        context.load_default_certs(ssl.Purpose.SERVER_AUTH)
    for authority in tls.trusted_cas:
        context.load_verify_locations(cadata=authority)
    if tls.certificate:
        _load_identity(context, tls)
    return context


def _load_identity(context: ssl.SSLContext, tls: UpstreamTLS) -> None:
    """Hand OpenSSL the client certificate through a file that exists in memory only."""
    descriptor = os.memfd_create("client-certificate", os.MFD_CLOEXEC)
    with os.fdopen(descriptor, "wb", buffering=0) as file:
        file.write(tls.certificate.encode() + b"\n" + tls.private_key.reveal())
        context.load_cert_chain(f"/proc/self/fd/{descriptor}")
