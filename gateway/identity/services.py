"""The services of the management API, built together upon one set of stores."""

import msgspec

from gateway.clock import Clock
from gateway.db.engine import Database
from gateway.identity.key_rules import Covers
from gateway.identity.key_updates import KeyUpdates
from gateway.identity.keys import KeyService
from gateway.identity.records import Records
from gateway.identity.reset_calendar import ResetCalendar
from gateway.identity.teams.service import TeamService
from gateway.identity.users.arrivals import Arrivals
from gateway.identity.users.service import UserService

__all__ = ["Services", "build_services"]


class Services(msgspec.Struct, frozen=True, kw_only=True):
    """One service per resource."""

    key_updates: KeyUpdates
    teams: TeamService
    users: UserService


def build_services(
    database: Database, clock: Clock, keys: KeyService, calendar: ResetCalendar, covers: Covers
) -> Services:
    """Build every service; `covers` says whether a list of models covers a name."""
    records = Records(database, clock, calendar)
    arrivals = Arrivals(records)
    teams = TeamService(records, arrivals, covers)
    return Services(
        key_updates=KeyUpdates(database, records, keys.defaults, covers),
        teams=teams,
        users=UserService(records, keys, teams, covers),
    )
