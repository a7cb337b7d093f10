"""The rules of inviting people, and of claiming an invitation."""

from datetime import timedelta
from typing import Any

from gateway.audit.changes import Audited, Change, created, deleted, updated
from gateway.audit.trail import Actor
from gateway.db.rows import Columns
from gateway.domain import Principal, Role
from gateway.errors import AuthenticationFailed, NotFound, PermissionDenied
from gateway.identity.faults import Faults
from gateway.identity.invitations.store import InvitationRecords
from gateway.identity.login.service import PasswordLogin, check_password
from gateway.identity.login.sessions import Session, Sessions
from gateway.identity.master import MASTER_USER_ID
from gateway.identity.records import Records
from gateway.identity.rights import check_is_no_viewer
from gateway.identity.users.arrivals import Arrivals
from gateway.identity.values import check_text
from gateway.ids import hash_token, new_id

__all__ = ["InvitationService"]

_SEE_ALL = frozenset({Role.PROXY_ADMIN, Role.PROXY_ADMIN_VIEWER})
_DAYS = 7


class InvitationService:
    """Invitations on behalf of a caller, and claims of them by whoever has the link.

    Every change is one transaction. All methods raise DatabaseUnavailable.
    """

    def __init__(
        self, records: Records, links: InvitationRecords, sessions: Sessions, logins: PasswordLogin
    ) -> None:
        self._records = records
        self._links = links
        self._sessions = sessions
        self._logins = logins

    async def create(self, caller: Principal, user_id: str) -> Columns:
        """Invite a user who exists; the link is good for seven days. Raises NotFound, PermissionDenied."""
        check_is_no_viewer(caller)
        _check_id("user_id", user_id)
        now = self._records.now()
        async with self._records.transaction():
            actor = await self._actor(caller)
            if not await self._records.users.hold(user_id):
                raise NotFound(f"User {user_id} not found", param="user_id")
            await self._check_may_invite(caller, user_id)
            values = {
                "id": new_id(),
                "user_id": user_id,
                "is_accepted": False,
                "expires_at": now + timedelta(days=_DAYS),
                **dict.fromkeys(("created_at", "updated_at"), now),
                **dict.fromkeys(("created_by", "updated_by"), actor),
            }
            row = await self._links.insert(values) or {}
            change = created(Audited.INVITATION, hash_token(row["id"]), _without_id(row))
            await self._records.audit.record(caller, change)
        return row

    async def info(self, caller: Principal, identifier: str) -> Columns:
        """Show an invitation. Raises NotFound, PermissionDenied."""
        _check_id("invitation_id", identifier)
        row = await self._links.find(identifier)
        if row is None:
            raise _not_found(identifier)
        if caller.role not in _SEE_ALL:
            await self._check_may_invite(caller, row["user_id"])
        return row

    async def update(self, caller: Principal, identifier: str, *, is_accepted: bool) -> Columns:
        """Mark an invitation as claimed, or as open again. Raises NotFound."""
        _check_id("invitation_id", identifier)
        now = self._records.now()
        async with self._records.transaction():
            row = await self._lock(identifier)
            actor = await self._actor(caller)
            changes = {
                "is_accepted": is_accepted,
                "accepted_at": now if is_accepted else None,
                "updated_at": now,
                "updated_by": actor,
            }
            changed = await self._links.update(identifier, changes)
            change = _updated(identifier, row, changed)
            await self._records.audit.record(caller, change)
        return changed

    async def delete(self, caller: Principal, identifier: str) -> Columns:
        """Withdraw an invitation; returns it. Raises NotFound, PermissionDenied."""
        check_is_no_viewer(caller)
        _check_id("invitation_id", identifier)
        async with self._records.transaction():
            row = await self._lock(identifier)
            await self._check_may_invite(caller, row["user_id"])
            await self._links.delete(identifier)
            await self._records.audit.record(
                caller, deleted(Audited.INVITATION, hash_token(identifier), _without_id(row))
            )
        return row

    async def open(self, identifier: str) -> tuple[Columns, str]:
        """The invited user, and a ticket that tells a page who that is and opens nothing.

        Raises AuthenticationFailed for a link that is unknown, claimed or too old.
        """
        _check_id("invite_link", identifier)
        row = self._usable(await self._links.find(identifier))
        user = await self._records.users.find(row["user_id"]) or {}
        return user, self._sessions.invite(user)

    async def claim(self, identifier: str, user_id: str, password: str) -> tuple[Columns, Session]:
        """Set the password that the invited user chose, once, and log the user in.

        Raises BadRequest for a password that cannot be, AuthenticationFailed as `open`, also for a link that
        is another user's, and for one of somebody who might not invite the user any more.
        """
        check_password(password)
        _check_id("invitation_link", identifier)
        now, actor = self._records.now(), Actor(user_id)
        self._usable(await self._links.find(identifier), user_id)
        stored = await self._logins.hash(password)
        async with self._records.transaction():
            row = self._usable(await self._links.lock(identifier), user_id)
            await self._records.users.lock(user_id)
            await self._check_still_holds(row)
            changes = {"is_accepted": True, "accepted_at": now, "updated_at": now, "updated_by": user_id}
            changed = await self._links.update(identifier, changes)
            await self._logins.store_password(user_id, stored, actor)
            await self._records.audit.record(actor, _updated(identifier, row, changed))
        user = await self._records.users.find(user_id) or {}
        return user, await self._sessions.open(user, "username_password")

    async def _lock(self, identifier: str) -> Columns:
        row = await self._links.lock(identifier)
        if row is None:
            raise _not_found(identifier)
        return row

    def _usable(self, row: Columns | None, user_id: str | None = None) -> Columns:
        if row is None or row["is_accepted"] or row["expires_at"] <= self._records.now():
            raise _unusable()
        if user_id is not None and row["user_id"] != user_id:
            raise _unusable()
        return row

    async def _actor(self, caller: Principal) -> str:
        """The user to write down, who must have a row."""
        user_id = caller.user_id or MASTER_USER_ID
        await Arrivals(self._records).ensure(user_id)
        if caller.is_admin and not await self._links.is_operator(user_id):
            # An administrator by a token alone: when the link is claimed, the row would not say so.
            user_id = MASTER_USER_ID
            await Arrivals(self._records).ensure(user_id)
        return user_id

    async def _check_still_holds(self, row: Columns) -> None:
        """Refuse a link whose maker might not invite the user now, who may have got rights or a password."""
        maker = row["created_by"]
        is_operators = maker == MASTER_USER_ID or await self._links.is_operator(maker)
        if not is_operators and not await self._links.may_invite(maker, row["user_id"]):
            raise _unusable()

    async def _check_may_invite(self, caller: Principal, user_id: str) -> None:
        """Raise PermissionDenied unless the caller administers everything, or the user's organization."""
        if caller.is_admin:
            return
        # The operator's own row gets its role when the operator logs in for the first time.
        if user_id == MASTER_USER_ID or not await self._links.may_invite(caller.user_id, user_id):
            raise PermissionDenied(
                "Only the administrator of all of a user's organizations and teams can invite the user, who "
                "must be no administrator, have no password yet, and not log in at an identity provider.",
                param="user_id",
            )


def _updated(identifier: str, before: Columns, after: Columns) -> Change:
    return updated(Audited.INVITATION, hash_token(identifier), _without_id(before), _without_id(after))


def _without_id(row: Columns) -> Columns:
    """The row as those who read the audit trail may see it: the id lets its bearer in as the user."""
    return {name: value for name, value in row.items() if name != "id"}


def _check_id(name: str, value: Any) -> None:
    faults = Faults()
    check_text(faults, name, value)
    faults.refuse()


def _not_found(identifier: str) -> NotFound:
    return NotFound(f"Invitation {identifier[:100]} not found.", param="invitation_id")


def _unusable() -> AuthenticationFailed:
    return AuthenticationFailed("The invitation does not exist, was used, or has expired. Ask for a new one.")
