"""Deleting users, with everything that is theirs."""

from gateway.audit.changes import Audited, deleted
from gateway.db.entities import GATEWAY_USER_ID
from gateway.db.rows import Columns
from gateway.domain import Principal, Scope, ScopeKind
from gateway.errors import BadRequest, NotFound
from gateway.identity.deletions import build_deletion
from gateway.identity.keys.archive_store import KeyArchive
from gateway.identity.named_ids import read_ids
from gateway.identity.records import Records
from gateway.identity.rights import check_is_no_viewer
from gateway.identity.teams.links import team_scope
from gateway.identity.teams.removal_store import TeamRemovals
from gateway.identity.users.reach import UserReach
from gateway.identity.users.removal_store import UserRemovals

__all__ = ["UserRemoval"]


class UserRemoval:
    """Deletes users on behalf of a caller, all or none. Raises DatabaseUnavailable."""

    def __init__(self, records: Records, keys: KeyArchive, teams: TeamRemovals, users: UserRemovals) -> None:
        self._records = records
        self._keys = keys
        self._teams = teams
        self._users = users
        self._reach = UserReach(records, teams, users)

    async def delete(self, caller: Principal, user_ids: list[str]) -> int:
        """Delete users, their keys (which move to the archive), memberships and invitations.

        Returns how many. An organization's administrator deletes internal users who are in nothing that it
        does not administer. Raises BadRequest for no or too many users, NotFound, AuthenticationFailed,
        PermissionDenied.
        """
        check_is_no_viewer(caller)
        wanted = read_ids("user_ids", user_ids)
        async with self._records.transaction():
            await self._find(caller, wanted)
            tokens = await self._keys.lock_of_users(wanted)
            await self._users.lock(wanted)
            teams = await self._teams.list_teams(wanted)
            await self._teams.lock(teams)
            users = await self._find(caller, wanted)
            tokens = sorted({*tokens, *await self._keys.lock_of_users(wanted)})
            keys = await self._keys.archive(tokens, build_deletion(caller, self._records.now()))
            await self._teams.leave(wanted, teams)
            await self._users.remove(wanted)
            await self._records.permissions.drop_unused([user["object_permission_id"] for user in users])
            await self._records.audit.record(
                caller,
                *(deleted(Audited.USER, user["user_id"], user) for user in users),
                *(deleted(Audited.KEY, key["token"], key) for key in keys),
            )
            scopes = [Scope(ScopeKind.USER, user_id) for user_id in wanted]
            await self._records.notices.announce_many([*scopes, *map(team_scope, teams)])
        return len(users)

    async def _find(self, caller: Principal, user_ids: list[str]) -> list[Columns]:
        await self._reach.check(caller, user_ids, "/user/delete", "user_ids")
        if GATEWAY_USER_ID in user_ids:
            message = f"user_ids: {GATEWAY_USER_ID} carries the spend of the whole gateway; it stays."
            raise BadRequest(message, param="user_ids", type="bad_request_error")
        users = await self._records.users.find_any(user_ids)
        missing = set(user_ids) - {user["user_id"] for user in users}
        if missing:
            raise NotFound(f"User {min(missing)} not found", param="user_ids")
        return users
