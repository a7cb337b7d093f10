"""Where a list of keys goes on: behind the last key of a page, however many are before it."""

import base64
import binascii
from datetime import datetime

import msgspec

from gateway.errors import BadRequest
from gateway.identity.keys.record import naive
from gateway.identity.keys.values import refuse

__all__ = ["Cursor", "conditions_behind", "read_cursor", "write_cursor"]

_encode = msgspec.json.Encoder().encode


class Cursor(msgspec.Struct, frozen=True, array_like=True):
    """The last key of a page: when it was made (UTC; None for some old ones), and its hash or id."""

    made: datetime | None
    key: str


_decode = msgspec.json.Decoder(Cursor).decode


def read_cursor(text: str) -> Cursor | None:
    """What `next_cursor` said, None for an empty text; raises BadRequest for a text that it did not say."""
    if not text:
        return None
    try:
        cursor = _decode(base64.b64decode(text, altchars=b"-_", validate=True))
    except (binascii.Error, ValueError, msgspec.DecodeError):
        raise _no_cursor() from None
    if (cursor.made is not None and cursor.made.tzinfo is None) or "\0" in cursor.key:
        raise _no_cursor()
    return cursor


def write_cursor(made: datetime | None, key: str) -> str:
    """The text of a cursor, which fits into an address."""
    return base64.urlsafe_b64encode(_encode(Cursor(made, key))).decode()


def conditions_behind(
    cursor: Cursor, column: str, *, is_ascending: bool
) -> list[tuple[str, tuple[object, ...]]]:
    """The ranges of an index on `created_at` and `column` that are behind a cursor, in their order.

    Each is a condition on a key `k` in which `{0}` and `{1}` stand for its arguments. A key without a time is
    older than all others.
    """
    sign = ">" if is_ascending else "<"
    if cursor.made is not None:
        rows = f"(k.created_at, k.{column}) {sign} ({{0}}::timestamp, {{1}}::text)"
        behind: list[tuple[str, tuple[object, ...]]] = [(rows, (naive(cursor.made), cursor.key))]
        return behind if is_ascending else [*behind, ("k.created_at IS NULL", ())]
    untimed = f"k.created_at IS NULL AND k.{column} {sign} {{0}}::text"
    behind = [(untimed, (cursor.key,))]
    return [*behind, ("k.created_at IS NOT NULL", ())] if is_ascending else behind


def _no_cursor() -> BadRequest:
    return refuse("cursor", "'cursor' must be the 'next_cursor' of an earlier answer.")
