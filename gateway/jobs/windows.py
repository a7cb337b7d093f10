"""Windows of `budget_limits`: several budgets of one key or team, each with a period of its own."""

from datetime import UTC, datetime
from typing import Any

import msgspec

from gateway.identity.reset_calendar import ResetCalendar

__all__ = ["move_windows"]

_decode = msgspec.json.Decoder(list[Any]).decode
_encode = msgspec.json.Encoder().encode


def move_windows(budget_limits: str, now: datetime, calendar: ResetCalendar) -> str | None:
    """The JSON with a new `reset_at` in every window that has ended; None when none has.

    Members that are not known stay. A window whose end cannot be read, or is missing, gets one.
    """
    windows = _decode(budget_limits)
    is_moved = False
    for window in windows:
        if not isinstance(window, dict):
            continue
        duration: object = window.get("budget_duration")  # pyright: ignore[reportUnknownVariableType, reportUnknownMemberType]  decoded JSON
        if isinstance(duration, str) and _has_ended(window.get("reset_at"), now):  # pyright: ignore[reportUnknownMemberType, reportUnknownArgumentType]  decoded JSON
            window["reset_at"] = calendar.next_reset(now, duration).isoformat()
            is_moved = True
    return _encode(windows).decode() if is_moved else None


def _has_ended(reset_at: object, now: datetime) -> bool:
    if not isinstance(reset_at, str):
        return True
    try:
        end = datetime.fromisoformat(reset_at)
    except ValueError:
        return True
    return (end if end.tzinfo else end.replace(tzinfo=UTC)) <= now
