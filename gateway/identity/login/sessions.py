"""Sessions of people who logged in: each is a virtual key of its own, and ends with it."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import msgspec

from gateway.audit.changes import Audited, created, deleted
from gateway.audit.trail import Actor
from gateway.db.rows import Columns
from gateway.domain import Principal, Scope, ScopeKind, Secret
from gateway.identity.credentials import abbreviate
from gateway.identity.keys.rules import DASHBOARD_TEAM
from gateway.identity.login.store import LoginStore
from gateway.identity.login.tickets import sign_ticket
from gateway.identity.records import Records
from gateway.ids import hash_token, new_key
from gateway.money import usd_from_nanos
from gateway.settings.login import LoginSettings

__all__ = ["MCP_METHOD", "Session", "Sessions"]

MCP_METHOD = "mcp"
"""How the key of a client of MCP was got, in its metadata."""
_TERMINAL = "cli"


class Session(msgspec.Struct, frozen=True, kw_only=True):
    """An open session: what the browser gets, and how long it holds."""

    ticket: str
    key: Secret
    user_id: str
    seconds: int


class Sessions:
    """Opens and closes sessions; each change is one transaction that announces itself.

    All methods raise DatabaseUnavailable.
    """

    def __init__(self, records: Records, store: LoginStore, settings: LoginSettings, secret: Secret) -> None:
        self._records = records
        self._store = store
        self._settings = settings
        self._secret = secret

    async def open(self, user: Columns, method: str) -> Session:
        """Open a session of a user (`user_id`, `user_email`, `user_role`, `models`); `method` tells how.

        The user's sessions that have expired are removed.
        """
        secret, user_id = new_key(), str(user["user_id"])
        actor, values = Actor(user_id), self._columns(secret, user_id, user["models"], method)
        values["max_budget"] = usd_from_nanos(self._settings.session_budget_nanos)
        async with self._records.transaction():
            await self._store.drop_expired(user_id)
            row = await self._store.open_session(values)
            await self._records.audit.record(actor, created(Audited.KEY, values["token"], row))
        return Session(
            ticket=self._sign(user, secret, method),
            key=Secret(secret),
            user_id=user_id,
            seconds=int(self._settings.session_seconds),
        )

    async def open_terminal(self, user: Columns, team_id: str | None, models: Sequence[str]) -> Session:
        """Open a session of a command-line client: a key of the user, in a team of the user's or in none."""
        secret, user_id = new_key(), str(user["user_id"])
        values: dict[str, Any] = {
            **self._columns(secret, user_id, models, _TERMINAL),
            "key_alias": f"cli-{hash_token(secret)[:12]}",
            "team_id": team_id,
        }
        async with self._records.transaction():
            row = await self._store.open_terminal(values)
            change = created(Audited.KEY, values["token"], row)
            await self._records.audit.record(Actor(user_id), change)
        seconds = int(self._settings.session_seconds)
        return Session(ticket="", key=Secret(secret), user_id=user_id, seconds=seconds)

    def invite(self, user: Columns) -> str:
        """A ticket without a key: it tells a page who was invited, and opens nothing."""
        return self._sign(user, "", "invitation")

    async def close(self, caller: Principal) -> int:
        """End the caller's session; for a key that is none, all sessions of its user. Returns how many."""
        async with self._records.transaction():
            is_session = caller.team_id == DASHBOARD_TEAM
            if is_session or caller.metadata.get("login_method") == _TERMINAL:
                closed = await self._store.close_session(caller.token_hash)
            elif caller.user_id is not None:
                closed = await self._store.close_sessions(caller.user_id, None)
            else:
                closed = []
            await self._finish(caller, closed)
        return len(closed)

    async def close_others(self, actor: Principal | Actor, user_id: str) -> None:
        """End the sessions of a user but for the actor's own; inside a transaction."""
        own = actor.token_hash if isinstance(actor, Principal) else None
        await self._finish(actor, await self._store.close_sessions(user_id, own))

    async def _finish(self, caller: Principal | Actor, closed: list[str]) -> None:
        if closed:
            await self._records.notices.announce(_scope(token) for token in closed)
            await self._records.audit.record(
                caller, *(deleted(Audited.KEY, token, {"token": token}) for token in closed)
            )

    def _columns(self, secret: str, user_id: str, models: Sequence[str], method: str) -> dict[str, Any]:
        return {
            "token": hash_token(secret),
            "key_name": abbreviate(secret),
            "user_id": user_id,
            "models": models,
            "expires": self._records.now() + timedelta(seconds=self._settings.session_seconds),
            "metadata": {"login_method": method},
            "created_by": user_id,
            "updated_by": user_id,
        }

    def _sign(self, user: Columns, key: str, method: str) -> str:
        expires = self._records.now() + timedelta(seconds=self._settings.session_seconds)
        claims = {
            "user_id": user["user_id"],
            "key": key,
            "user_email": user["user_email"],
            "user_role": user["user_role"],
            "login_method": method,
            "premium_user": True,
            "auth_header_name": "Authorization",
            "disabled_non_admin_personal_key_creation": False,
            "server_root_path": "",
            "exp": int(expires.timestamp()),
        }
        return sign_ticket(claims, self._secret)


def _scope(token: str) -> Scope:
    return Scope(ScopeKind.KEY, token)
