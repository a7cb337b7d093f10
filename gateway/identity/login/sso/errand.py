"""What a browser carries to the identity provider and back: sealed, so that nobody else can make it."""

import base64
import hashlib
import secrets
from typing import TypeVar

import msgspec
from nacl.exceptions import CryptoError
from nacl.secret import SecretBox

from gateway.clock import Clock
from gateway.domain import Secret

__all__ = ["ERRAND_SECONDS", "Errand", "ErrandSeal", "is_own_path", "new_errand"]

ERRAND_SECONDS = 600
"""How long somebody may take to log in."""
_NANOS = 1_000_000_000
_PERSON = b"login errand"
"""Keeps this key apart from others that follow from the master key (BLAKE2, RFC 7693)."""
_TIME_BYTES = 8
_LONGEST_PATH = 2_048
"""A cookie has room for 4096 characters, and this grows by two fifths on the way into one."""
Kind = TypeVar("Kind", bound=msgspec.Struct)


class Errand(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One login under way.

    `state` ties the answer to this browser, `nonce` the token to this login, and `verifier` (PKCE) the code
    to whoever began it.
    """

    state: str
    nonce: str
    verifier: str
    return_to: str = ""
    terminal: str = ""
    """The login of a command-line client for which somebody logs in."""
    is_trial: bool = False
    """Whether nobody is to be logged in: the browser is shown what the provider says."""

    @property
    def challenge(self) -> str:
        """The verifier's SHA-256 (RFC 7636 section 4.2)."""
        digest = hashlib.sha256(self.verifier.encode()).digest()
        return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


def new_errand(return_to: str, terminal: str = "") -> Errand:
    """An errand with fresh random texts; `return_to` is left out unless it is a path of our own."""
    state, nonce, verifier = (secrets.token_urlsafe(32) for _ in range(3))
    path = return_to if is_own_path(return_to) else ""
    return Errand(state=state, nonce=nonce, verifier=verifier, return_to=path, terminal=terminal)


def is_own_path(path: str) -> bool:
    """Whether a browser that is sent there stays at this gateway."""
    is_path = path.startswith("/") and not path.startswith("//") and len(path) <= _LONGEST_PATH
    return is_path and path.isascii() and path.isprintable() and "\\" not in path and " " not in path


class ErrandSeal:
    """Seals errands under a key that follows from the master key: any worker opens what another sealed."""

    def __init__(self, master: Secret, clock: Clock) -> None:
        key = hashlib.blake2b(master.reveal().encode(), digest_size=SecretBox.KEY_SIZE, person=_PERSON)
        self._box = SecretBox(key.digest())
        self._clock = clock

    def close(self, errand: msgspec.Struct) -> str:
        """The errand as a cookie's value."""
        plain = self._now().to_bytes(_TIME_BYTES) + msgspec.json.encode(errand)
        return base64.urlsafe_b64encode(self._box.encrypt(plain)).decode()

    def open(self, sealed: str, kind: type[Kind]) -> Kind | None:
        """The errand, if it is one of ours, of this kind, and not too old."""
        try:
            plain = self._box.decrypt(base64.urlsafe_b64decode(sealed))
            errand = msgspec.json.decode(plain[_TIME_BYTES:], type=kind)
        except (CryptoError, msgspec.DecodeError, ValueError):
            return None
        age = self._now() - int.from_bytes(plain[:_TIME_BYTES])
        return errand if abs(age) <= ERRAND_SECONDS else None

    def _now(self) -> int:
        return self._clock.now_nanos() // _NANOS
