"""Reading the JSON columns and numbers of a database that anybody may have written."""

import math
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, cast

import msgspec

from gateway.money import nanos_from_usd

__all__ = [
    "as_object",
    "read_count",
    "read_counts",
    "read_list",
    "read_moment",
    "read_names",
    "read_nanos",
    "read_object",
    "read_texts",
]

_decode = msgspec.json.Decoder().decode
_EMPTY: tuple[object, ...] = (None, "", [], {})
_MOST_NANOS = 2**63 - 1
_HIGHEST_COUNT = 2**63 - 1


def read_object(text: str | None) -> dict[str, object] | None:
    """The object in a JSONB column; empty for null, "" and [], None for what is no object.

    Older writers have stored objects as texts that hold JSON: those are read too.
    """
    value = _decoded(text)
    if isinstance(value, str):
        value = _decoded(value)
    if value in _EMPTY:
        return {}
    return cast("dict[str, object]", value) if isinstance(value, dict) else None  # JSON keys are texts


def as_object(value: object) -> Mapping[str, object] | None:
    """The value as an object, or None."""
    return cast("Mapping[str, object]", value) if isinstance(value, dict) else None  # JSON keys are texts


def read_list(text: str | None) -> list[object] | None:
    """The list in a JSONB column; empty for null, "" and {}, None for what is no list."""
    value = _decoded(text)
    if isinstance(value, str):
        value = _decoded(value)
    if value in _EMPTY:
        return []
    return cast("list[object]", value) if isinstance(value, list) else None  # of unknown JSON values


def read_names(values: Sequence[str | None] | None) -> tuple[str, ...]:
    """The names in a text[] column: every one of the schema is nullable, and an element can be NULL too."""
    return tuple(value for value in values or () if value)


def read_texts(value: object) -> tuple[str, ...] | None:
    """A JSON list of texts; None when it is something else than that or null."""
    if value is None:
        return ()
    if not isinstance(value, list):
        return None
    items = cast("list[object]", value)  # of unknown JSON values
    return tuple(cast("list[str]", items)) if all(isinstance(item, str) for item in items) else None


def read_nanos(usd: object) -> int | None:
    """Nano-dollars of an amount in USD, also one given as a text; below 0 is 0.

    None for what is no number or not finite: it says nothing that could be enforced.
    """
    if isinstance(usd, bool) or not isinstance(usd, int | float | str):
        return None
    try:
        return min(max(0, nanos_from_usd(usd)), _MOST_NANOS)
    except ValueError:
        return None


def read_count(value: object) -> int | None:
    """A whole number of requests or tokens, also one given as a text; below 0 is 0, None for what is none."""
    if isinstance(value, str):
        try:
            value = float(value)
        except ValueError:
            return None
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    if isinstance(value, float) and not (math.isfinite(value) and value.is_integer()):
        return None
    return min(max(0, int(value)), _HIGHEST_COUNT)


def read_counts(value: object) -> dict[str, int | None] | None:
    """Whole numbers by name, of an object or a text that holds one; null says nothing and is left out.

    A number that is none is None, and so is the whole when it is no object.
    """
    entries = read_object(value) if isinstance(value, str) else as_object(value or {})
    if entries is None:
        return None
    return {name: read_count(item) for name, item in entries.items() if item is not None}


def read_moment(value: object) -> datetime | None:
    """An aware time from ISO 8601 or from a naive UTC column; None for what is none."""
    if isinstance(value, str):
        try:
            value = datetime.fromisoformat(value)
        except ValueError:
            return None
    if not isinstance(value, datetime):
        return None
    return value if value.tzinfo else value.replace(tzinfo=UTC)


def _decoded(text: str | None) -> Any:
    if not text:
        return None
    try:
        return _decode(text)
    except (msgspec.DecodeError, RecursionError):
        # Only the inner text of a text can be no JSON: the column itself is JSONB.
        return text
