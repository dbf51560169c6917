"""TLS for servers on loopback: a certificate, and the contexts of both ends."""

from __future__ import annotations

import shutil
import ssl
import subprocess

import pytest


@pytest.fixture(scope="session")
def tls(tmp_path_factory: pytest.TempPathFactory) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """Return the TLS context of a server, and that of a client that trusts it."""
    if shutil.which("openssl") is None:
        pytest.skip("this test needs the command openssl")
    key, certificate = (str(tmp_path_factory.getbasetemp() / name) for name in ("key.pem", "certificate.pem"))
    asked = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", "/CN=localhost"]
    written = ["-addext", "subjectAltName=IP:127.0.0.1", "-keyout", key, "-out", certificate]
    subprocess.run(["openssl", "req", "-x509", *asked, *written], check=True, capture_output=True)
    served = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    served.load_cert_chain(certificate, key)
    return served, ssl.create_default_context(cafile=certificate)
