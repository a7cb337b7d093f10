"""Secrets at rest: texts that the database holds encrypted, in LiteLLM's formats."""

import base64
import binascii
import hashlib
import os
from collections.abc import Callable

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from nacl.exceptions import CryptoError
from nacl.secret import SecretBox

from gateway.domain import Secret

__all__ = ["Seal", "UnsealableError"]

_GCM = ("v2:gcm:", "v3:gcm:")
"""AES-256-GCM of LiteLLM 1.100 and later: the key is a SHA-256 (v2) or an HKDF (v3) of the salt key."""
_HKDF_INFO = b"litellm-at-rest-v3"
_NONCE_BYTES = 12
_SHORTEST_BOX = SecretBox.NONCE_SIZE + SecretBox.MACBYTES


class UnsealableError(ValueError):
    """A value was encrypted with another key, or is damaged."""


class Seal:
    """Encrypts and decrypts under one salt key.

    Written are XSalsa20-Poly1305 boxes in url-safe base64, which every release of LiteLLM reads; the formats
    of its newer releases are read as well.
    """

    def __init__(self, key: Secret) -> None:
        digest = hashlib.sha256(key.reveal().encode()).digest()
        derived = HKDF(hashes.SHA256(), 32, salt=None, info=_HKDF_INFO).derive(key.reveal().encode())
        self._box = SecretBox(digest)
        self._gcm = {_GCM[0]: AESGCM(digest), _GCM[1]: AESGCM(derived)}

    def close(self, text: str) -> str:
        """Encrypt a text."""
        sealed = self._box.encrypt(text.encode(), os.urandom(SecretBox.NONCE_SIZE))
        return base64.urlsafe_b64encode(sealed).decode()

    def open(self, stored: str) -> str:
        """Decrypt a value; one that was stored as it is comes back as it is.

        Raises UnsealableError for what has the form of an encrypted value and cannot be decrypted.
        """
        prefix = stored[: len(_GCM[0])]
        gcm = self._gcm.get(prefix)
        data = _decode(stored.removeprefix(prefix) if gcm is not None else stored)
        if gcm is not None:
            whole = data or b""
            return _opened(lambda: gcm.decrypt(whole[:_NONCE_BYTES], whole[_NONCE_BYTES:], None))
        if data is None or len(data) < _SHORTEST_BOX:
            return stored
        return _opened(lambda: self._box.decrypt(data))

    def is_closed(self, stored: str) -> bool:
        """Whether a value can be decrypted with this key."""
        try:
            return self.open(stored) != stored
        except UnsealableError:
            return False


def _decode(text: str) -> bytes | None:
    """The bytes of url-safe base64, or of the standard one of early releases; None for other texts."""
    try:
        return base64.b64decode(text.replace("-", "+").replace("_", "/"), validate=True)
    except (binascii.Error, ValueError):
        return None


def _opened(decrypt: Callable[[], bytes]) -> str:
    try:
        return decrypt().decode()
    except (CryptoError, InvalidTag, ValueError) as error:
        message = "cannot be decrypted: it was encrypted with another salt key, or is damaged."
        raise UnsealableError(message) from error
