"""Deleting teams, with their keys and memberships."""

from gateway.audit.changes import Audited, deleted
from gateway.db.rows import Columns
from gateway.domain import Principal, Scope, ScopeKind
from gateway.errors import NotFound
from gateway.identity.deletions import build_deletion
from gateway.identity.keys.archive_store import KeyArchive
from gateway.identity.named_ids import read_ids
from gateway.identity.records import Records
from gateway.identity.rights import check_is_no_viewer, refuse_role
from gateway.identity.teams.links import team_scope
from gateway.identity.teams.removal_store import TeamRemovals
from gateway.identity.teams.response import TeamView

__all__ = ["TeamRemoval"]


class TeamRemoval:
    """Deletes teams on behalf of a caller, all or none. Raises DatabaseUnavailable."""

    def __init__(self, records: Records, keys: KeyArchive, teams: TeamRemovals) -> None:
        self._records = records
        self._keys = keys
        self._teams = teams
        self._view = TeamView(records)

    async def delete(self, caller: Principal, team_ids: list[str]) -> list[Columns]:
        """Move teams and their keys to the archives, and end their memberships; returns the rows.

        Raises BadRequest for no or too many teams, NotFound for one that is not there, AuthenticationFailed
        for one whose organization the caller does not administer.
        """
        check_is_no_viewer(caller)
        wanted = read_ids("team_ids", team_ids)
        async with self._records.transaction():
            await self._find(caller, wanted)
            deletion = build_deletion(caller, self._records.now())
            tokens = await self._keys.lock_of_teams(wanted)
            await self._records.users.lock_all(await self._teams.list_members(wanted))
            await self._teams.lock(wanted)
            # What entered the teams before they were held goes with them; who they are may have changed too.
            teams = await self._find(caller, wanted)
            members = await self._teams.list_members(wanted)
            tokens = sorted({*tokens, *await self._keys.lock_of_teams(wanted)})
            shown = await self._view.rows(teams)
            keys = await self._keys.archive(tokens, deletion)
            await self._teams.remove(wanted, members, deletion)
            await self._records.audit.record(
                caller,
                *(deleted(Audited.TEAM, team["team_id"], team) for team in teams),
                *(deleted(Audited.KEY, key["token"], key) for key in keys),
            )
            await self._announce(wanted, members)
        return shown

    async def _find(self, caller: Principal, team_ids: list[str]) -> list[Columns]:
        teams = await self._records.teams.find_any(team_ids)
        missing = set(team_ids) - {team["team_id"] for team in teams}
        administered: set[str] = set()
        if not caller.is_admin:
            administered = set(await self._records.organizations.list_administered(caller.user_id))
        if any(not caller.is_admin and team["organization_id"] not in administered for team in teams):
            raise refuse_role(caller, "/team/delete")
        if missing:
            raise NotFound(f"Team not found, passed team_id={min(missing)}", param="team_ids")
        return teams

    async def _announce(self, team_ids: list[str], members: list[str]) -> None:
        users = [Scope(ScopeKind.USER, user_id) for user_id in members]
        scopes = [*(team_scope(team_id) for team_id in team_ids), *users]
        await self._records.notices.announce_many(scopes)
