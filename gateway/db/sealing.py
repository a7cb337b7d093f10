"""Secrets at rest: texts that the database holds encrypted, in LiteLLM's formats."""

import base64
import binascii
import hashlib
import os
from functools import cached_property
from importlib import import_module
from typing import Protocol

from nacl.exceptions import CryptoError
from nacl.secret import SecretBox

from gateway.domain import Secret

__all__ = ["Seal", "Tokens", "UnsealableError"]

_GCM = ("v2:gcm:", "v3:gcm:")
"""What marks the formats of LiteLLM 1.100 and later."""
_SHORTEST_BOX = SecretBox.NONCE_SIZE + SecretBox.MACBYTES


class UnsealableError(ValueError):
    """A value was encrypted with another key, or is damaged."""


class _GcmCiphers(Protocol):
    """That of `gateway.db.sealing_gcm`."""

    def decrypt(self, version: str, data: bytes) -> bytes: ...


class _Ciphers:
    """Every format under one key."""

    def __init__(self, key: Secret) -> None:
        self.box = SecretBox(hashlib.sha256(key.reveal().encode()).digest())
        self._key = key

    @cached_property
    def _gcm(self) -> _GcmCiphers:
        # `cryptography` takes 8 MB of each worker: only who has such values pays that.
        return import_module("gateway.db.sealing_gcm").GcmCiphers(self._key)

    def decrypt(self, prefix: str, data: bytes) -> bytes:
        """The plain bytes; raises CryptoError or ValueError."""
        if prefix in _GCM:
            return self._gcm.decrypt(prefix.partition(":")[0], data)
        return self.box.decrypt(data)


class Seal:
    """Encrypts and decrypts under one salt key.

    Written are XSalsa20-Poly1305 boxes in url-safe base64, which every release of LiteLLM reads; the formats
    of its newer releases are read as well.
    """

    def __init__(self, key: Secret) -> None:
        self._ciphers = [_Ciphers(key)]

    def learn(self, key: Secret) -> None:
        """Read what is under another key, too."""
        self._ciphers.append(_Ciphers(key))

    def adopt(self, key: Secret) -> None:
        """Write under another key from now on; what is under the former ones can still be read."""
        self._ciphers.insert(0, _Ciphers(key))

    def close(self, text: str) -> str:
        """Encrypt a text."""
        sealed = self._ciphers[0].box.encrypt(text.encode(), os.urandom(SecretBox.NONCE_SIZE))
        return base64.urlsafe_b64encode(sealed).decode()

    def open(self, stored: str) -> str:
        """Decrypt a value; one that was stored as it is comes back as it is.

        Raises UnsealableError for what has the form of an encrypted value and cannot be decrypted.
        """
        prefix = stored[: len(_GCM[0])]
        is_marked = prefix in _GCM
        data = _decode(stored.removeprefix(prefix) if is_marked else stored)
        if not is_marked and (data is None or len(data) < _SHORTEST_BOX):
            return stored
        for ciphers in self._ciphers:
            try:
                return ciphers.decrypt(prefix, data or b"").decode()
            except (CryptoError, ValueError):
                # Another key may be the one; which of them it is, is written nowhere.
                continue
        message = "cannot be decrypted: it was encrypted with another salt key, or is damaged."
        raise UnsealableError(message)

    def is_closed(self, stored: str) -> bool:
        """Whether a value can be decrypted with this key."""
        try:
            return self.open(stored) != stored
        except UnsealableError:
            return False


class Tokens:
    """Texts that clients keep for the gateway, each for one purpose."""

    def __init__(self, seal: Seal) -> None:
        self._seal = seal

    def close(self, purpose: str, text: str) -> str:
        """Encrypt a text, as url-safe characters; it can be opened for the same purpose only."""
        return self._seal.close(f"{purpose}\n{text}").rstrip("=")

    def open(self, purpose: str, sealed: str) -> str | None:
        """Decrypt; None for what this gateway did not encrypt for this purpose."""
        padded = sealed + "=" * (-len(sealed) % 4)
        try:
            opened = self._seal.open(padded)
        except UnsealableError:
            return None
        # What was never encrypted comes back as it is: anybody can have written it.
        stated, _, text = opened.partition("\n")
        return text if opened != padded and stated == purpose else None


def _decode(text: str) -> bytes | None:
    """The bytes of url-safe base64, or of the standard one of early releases; None for other texts."""
    try:
        return base64.b64decode(text.replace("-", "+").replace("_", "/"), validate=True)
    except (binascii.Error, ValueError):
        return None
