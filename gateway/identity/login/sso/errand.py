"""What a browser carries to the identity provider and back: sealed, so that nobody else can make it."""

import base64
import hashlib
import secrets
from typing import TypeVar

import msgspec
from cryptography.fernet import Fernet, InvalidToken
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from gateway.clock import Clock
from gateway.domain import Secret

__all__ = ["ERRAND_SECONDS", "Errand", "ErrandSeal", "is_own_path", "new_errand"]

ERRAND_SECONDS = 600
"""How long somebody may take to log in."""
_NANOS = 1_000_000_000
_INFO = b"gatewright login errand"
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
        key = HKDF(hashes.SHA256(), 32, salt=None, info=_INFO).derive(master.reveal().encode())
        self._fernet = Fernet(base64.urlsafe_b64encode(key))
        self._clock = clock

    def close(self, errand: msgspec.Struct) -> str:
        """The errand as a cookie's value."""
        return self._fernet.encrypt_at_time(msgspec.json.encode(errand), self._now()).decode()

    def open(self, sealed: str, kind: type[Kind]) -> Kind | None:
        """The errand, if it is one of ours, of this kind, and not too old."""
        try:
            data = self._fernet.decrypt_at_time(sealed, ERRAND_SECONDS, self._now())
            return msgspec.json.decode(data, type=kind)
        except (InvalidToken, msgspec.DecodeError, ValueError):
            return None

    def _now(self) -> int:
        return self._clock.now_nanos() // _NANOS
