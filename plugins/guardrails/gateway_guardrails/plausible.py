"""Tells credentials from what only has their form: placeholders, words, names, expressions of programs."""

import math
import re
from collections import Counter

from detect_secrets.filters.heuristic import is_prefixed_with_dollar_sign, is_templated_secret

__all__ = ["is_filled_in", "is_token", "looks_random"]

_PLACEHOLDER = re.compile(
    r"x{5,}|[.*#•_-]{4,}|\byour[_-]|[_-]here\b|placeholder|change[_-]?me|redacted", re.IGNORECASE
)
_SHORTEST = 8
_FILE = re.compile(r"(?:[~.]{0,2}/|https?:).*|.*\.(?:pem|key|py|js|ts|json|ya?ml|txt|env|crt|p12)")


def is_filled_in(value: str) -> bool:
    """Whether a value is no placeholder, as `sk-xxxxxx`, `<key>`, `${KEY}` and `your_api_key` are."""
    is_variable = is_templated_secret(value) or is_prefixed_with_dollar_sign(value)
    return not is_variable and _PLACEHOLDER.search(value) is None


def is_token(value: str) -> bool:
    """Whether a value is filled in, and has a digit or letters of both cases, unlike names and phrases."""
    is_mixed = any(map(str.isdigit, value)) or not (value.islower() or value.isupper())
    return is_mixed and is_filled_in(value)


def looks_random(value: str, minimum_entropy: float) -> bool:
    """Whether a value is more likely a credential than a word, a name, a file or an expression of a program.

    It has a letter and a digit, no space, and at least so many bits of Shannon entropy per character.
    """
    has_both = any(map(str.isalpha, value)) and any(map(str.isdigit, value))
    is_one = len(value) >= _SHORTEST and not any(map(str.isspace, value))
    return has_both and is_one and _entropy(value) >= minimum_entropy and _FILE.fullmatch(value) is None


def _entropy(text: str) -> float:
    length = len(text)
    return -sum(count / length * math.log2(count / length) for count in Counter(text).values())
