"""Everything about people who log in, built together."""

import msgspec

from gateway.clock import Clock
from gateway.db.asking import Colleagues
from gateway.db.engine import Database
from gateway.domain import Secret
from gateway.hooks import RequestHead
from gateway.identity.invitations.service import InvitationService
from gateway.identity.invitations.store import InvitationRecords
from gateway.identity.login.current import CurrentProvider, SingleSignOn
from gateway.identity.login.passwords import Passwords
from gateway.identity.login.service import PasswordLogin
from gateway.identity.login.sessions import Sessions
from gateway.identity.login.site import find_address
from gateway.identity.login.sso.errand import ErrandSeal
from gateway.identity.login.store import LoginStore
from gateway.identity.login.terminal_store import TerminalStore
from gateway.identity.login.terminals import TerminalLogin
from gateway.identity.login.throttle import build_shared_throttle
from gateway.identity.records import Records
from gateway.settings.login import LoginSettings

__all__ = ["Logins", "build_logins"]


class Logins(msgspec.Struct, frozen=True, kw_only=True):
    """The services of the routes for logging in and out."""

    passwords: PasswordLogin
    sessions: Sessions
    invitations: InvitationService
    terminals: TerminalLogin
    provider: CurrentProvider

    @property
    def sso(self) -> SingleSignOn | None:
        """The login at the identity provider, if there is one at present."""
        return self.provider.sso

    @property
    def base_url(self) -> str:
        """Where browsers reach the gateway; nothing where it was not told."""
        return self.provider.base_url

    def address(self, head: RequestHead) -> str:
        """Where browsers reach the gateway, nothing where that cannot be told."""
        return find_address(self.base_url, head)


def build_logins(
    database: Database,
    records: Records,
    settings: LoginSettings,
    provider: CurrentProvider,
    master: Secret,
    clock: Clock,
    colleagues: Colleagues,
) -> Logins:
    """Build the services; `master` signs tickets, and is the administrator's password where there is none."""
    attempts = build_shared_throttle(clock, colleagues, "password_attempt")
    begun = build_shared_throttle(clock, colleagues, "terminal_begun", most_of_a_name=None)
    store = LoginStore(database)
    sessions = Sessions(records, store, settings, master)
    logins = PasswordLogin(records, store, sessions, Passwords(), attempts, settings, master)
    invitations = InvitationService(records, InvitationRecords(database), sessions, logins)
    terminals = TerminalLogin(records, TerminalStore(database), sessions, ErrandSeal(master, clock), begun)
    return Logins(
        passwords=logins,
        sessions=sessions,
        invitations=invitations,
        terminals=terminals,
        provider=provider,
    )
