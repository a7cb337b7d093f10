"""Puts the parts of a shared ledger together."""

from gateway.admission.options import build_ledger_options
from gateway.admission.periods import Calendar
from gateway.admission.shared.hookimpls import SharedAdmissionHooks
from gateway.admission.shared.ledger import SharedLedger
from gateway.admission.shared.membership import Membership
from gateway.admission.shared.names import Names
from gateway.admission.shared.seeds import Seeds
from gateway.admission.shared.totals_store import TotalsStore
from gateway.admission.shared.wire import Wire
from gateway.admission.sharing import StandStill
from gateway.cache.redis_link import RedisLink
from gateway.clock import Clock
from gateway.db.engine import Database
from gateway.settings import Settings

__all__ = ["RedisSharing"]


class RedisSharing:
    """One worker's part in limits that several workers share through Redis."""

    def __init__(
        self, url: str, settings: Settings, clock: Clock, database: Database, calendar: Calendar, worker: str
    ) -> None:
        own = settings.gatewright
        self._clock = clock
        self._worker = worker
        self._names = Names(own.redis_prefix)
        self._link = RedisLink(url, clock, deadline_seconds=own.redis_deadline_seconds)
        self._wire = Wire(self._link, self._names, worker, clock)
        self._seeds = Seeds(self._link, self._names, self._wire, TotalsStore(database))
        self._ledger = SharedLedger(
            clock, build_ledger_options(settings), self._wire, self._seeds, calendar=calendar
        )

    @property
    def ledger(self) -> SharedLedger:
        """The ledger, whose counters are in Redis."""
        return self._ledger

    def build_hooks(self) -> SharedAdmissionHooks:
        """Build the hooks that admit by this ledger."""
        return SharedAdmissionHooks(self._ledger)

    def join(self, stand_still: StandStill) -> Membership:
        """Build what keeps this worker a member; `stand_still` brings its journal into the database."""
        return Membership(
            self._link,
            self._names,
            self._wire,
            self._seeds,
            self._ledger,
            self._worker,
            self._clock,
            stand_still=stand_still,
        )
