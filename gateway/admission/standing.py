"""Keeps the counters of the gateway's own budgets at what the database says."""

import asyncio
from collections.abc import Callable, Sequence
from datetime import UTC

import structlog

from gateway.admission.periods import Calendar
from gateway.admission.store import StandingStore
from gateway.clock import Clock, datetime_from_nanos
from gateway.domain import Scope
from gateway.errors import DatabaseUnavailable
from gateway.money import usd_from_nanos
from gateway.settings import Settings

__all__ = ["StandingBudgets"]

Seed = Callable[[tuple[tuple[Scope, int], ...], int], None]
_LOOK_SECONDS = 30.0
_PAUSE_SECONDS = 0.2
"""Changes that are announced one after the other are read together."""


class StandingBudgets:
    """Reads totals at the start, every 30 seconds, and soon after a change was announced.

    No look-up of a caller reads these. `seed` is told totals at a position of the journal of this name. Where
    neither the gateway nor a place has a budget, this is read once, for budgets that plugins may claim.
    """

    def __init__(
        self, store: StandingStore, seed: Seed, journal: str, clock: Clock, calendar: Calendar
    ) -> None:
        self._store = store
        self._seed = seed
        self._journal = journal
        self._clock = clock
        self._calendar = calendar
        self._changed = asyncio.Event()
        self._changes = 0
        self._settings: Settings | None = None
        self._is_active = False
        self._has_read = False
        self._log = structlog.get_logger(__name__)

    def configure(self, settings: Settings, *, have_places: bool) -> None:
        """Take over what a configuration says; `have_places`: a provider or deployment has a budget."""
        self._settings = settings
        self._is_active = have_places or settings.litellm.max_budget_nanos is not None
        self.note_change()

    def note_change(self, _scopes: Sequence[Scope] | None = None) -> None:
        """Read again soon: something that was spent has changed otherwise than by requests."""
        self._changes += 1
        self._changed.set()

    async def refresh(self) -> None:
        """Set the counters. Raises DatabaseUnavailable."""
        self._changed.clear()
        if not self._is_active and self._has_read:
            return
        await self._ensure_row()
        changes = self._changes
        found = await self._store.read(self._journal)
        # What was read before a reset that has been announced meanwhile is no seed.
        if changes == self._changes:
            self._has_read = True
            self._seed(found.totals, found.position)

    async def run(self) -> None:
        """Refresh until cancelled."""
        while True:
            await asyncio.sleep(_PAUSE_SECONDS)
            try:
                async with asyncio.timeout(_LOOK_SECONDS):
                    await self._changed.wait()
            except TimeoutError:
                pass
            try:
                await self.refresh()
            except DatabaseUnavailable as error:
                self._log.warning("standing_budgets_wait", error=str(error))

    async def _ensure_row(self) -> None:
        litellm = None if self._settings is None else self._settings.litellm
        if litellm is None or litellm.max_budget_nanos is None:
            return
        reset_at = None
        if litellm.budget_duration:
            now = datetime_from_nanos(self._clock.now_nanos())
            reset_at = (
                self._calendar.next_reset(now, litellm.budget_duration).astimezone(UTC).replace(tzinfo=None)
            )
        usd = usd_from_nanos(litellm.max_budget_nanos)
        await self._store.ensure_gateway_row(usd, litellm.budget_duration or None, reset_at)
