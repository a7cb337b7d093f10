"""Identifiers: time-ordered charge ids, database ids and virtual keys."""

import hashlib
import random
import secrets
import time
import uuid

__all__ = ["charge_millis", "hash_token", "new_charge_id", "new_id", "new_key"]

_MARKS = 0x7 << 76 | 0b10 << 62
"""The version and the variant of a UUID version 7, where they stand among its 128 bits."""
_OTHERS = ~(0xF << 76 | 0b11 << 62)


def new_charge_id() -> str:
    """A UUID version 7 (RFC 9562 section 5.7): 48 bits of Unix milliseconds, then random bits."""
    # Nobody gains by guessing one; a system call for its random bits would cost more than all the rest.
    number = (time.time_ns() // 1_000_000 << 80 | random.getrandbits(80)) & _OTHERS | _MARKS
    text = number.to_bytes(16, "big").hex()
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"


def charge_millis(charge_id: str) -> int:
    """When a charge id was made, in milliseconds since 1970; raises ValueError for what is none."""
    return int(charge_id[:8] + charge_id[9:13], 16)


def new_id() -> str:
    """A random UUID version 4, as the prescribed schema's client-side `uuid()` defaults."""
    return str(uuid.uuid4())


def new_key(random_bytes: int = 16) -> str:
    """A fresh virtual key: `sk-` and url-safe random text of so many bytes."""
    return "sk-" + secrets.token_urlsafe(random_bytes)


def hash_token(token: str) -> str:
    """The SHA-256 of a key in hex: the only form in which a key is stored, cached or compared."""
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()
