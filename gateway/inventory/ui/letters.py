"""Which mails the operator lets go out: `/email/event_settings`."""

from collections.abc import Mapping
from typing import Any, Literal, cast, get_args

__all__ = [
    "EVENTS",
    "INVITED",
    "KEY_MADE",
    "KEY_ROTATED",
    "LETTERS",
    "LetterEvent",
    "goes_out",
    "show_events",
]

LetterEvent = Literal["Virtual Key Created", "New User Invitation", "Virtual Key Rotated"]
"""The events of the contract whose mails are letters of a request; budgets alert by `alert_types`."""

EVENTS: tuple[LetterEvent, ...] = get_args(LetterEvent)
KEY_MADE: LetterEvent = "Virtual Key Created"
INVITED: LetterEvent = "New User Invitation"
KEY_ROTATED: LetterEvent = "Virtual Key Rotated"
LETTERS = "email_event_settings"
"""The member of the row of a console's settings."""


def goes_out(stored: Mapping[str, Any], event: LetterEvent) -> bool:
    """Whether letters of an event go out: all do until somebody switches them off."""
    settings = stored.get(LETTERS)
    if not isinstance(settings, dict):
        # Whoever wrote something else there said nothing.
        return True
    return cast("Mapping[str, object]", settings).get(event) is not False


def show_events(stored: Mapping[str, Any]) -> list[dict[str, object]]:
    """Every event, and whether its letters go out."""
    return [{"event": event, "enabled": goes_out(stored, event)} for event in EVENTS]
