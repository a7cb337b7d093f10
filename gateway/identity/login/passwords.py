"""Passwords: argon2id for new ones; hashes that LiteLLM stored are verified, and replaced."""

import asyncio
import base64
import binascii
import hashlib
import hmac

import msgspec
from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from gateway.cache.lane import Lane

__all__ = ["LONGEST_PASSWORD", "Passwords", "Verdict"]

LONGEST_PASSWORD = 1_024
"""Characters; hashing longer ones would only keep the gateway busy."""
_SCRYPT, _PBKDF2 = "scrypt:", "pbkdf2:"
_SALT_BYTES, _HASH_BYTES = 16, 32
_PBKDF2_ROUNDS = 600_000
_HEX_LENGTH = 64
_NOBODY = "$argon2id$v=19$m=65536,t=3,p=4$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
"""What the password of somebody is compared with who has none: it takes as long, and never fits."""


class Verdict(msgspec.Struct, frozen=True):
    """Whether a password is right, and whether what is stored should be replaced by a new hash."""

    is_right: bool
    is_outdated: bool = False


class Passwords:
    """Hashes and verifies, in threads, a few at once: each takes 64 MB and some 50 ms."""

    def __init__(self) -> None:
        self._hasher = PasswordHasher()
        self._lane = Lane(2, 32)

    async def hash(self, password: str) -> str:
        """A new hash; raises ServiceUnavailable when too many are waiting."""
        async with self._lane:
            return await asyncio.to_thread(self._hasher.hash, password)

    async def verify(self, password: str, stored: str | None) -> Verdict:
        """Compare a password with what is stored, if anything; raises ServiceUnavailable as `hash`."""
        async with self._lane:
            return await asyncio.to_thread(self._verify, password, stored)

    def _verify(self, password: str, stored: str | None) -> Verdict:
        if stored is not None and not stored.startswith("$argon2"):
            return Verdict(_fits_older(password, stored), is_outdated=True)
        try:
            self._hasher.verify(stored or _NOBODY, password)
        except (VerificationError, InvalidHashError):
            return Verdict(is_right=False)
        return Verdict(is_right=True, is_outdated=self._hasher.check_needs_rehash(stored or _NOBODY))


def _fits_older(password: str, stored: str) -> bool:
    """Whether a hash of LiteLLM's fits: scrypt, PBKDF2 or a bare SHA-256; a text as it is fits nothing."""
    data = password.encode("utf-8", "surrogatepass")
    if stored.startswith((_SCRYPT, _PBKDF2)):
        try:
            raw = base64.b64decode(stored.partition(":")[2], validate=True)
        except (binascii.Error, ValueError):
            return False
        if len(raw) != _SALT_BYTES + _HASH_BYTES:
            return False
        salt, wanted = raw[:_SALT_BYTES], raw[_SALT_BYTES:]
        if stored.startswith(_SCRYPT):
            found = hashlib.scrypt(data, salt=salt, n=16_384, r=8, p=1, dklen=_HASH_BYTES)
        else:
            found = hashlib.pbkdf2_hmac("sha256", data, salt, _PBKDF2_ROUNDS, _HASH_BYTES)
        return hmac.compare_digest(found, wanted)
    is_digest = len(stored) == _HEX_LENGTH
    return is_digest and hmac.compare_digest(hashlib.sha256(data).hexdigest().encode(), stored.encode())
