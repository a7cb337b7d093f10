"""Query parameters that mean the same on many routes."""

from typing import TypeVar

from gateway.errors import ValidationFailed
from gateway.identity.credentials import KEY_PREFIX
from gateway.ids import hash_token
from gateway.wire.faults import missing_at

__all__ = ["need", "read_key", "read_list"]

_MOST = 1_000
T = TypeVar("T")


def need(name: str, value: T | None) -> T:
    """The value of a query parameter; raises ValidationFailed with its name when it was not given."""
    if value is None:
        detail = [missing_at(["query", name])]
        raise ValidationFailed(f"query.{name}: Field required", param=name, details={"detail": detail})
    return value


def read_list(text: str | None) -> tuple[str, ...] | None:
    """The names in a text with commas between them; None for an empty text or none."""
    names = tuple(dict.fromkeys(name.strip() for name in (text or "").split(",") if name.strip()))
    return names[:_MOST] or None


def read_key(text: str | None) -> str | None:
    """The hash of a key that is given plain or as its hash; None for an empty text or none."""
    return hash_token(text) if text and text.startswith(KEY_PREFIX) else text or None
