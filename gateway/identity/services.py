"""The services of the management API, built together upon one set of stores."""

import msgspec

from gateway.clock import Clock
from gateway.db.engine import Database
from gateway.identity.key_defaults import KeyDefaults
from gateway.identity.key_rules import Covers
from gateway.identity.key_updates import KeyUpdates
from gateway.identity.records import Records
from gateway.identity.reset_calendar import ResetCalendar
from gateway.identity.teams.service import TeamService
from gateway.identity.users.arrivals import Arrivals

__all__ = ["Services", "build_services"]


class Services(msgspec.Struct, frozen=True, kw_only=True):
    """One service per resource."""

    key_updates: KeyUpdates
    teams: TeamService


def build_services(
    database: Database, clock: Clock, calendar: ResetCalendar, defaults: KeyDefaults, covers: Covers
) -> Services:
    """Build every service; `covers` says whether a list of models covers a name."""
    records = Records(database, clock, calendar)
    arrivals = Arrivals(records)
    return Services(
        key_updates=KeyUpdates(database, records, defaults, covers),
        teams=TeamService(records, arrivals, covers),
    )
