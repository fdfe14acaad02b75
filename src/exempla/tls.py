"""The certificate that both servers show, if they are to speak TLS."""

from __future__ import annotations

import ssl
from pathlib import Path
from typing import NamedTuple

from exempla.errors import StartupError


class Tls(NamedTuple):
    """PEM files: a certificate with those that it hangs on, and its private key."""

    cert: Path
    key: Path

    def cert_pem(self) -> bytes:
        """Return the contents of the certificate's file."""
        return self.cert.read_bytes()

    def key_pem(self) -> bytes:
        """Return the contents of the key's file."""
        return self.key.read_bytes()


def load(cert: Path | None, key: Path | None) -> Tls | None:
    """Return the certificate, if one is wanted; raise `StartupError` for one of no use."""
    if not (cert and key):
        return None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    try:  # an empty password: never ask for one on the terminal
        context.load_cert_chain(cert, key, password="")
    except OSError as error:  # also `ssl.SSLError`
        reason = getattr(error, "reason", None) or error.strerror or str(error)
        raise StartupError(
            f"cannot use the certificate {cert} with the key {key}: {reason}; give PEM files that "
            "belong together, the key without a password"
        ) from None
    return Tls(cert, key)
