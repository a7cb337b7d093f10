"""Windows of `budget_limits`: several budgets of one key or team, each with a period of its own."""

from datetime import datetime
from typing import Any

import msgspec

from gateway.admission.periods import Calendar, end_of_period
from gateway.clock import datetime_from_nanos
from gateway.domain import Limit, LimitKind, Scope, ScopeKind
from gateway.identity.limits import nanos_of
from gateway.identity.stored_values import read_moment

__all__ = ["move_windows"]

_decode = msgspec.json.Decoder(list[Any]).decode
_encode = msgspec.json.Encoder().encode
_ANYBODY = Scope(ScopeKind.KEY, "")


def move_windows(budget_limits: str, now: datetime, calendar: Calendar) -> str | None:
    """The JSON with a new `reset_at` in every window that has ended; None when none has.

    Members that are not known stay. A window whose end cannot be read, or is missing, gets one. Periods of
    several days follow the one that has ended, however late this is asked: budgets have counted in them.
    """
    windows = _decode(budget_limits)
    is_moved = False
    for window in windows:
        if not isinstance(window, dict):
            continue
        duration: object = window.get("budget_duration")  # pyright: ignore[reportUnknownVariableType, reportUnknownMemberType]  decoded JSON
        if not isinstance(duration, str):
            continue
        end = read_moment(window.get("reset_at"))  # pyright: ignore[reportUnknownMemberType, reportUnknownArgumentType]  decoded JSON
        if end is None or end <= now:
            window["reset_at"] = _next_end(duration, end, now, calendar).isoformat()
            is_moved = True
    return _encode(windows).decode() if is_moved else None


def _next_end(duration: str, ended: datetime | None, now: datetime, calendar: Calendar) -> datetime:
    limit = Limit(
        scope=_ANYBODY,
        kind=LimitKind.BUDGET,
        amount=0,
        period=duration,
        reset_at_nanos=None if ended is None else nanos_of(ended),
    )
    return datetime_from_nanos(end_of_period(limit, nanos_of(now), calendar))
