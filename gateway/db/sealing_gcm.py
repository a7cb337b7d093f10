"""The newer formats of LiteLLM's encryption, AES-256-GCM; imported only where a value has one of them."""

import hashlib

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from gateway.domain import Secret

__all__ = ["GcmCiphers"]

_HKDF_INFO = b"litellm-at-rest-v3"
_NONCE_BYTES = 12


class GcmCiphers:
    """Both formats under one salt key: the cipher's key is its SHA-256 (v2) or an HKDF of it (v3)."""

    def __init__(self, key: Secret) -> None:
        salt = key.reveal().encode()
        derived = HKDF(hashes.SHA256(), 32, salt=None, info=_HKDF_INFO).derive(salt)
        self._ciphers = {"v2": AESGCM(hashlib.sha256(salt).digest()), "v3": AESGCM(derived)}

    def decrypt(self, version: str, data: bytes) -> bytes:
        """The plain bytes of nonce and ciphertext; raises ValueError."""
        try:
            return self._ciphers[version].decrypt(data[:_NONCE_BYTES], data[_NONCE_BYTES:], None)
        except InvalidTag as error:
            raise ValueError("the key or the data is another one") from error
