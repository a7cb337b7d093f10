"""The kinds of credential that can be recognised, each by a pattern that runs in linear time."""

import math
import re
import string
from collections import Counter

import msgspec

__all__ = ["DETECTORS", "GENERIC", "PRIVATE_KEY", "Detector", "find_begun", "looks_random"]

GENERIC = "generic_secret"
"""The kind that is recognised by the name of a setting; only values that look random count."""

PRIVATE_KEY = "private_key"
"""The kind that says where it ends."""


class Detector(msgspec.Struct, frozen=True):
    """One kind of credential.

    A text without any of `hints` (compared in lower case) cannot match and is not searched. The group
    `secret` of the pattern is the credential, or else the whole match. Every repetition is bounded, and a
    failed attempt reads a bounded number of characters, so that no text makes the search slow.
    """

    kind: str
    hints: tuple[str, ...]
    pattern: re.Pattern[str]


_SETTING_NAMES = (
    "password", "passwd", "pwd", "passphrase", "secret", "token",
    "api_key", "api-key", "apikey", "access_key", "access-key", "accesskey",
)  # fmt: skip

DETECTORS = (
    Detector(
        PRIVATE_KEY,
        ("private key",),
        # The end is optional: a key that was cut off is still a key.
        re.compile(
            r"-----BEGIN [A-Z0-9 ]{0,30}PRIVATE KEY(?: BLOCK)?-----"
            r"(?:\s{0,4}(?:Proc-Type|DEK-Info|Comment|Version):[^\n]{0,200}\n){0,4}"
            r"[A-Za-z0-9+/=\s\\]{0,32768}+"
            r"(?:-----END [A-Z0-9 ]{0,30}PRIVATE KEY(?: BLOCK)?-----)?"
        ),
    ),
    Detector(
        "aws_access_key_id",
        ("akia", "asia", "abia", "acca"),
        re.compile(r"(?<![A-Za-z0-9])(?:AKIA|ASIA|ABIA|ACCA)[A-Z2-7]{16}(?![A-Za-z0-9])"),
    ),
    Detector(
        "github_token",
        ("ghp_", "gho_", "ghu_", "ghs_", "ghr_", "github_pat_"),
        re.compile(r"(?:gh[pousr]_[A-Za-z0-9]{36,255}|github_pat_[A-Za-z0-9_]{22,255})"),
    ),
    Detector(
        # OpenAI, Anthropic, OpenRouter, DeepSeek, and this gateway's own virtual keys.
        "api_key",
        ("sk-",),
        re.compile(r"(?<![A-Za-z0-9])sk-[A-Za-z0-9_-]{20,255}"),
    ),
    Detector(
        "slack_token",
        ("xox", "xapp-", "hooks.slack.com"),
        re.compile(
            r"(?:xox[abeoprs]-[A-Za-z0-9-]{10,250}|xapp-[0-9]-[A-Za-z0-9-]{10,250}"
            r"|hooks\.slack\.com/services/[A-Za-z0-9/]{20,100})"
        ),
    ),
    Detector("google_api_key", ("aiza",), re.compile(r"AIza[0-9A-Za-z_-]{35}")),
    Detector(
        "jwt",
        ("eyj",),
        # Looking behind makes attempts begin at the start of a token only, so that they do not overlap.
        re.compile(
            r"(?<![A-Za-z0-9_-])eyJ[A-Za-z0-9_-]{10,4096}+\.eyJ[A-Za-z0-9_-]{10,8192}+\.[A-Za-z0-9_-]{10,2048}+"
        ),
    ),
    Detector(
        "url_password",
        ("://",),
        re.compile(r"://[^\s:/@'\"]{0,100}:(?P<secret>[^\s/@'\"\[\]{}<>]{3,200})@"),
    ),
    Detector(
        GENERIC,
        _SETTING_NAMES,
        # The set of first letters makes the search five times as fast as whole words would.
        re.compile(
            r"[pstaPSTA](?i:assword|asswd|wd|assphrase|ecret|oken|pi[_-]?key|ccess[_-]?key)"
            r"\\{0,2}[\"']?\s{0,4}(?::=|=>|[=:])\s{0,4}\\{0,2}[\"'`]?"
            r"(?P<secret>[^\s\"'`,;<>{}()\[\]\\]{8,256})",
        ),
    ),
)
"""All detectors, the most specific first."""


_HEAD = "-----BEGIN "
_LONGEST_KEY = 34_000
_LONGEST_JWT = 14_400
_JWT_SIGNS = string.ascii_letters + string.digits + "_-."
_JWT_BEGIN = re.compile(r"(?<![A-Za-z0-9_-])eyJ")


def find_begun(text: str) -> int | None:
    """Where a long credential begins of which more may follow the text; None where there is none.

    It is a private key without its end, or the parts of a JWT up to the end of the text.
    """
    head = text.rfind(_HEAD)
    if head >= 0 and len(text) - head <= _LONGEST_KEY:
        is_key = "PRIVATE KEY" in text[head : head + 60]
        if is_key and "-----END" not in text[head + len(_HEAD) :]:
            return head
    run = len(text.rstrip(_JWT_SIGNS))
    begun = _JWT_BEGIN.search(text, run)
    return begun.start() if begun and len(text) - begun.start() <= _LONGEST_JWT else None


def looks_random(text: str, minimum_entropy: float) -> bool:
    """Whether a value is more likely a credential than a word, a name or an expression of a program.

    It has a letter and a digit, and at least so many bits of Shannon entropy per character.
    """
    has_both = any(sign.isalpha() for sign in text) and any(sign.isdigit() for sign in text)
    return has_both and _entropy(text) >= minimum_entropy


def _entropy(text: str) -> float:
    length = len(text)
    return -sum(count / length * math.log2(count / length) for count in Counter(text).values())
