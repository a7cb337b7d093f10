"""Client certificates of PKCS 12 archives; imported only where a database URL names one."""

import ssl
import tempfile

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.serialization import pkcs12

__all__ = ["load_identity"]


def load_identity(context: ssl.SSLContext, data: bytes, password: str | None) -> None:
    """Load an archive, through a file that nobody else can read: `ssl` takes nothing else.

    Raises ValueError for a wrong password or an archive without key or certificate.
    """
    archive = pkcs12.load_pkcs12(data, None if password is None else password.encode())
    if archive.key is None or archive.cert is None:
        raise ValueError("the PKCS 12 file lacks a key or its certificate")
    chain = [archive.cert, *archive.additional_certs]
    with tempfile.NamedTemporaryFile(suffix=".pem") as file:
        file.write(
            archive.key.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            )
        )
        for entry in chain:
            file.write(entry.certificate.public_bytes(serialization.Encoding.PEM))
        file.flush()
        context.load_cert_chain(file.name)
