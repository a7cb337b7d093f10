"""The rules of logging in with a name and a password, and of changing it."""

import hmac

from gateway.audit.changes import Action, Audited, Change
from gateway.audit.trail import Actor
from gateway.db.rows import Columns
from gateway.domain import Principal, Role, Secret
from gateway.errors import AuthenticationFailed, BadRequest
from gateway.identity.login.passwords import LONGEST_PASSWORD, Passwords
from gateway.identity.login.sessions import Session, Sessions
from gateway.identity.login.store import LoginStore
from gateway.identity.login.throttle import Throttle
from gateway.identity.master import MASTER_USER_ID
from gateway.identity.records import Records
from gateway.identity.users.arrivals import Arrivals
from gateway.settings.login import LoginSettings

__all__ = ["PasswordLogin", "check_password"]

_SHORTEST = 8
_LONGEST_NAME = 256


def check_password(password: str, param: str = "password") -> None:
    """Raise BadRequest for a password that is too short or too long."""
    if not _SHORTEST <= len(password) <= LONGEST_PASSWORD:
        raise BadRequest(
            f"{param}: A password has {_SHORTEST} to {LONGEST_PASSWORD} characters.",
            param=param,
            type="bad_request_error",
        )


class PasswordLogin:
    """Logs people in. All methods raise DatabaseUnavailable and ServiceUnavailable when too many log in."""

    def __init__(
        self,
        records: Records,
        store: LoginStore,
        sessions: Sessions,
        passwords: Passwords,
        throttle: Throttle,
        settings: LoginSettings,
        master: Secret,
    ) -> None:
        self._records = records
        self._store = store
        self._sessions = sessions
        self._passwords = passwords
        self._throttle = throttle
        self._settings = settings
        self._master = master

    async def log_in(self, name: str, password: str, address: str) -> Session:
        """Open a session for who knows the password of the administrator or of a user.

        Raises AuthenticationFailed, which does not tell what was wrong, and RateLimited.
        """
        await self._throttle.begin(name, address)
        user = None
        if name and len(name) <= _LONGEST_NAME and len(password) <= LONGEST_PASSWORD and "\0" not in name:
            user = await self._find(name, password)
        if user is None:
            raise AuthenticationFailed(
                "Invalid credentials used to access UI. Check 'UI_USERNAME', 'UI_PASSWORD', or your own."
            )
        await self._throttle.note_success(name, address)
        return await self._sessions.open(user, "username_password")

    async def change_password(self, caller: Principal, current: str, new: str, address: str) -> Columns:
        """Change the caller's own password, and end the caller's other sessions.

        Raises BadRequest for a new one that cannot be, AuthenticationFailed for a wrong current one, and
        RateLimited.
        """
        check_password(new, "new_password")
        user_id = caller.user_id
        await self._throttle.begin(user_id or "", address)
        users = [] if user_id is None else await self._store.list_users(user_id)
        stored = next((user["password"] for user in users if user["user_id"] == user_id), None)
        verdict = await self._passwords.verify(current[:LONGEST_PASSWORD], stored)
        if user_id is None or not verdict.is_right:
            raise AuthenticationFailed("Authentication Error, The current password is another one.")
        await self._throttle.note_success(user_id, address)
        stored = await self.hash(new)
        async with self._records.transaction():
            await self.store_password(user_id, stored, caller)
        return {"user_id": user_id, "message": "Password changed. Your other sessions have ended."}

    async def hash(self, password: str) -> str:
        """The hash of a password that `check_password` let through."""
        return await self._passwords.hash(password)

    async def store_password(self, user_id: str, password_hash: str, actor: Principal | Actor) -> None:
        """Replace a password inside a transaction, and end the user's sessions, but for the actor's own.

        No hash enters the audit trail.
        """
        await self._store.set_password(user_id, password_hash)
        await self._sessions.close_others(actor, user_id)
        change = Change(Action.UPDATED, Audited.USER, user_id, None, {"fields_changed": ["password"]})
        await self._records.audit.record(actor, change)

    async def _find(self, name: str, password: str) -> Columns | None:
        expected = self._settings.password or self._master
        is_admin = hmac.compare_digest(name.encode(), self._settings.username.encode())
        fits = hmac.compare_digest(password.encode("utf-8", "surrogatepass"), expected.reveal().encode())
        if is_admin and fits:
            return await self._administrator()
        users = await self._store.list_users(name)
        # An address that several users have is nobody's name.
        user = users[0] if len(users) == 1 else None
        verdict = await self._passwords.verify(password, None if user is None else user["password"])
        if user is None or not verdict.is_right or user["scim_active"] == "false":
            return None
        if verdict.is_outdated:
            better = await self._passwords.hash(password)
            await self._store.replace_hash(user["user_id"], user["password"], better)
        return user

    async def _administrator(self) -> Columns:
        async with self._records.transaction():
            await Arrivals(self._records).ensure(MASTER_USER_ID)
            await self._store.set_role(MASTER_USER_ID, Role.PROXY_ADMIN)
            users = await self._store.list_users(MASTER_USER_ID)
        return users[0]
