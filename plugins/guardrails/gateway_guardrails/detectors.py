"""The kinds of credential that can be recognised: those of the library, and those that it has not."""

import re
import string
from collections.abc import Callable, Iterator
from typing import Protocol

import msgspec

from gateway_guardrails.library_detectors import LIBRARY_DETECTORS
from gateway_guardrails.library_sources import ENTROPY_KINDS
from gateway_guardrails.plausible import is_filled_in, is_token

__all__ = [
    "DEFAULT_KINDS",
    "DETECTORS",
    "GENERIC",
    "KINDS",
    "OWN_DETECTORS",
    "PRIVATE_KEY",
    "Detector",
    "OwnDetector",
    "find_begun",
]

GENERIC = "generic_secret"
"""The kind that is recognised by the name of a setting; only values that look random count."""

PRIVATE_KEY = "private_key"
"""The kind that says where it ends."""


class Detector(Protocol):
    """Finds credentials of one kind, where `hint`, a pattern of RE2, is somewhere in a text."""

    @property
    def kind(self) -> str:
        """What is found."""
        ...

    @property
    def hint(self) -> str:
        """What every text has in which there is one."""
        ...

    def find(self, text: str) -> Iterator[tuple[int, int]]:
        """Where they are."""
        ...


class OwnDetector(msgspec.Struct, frozen=True):
    """One kind of credential that the library does not know.

    A text without any of `hints` (compared in any case) cannot match and is not searched. The group
    `secret` of the pattern is the credential, or else the whole match. Every repetition is bounded, and a
    failed attempt reads a bounded number of characters, so that no text makes the search slow.
    """

    kind: str
    hints: tuple[str, ...]
    pattern: re.Pattern[str]
    check: Callable[[str], bool] = bool

    @property
    def hint(self) -> str:
        """Any of the hints."""
        return f"(?i){'|'.join(map(re.escape, self.hints))}"

    def find(self, text: str) -> Iterator[tuple[int, int]]:
        """Where they are."""
        group = "secret" if "secret" in self.pattern.groupindex else 0
        return (found.span(group) for found in self.pattern.finditer(text) if self.check(found[group]))


_SETTING_NAMES = (
    "password", "passwd", "pwd", "passphrase", "secret", "token", "contrase", "passwort", "kennwort",
    "api_key", "api-key", "apikey", "access_key", "access-key", "accesskey", "account_key", "account-key",
    "accountkey", "auth_key", "auth-key", "authkey", "client_key", "client-key", "clientkey",
    "service_key", "service-key", "servicekey", "private_key", "private-key", "privatekey",
)  # fmt: skip

OWN_DETECTORS = (
    OwnDetector(
        PRIVATE_KEY,
        ("private key",),
        # The library finds the head alone. The end is optional: a key that was cut off is still a key.
        re.compile(
            r"-----BEGIN [A-Z0-9 ]{0,30}PRIVATE KEY(?: BLOCK)?-----"
            r"(?:\s{0,4}(?:Proc-Type|DEK-Info|Comment|Version):[^\n]{0,200}\n){0,4}"
            r"[A-Za-z0-9+/=\s\\]{0,32768}+"
            r"(?:-----END [A-Z0-9 ]{0,30}PRIVATE KEY(?: BLOCK)?-----)?"
        ),
    ),
    OwnDetector(
        PRIVATE_KEY,
        ("putty-user-key-file-",),
        re.compile(
            r"PuTTY-User-Key-File-\d:[^\n]{0,200}"
            r"(?:\n(?!PuTTY)(?:[A-Z][A-Za-z0-9-]{2,24}: [^\n]{0,200}"
            r"|[A-Za-z0-9+/=]{1,76}\r?(?=\n|$))){0,400}+"
        ),
    ),
    OwnDetector(
        "github_token", ("github_pat_",), re.compile(r"github_pat_[A-Za-z0-9_]{22,255}"), check=is_token
    ),
    OwnDetector(
        # Anthropic, OpenRouter, DeepSeek, OpenAI's of old, and this gateway's own virtual keys.
        "api_key",
        ("sk-",),
        re.compile(r"(?<![A-Za-z0-9])sk-[A-Za-z0-9_-]{20,255}"),
        check=is_token,
    ),
    OwnDetector(
        "slack_token",
        ("xoxe", "xapp-"),
        re.compile(r"(?:xoxe(?:\.xox[bp])?-|xapp-)[0-9]-[A-Za-z0-9-]{10,250}"),
        check=is_token,
    ),
    OwnDetector("google_api_key", ("aiza",), re.compile(r"AIza[0-9A-Za-z_-]{35}"), check=is_token),
    OwnDetector(
        # With no user name, or a password of signs that the library does not expect.
        "url_password",
        ("://",),
        re.compile(r"://[^\s:/@'\"]{0,100}:(?P<secret>[^\s/@'\"\[\]{}<>]{3,200})@"),
        check=is_filled_in,
    ),
    OwnDetector(
        GENERIC,
        _SETTING_NAMES,
        # Without quotes, with escaped ones, and by names that the library does not know; no calls.
        # The set of first letters makes the search five times as fast as whole words would.
        re.compile(
            r"[pstackPSTACK](?i:assword|asswort|ennwort|asswd|wd|assphrase|ecret|oken|ontraseñ?n?a"
            r"|(?:pi|ccess|ccount|uth|lient|ervice|rivate)[_-]?key)"
            r"\\{0,2}[\"']?\s{0,4}(?::=|=>|[=:])\s{0,4}\\{0,2}[\"'`]?"
            r"(?![A-Za-z_]\w{0,63}(?:\.[A-Za-z_]\w{0,63}){1,8}[(\[])"
            r"(?P<secret>[^\s\"'`,;<>{}()\[\]\\]{8,256})",
        ),
        check=is_filled_in,
    ),
)
"""What the library has not."""

_PEM, _OTHERS = OWN_DETECTORS[:2], OWN_DETECTORS[2:]
DETECTORS: tuple[Detector, ...] = (*_PEM, *LIBRARY_DETECTORS, *_OTHERS)
"""All detectors: of those that find the same place, the one that stands first here counts."""

KINDS = tuple(dict.fromkeys(detector.kind for detector in DETECTORS))
"""All kinds."""

DEFAULT_KINDS = tuple(kind for kind in KINDS if kind not in ENTROPY_KINDS)
"""Those that are looked for unless others are named."""


_HEADS = ("-----BEGIN ", "PuTTY-User-Key-File-")
_ENDS = re.compile(r"-----END|\nPrivate-MAC: [0-9a-f]{40,64}\s")
_LONGEST_KEY = 34_000
_LONGEST_TOKEN = 14_400
_TOKEN_SIGNS = string.ascii_letters + string.digits + "_-."
_TOKEN_BEGIN = re.compile(r"(?<![A-Za-z0-9_-])(?:eyJ|glagent-|pypi-Ag)")


def find_begun(text: str) -> int | None:
    """Where a long credential begins of which more may follow the text; None where there is none.

    It is a private key without its end, or the parts of a JWT or of a long token up to the end of the text.
    """
    head = max(map(text.rfind, _HEADS))
    if head >= 0 and len(text) - head <= _LONGEST_KEY:
        is_key = text.startswith(_HEADS[1], head) or "PRIVATE KEY" in text[head : head + 60]
        if is_key and _ENDS.search(text, head) is None:
            return head
    run = len(text.rstrip(_TOKEN_SIGNS))
    begun = _TOKEN_BEGIN.search(text, run)
    return begun.start() if begun and len(text) - begun.start() <= _LONGEST_TOKEN else None
