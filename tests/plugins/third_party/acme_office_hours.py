"""Requests are answered during office hours only; administrators may always call."""

import msgspec

from gateway.clock import Clock, SystemClock, datetime_from_nanos
from gateway.errors import PermissionDenied
from gateway.hooks import RequestContext, hookimpl


class OfficeHours:
    """Built once, when the gateway starts."""

    class Settings(msgspec.Struct, frozen=True):
        """The section `gatewright.plugins.settings.office-hours`; full hours, UTC."""

        opens: int
        closes: int

    def __init__(self, settings: Settings, clock: Clock | None = None) -> None:
        if not 0 <= settings.opens <= settings.closes <= 24:
            raise ValueError("opens and closes must be hours from 0 to 24, in this order")
        self._settings = settings
        self._clock = clock or SystemClock()

    @hookimpl
    def authorize(self, context: RequestContext) -> None:
        """Refuse a request outside of office hours."""
        opens, closes = self._settings.opens, self._settings.closes
        hour = datetime_from_nanos(self._clock.now_nanos()).hour
        if not (opens <= hour < closes or context.principal.is_admin):
            raise PermissionDenied(f"The office is open from {opens} to {closes} o'clock UTC.")
