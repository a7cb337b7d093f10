"""Logging in from a command line: the browser logs in, and confirms the code that the terminal shows."""

import hmac
import secrets
from datetime import timedelta

import msgspec

from gateway.db.connection import Record
from gateway.db.rows import Columns
from gateway.errors import AuthenticationFailed, BadRequest, PermissionDenied
from gateway.identity.login.sessions import Sessions
from gateway.identity.login.sso.errand import ERRAND_SECONDS, ErrandSeal
from gateway.identity.login.terminal_store import TerminalStore
from gateway.identity.login.throttle import Throttle
from gateway.identity.records import Records
from gateway.ids import hash_token

__all__ = ["Confirmation", "TerminalLogin"]

_BEGINNING = "a terminal"
_LETTERS = "BCDFGHJKLMNPQRSTVWXZ"
_MOST_ATTEMPTS = 5
_LONGEST_ID = 128


class Confirmation(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the browser carries between its login and the confirmation: for which terminal, and who."""

    terminal: str
    user_id: str


class TerminalLogin:
    """Logins of command-line clients, which any worker can go on with. Raises DatabaseUnavailable.

    The code must be typed into the browser that logged in: a link that somebody else sent is not enough.
    """

    def __init__(
        self,
        records: Records,
        store: TerminalStore,
        sessions: Sessions,
        seal: ErrandSeal,
        throttle: Throttle,
    ) -> None:
        self._throttle = throttle
        self._records = records
        self._store = store
        self._sessions = sessions
        self._seal = seal

    async def begin(self, address: str) -> Columns:
        """Begin a login; the answer's secret is for polling, its code for the user.

        Raises RateLimited for an address that begins too many.
        """
        await self._throttle.begin(_BEGINNING, address)
        identifier, secret = f"cli-{secrets.token_urlsafe(24)}", secrets.token_urlsafe(32)
        letters = "".join(secrets.choice(_LETTERS) for _ in range(8))
        code, now = f"{letters[:4]}-{letters[4:]}", self._records.now()
        times = now, now + timedelta(seconds=ERRAND_SECONDS)
        await self._store.begin(identifier, hash_token(secret), code, times)
        return {
            "login_id": identifier,
            "poll_secret": secret,
            "user_code": code,
            "expires_in": ERRAND_SECONDS,
        }

    def carry(self, terminal: str, user_id: str) -> str:
        """The cookie of a browser that logged in for a terminal."""
        return self._seal.close(Confirmation(terminal=terminal, user_id=user_id))

    async def confirm(self, terminal: str, code: str, carried: str | None) -> None:
        """Let the terminal in that shows the code.

        Raises AuthenticationFailed for another code or browser.
        """
        confirmation = self._seal.open(carried or "", Confirmation)
        if confirmation is None or confirmation.terminal != terminal:
            raise AuthenticationFailed("This browser did not log in for that terminal. Begin again.")
        expected = await self._store.note_attempt(terminal, self._records.now(), _MOST_ATTEMPTS)
        typed = code.strip().upper().replace(" ", "-")
        if expected is None or not hmac.compare_digest(typed.encode(), expected.encode()):
            raise AuthenticationFailed("The code is another one, was used, or is too old.")
        if not await self._store.confirm(terminal, confirmation.user_id):
            raise AuthenticationFailed("The code was used already.")

    async def poll(self, terminal: str, secret: str, team_id: str | None) -> Columns:
        """What the terminal is told: to wait, to choose one of several teams, or its key, once.

        Raises BadRequest for a login that is unknown or too old, PermissionDenied for another secret, or a
        team that is not the user's.
        """
        login = await self._find(terminal, secret)
        user_id = login["user_id"]
        if user_id is None:
            return {"status": "pending"}
        teams = await self._store.list_teams(user_id)
        ids = [str(team["team_id"]) for team in teams]
        if team_id is not None and team_id not in ids:
            raise PermissionDenied("You are not in this team.", param="team_id")
        if team_id is None and len(ids) > 1:
            return {
                "status": "ready",
                "requires_team_selection": True,
                "user_id": user_id,
                "teams": ids,
                "team_details": teams,
            }
        return await self._open(terminal, team_id or next(iter(ids), None))

    async def _open(self, terminal: str, team_id: str | None) -> Columns:
        user_id = await self._store.take(terminal)
        user = None if user_id is None else await self._store.find_user(user_id)
        if user is None:
            raise _unknown()
        models = [] if team_id else list(user["models"] or ())
        session = await self._sessions.open_terminal(dict(user), team_id, models)
        return {
            "status": "ready",
            "key": session.key.reveal(),
            "user_id": user_id,
            "team_id": team_id,
            "expires_in": session.seconds,
        }

    async def _find(self, terminal: str, secret: str) -> Record:
        is_possible = 0 < len(terminal) <= _LONGEST_ID and "\0" not in terminal
        login = await self._store.find(terminal, self._records.now()) if is_possible else None
        if login is None:
            raise _unknown()
        if not hmac.compare_digest(hash_token(secret), login["secret_hash"]):
            raise PermissionDenied("Invalid CLI polling secret")
        return login


def _unknown() -> BadRequest:
    message = "This login is unknown, over, or too old. Begin again."
    return BadRequest(message, param="login_id", type="bad_request_error")
