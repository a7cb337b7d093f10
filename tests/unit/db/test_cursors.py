"""A cursor travels as a text, and only a text that one has is read."""

import base64
import re
from datetime import UTC, datetime, timedelta, timezone

import pytest

from gateway.db.cursors import Cursor

MOMENT = datetime(2026, 2, 3, 4, 5, 6, 789000, tzinfo=UTC)


@pytest.mark.parametrize("moment", [MOMENT, None])
def test_a_text_says_the_same_again(moment):
    cursor = Cursor(moment, "é/+?")

    assert Cursor.read(cursor.text) == cursor
    assert cursor.text.isascii()


def test_a_column_without_zone_has_the_time_in_utc():
    there = timezone(timedelta(hours=2))

    assert Cursor(MOMENT.astimezone(there), "k").column_value == MOMENT.replace(tzinfo=None)
    assert Cursor(None, "k").column_value is None


SAID = (
    b"[]",
    b"{}",
    b'["soon", "k"]',
    b'["2026-02-03T04:05:06", "k"]',
    b'[null, "\\u0000"]',
    b"[null, 1]",
    b'["0001-01-01T00:00:00+14:00", "k"]',
    b'["9999-12-31T23:59:59-14:00", "k"]',
)
TEXTS = [*(base64.urlsafe_b64encode(said).decode() for said in SAID), "x", "ä", "W25=", "%%%%"]


@pytest.mark.parametrize("text", TEXTS)
def test_a_text_that_no_cursor_has_is_refused(text):
    with pytest.raises(ValueError, match=re.escape(text)):
        Cursor.read(text)
