"""Everything about people who log in, built together."""

import msgspec

from gateway.clock import Clock
from gateway.db.engine import Database
from gateway.domain import Secret
from gateway.identity.invitations.service import InvitationService
from gateway.identity.invitations.store import InvitationRecords
from gateway.identity.login.passwords import Passwords
from gateway.identity.login.service import PasswordLogin
from gateway.identity.login.sessions import Sessions
from gateway.identity.login.store import LoginStore
from gateway.identity.login.throttle import Throttle
from gateway.identity.records import Records
from gateway.settings.login import LoginSettings

__all__ = ["Logins", "build_logins"]


class Logins(msgspec.Struct, frozen=True, kw_only=True):
    """The services of the routes for logging in and out."""

    passwords: PasswordLogin
    sessions: Sessions
    invitations: InvitationService
    settings: LoginSettings


def build_logins(
    database: Database, records: Records, settings: LoginSettings, master: Secret, clock: Clock
) -> Logins:
    """Build the services; `master` signs tickets, and is the administrator's password where there is none."""
    store = LoginStore(database)
    sessions = Sessions(records, store, settings, master)
    logins = PasswordLogin(records, store, sessions, Passwords(), Throttle(clock), settings, master)
    invitations = InvitationService(records, InvitationRecords(database), sessions, logins)
    return Logins(passwords=logins, sessions=sessions, invitations=invitations, settings=settings)
