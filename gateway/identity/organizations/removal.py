"""Deleting organizations, with their teams, projects, memberships and keys."""

from collections.abc import Sequence

import msgspec

from gateway.audit.changes import Audited, deleted
from gateway.db.rows import Columns
from gateway.domain import Principal, Scope, ScopeKind
from gateway.errors import NotFound
from gateway.identity.deletions import build_deletion
from gateway.identity.keys.archive_store import KeyArchive
from gateway.identity.named_ids import read_ids
from gateway.identity.organizations.removal_store import Below, OrganizationRemovals
from gateway.identity.organizations.response import EVERYTHING, OrganizationView
from gateway.identity.records import Records
from gateway.identity.teams.removal_store import TeamRemovals
from gateway.identity.teams.standing import default_budget_of

__all__ = ["OrganizationRemoval"]


class _Held(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that goes, held; `budget_ids` are rows that only memberships had."""

    organizations: list[Columns]
    members: list[Columns]
    teams: list[Columns]
    projects: list[Columns]
    below: Below
    budget_ids: list[str | None]


class OrganizationRemoval:
    """Deletes organizations on behalf of a proxy admin, all or none. Raises DatabaseUnavailable."""

    def __init__(
        self,
        records: Records,
        removals: OrganizationRemovals,
        keys: KeyArchive,
        teams: TeamRemovals,
        view: OrganizationView,
    ) -> None:
        self._records = records
        self._removals = removals
        self._keys = keys
        self._teams = teams
        self._view = view

    async def delete(self, caller: Principal, organization_ids: list[str]) -> list[Columns]:
        """Move the keys and teams of organizations to the archives, and end the rest; returns their rows.

        Users stay. Raises BadRequest for no or too many organizations, NotFound for one that is not there.
        """
        wanted = read_ids("organization_ids", organization_ids)
        async with self._records.transaction():
            await self._lock(wanted)
            # What came below the organizations before they were held goes with them.
            held = await self._lock(wanted)
            shown = await self._view.show(held.organizations, EVERYTHING)
            deletion = build_deletion(caller, self._records.now())
            keys = await self._keys.archive(held.below.tokens, deletion)
            await self._teams.remove(held.below.teams, held.below.users, deletion)
            await self._drop(wanted, held)
            await self._record(caller, held, keys)
            await self._announce(wanted, held)
        return shown

    async def _lock(self, organization_ids: list[str]) -> _Held:
        below = await self._removals.lock_keys(organization_ids)
        users = sorted({*below.users, *await self._teams.list_members(below.teams)})
        await self._records.users.lock_all(users)
        await self._teams.lock(below.teams)
        budgets = await self._removals.lock_team_members(below.teams)
        organizations = await self._records.organizations.lock_to_delete(organization_ids)
        missing = set(organization_ids) - {row["organization_id"] for row in organizations}
        if missing:
            message = f"Organization not found. Organization ID: {', '.join(sorted(missing)[:20])}"
            raise NotFound(message, param="organization_ids")
        members = await self._removals.lock_members(organization_ids)
        projects = await self._records.projects.lock_to_delete(below.projects)
        teams = await self._records.teams.find_any(below.teams)
        own = [*(row["budget_id"] for row in members), *(default_budget_of(team) for team in teams)]
        return _Held(
            organizations=organizations,
            members=members,
            teams=teams,
            projects=projects,
            below=msgspec.structs.replace(below, users=users),
            budget_ids=[*budgets, *own],
        )

    async def _drop(self, organization_ids: list[str], held: _Held) -> None:
        await self._records.projects.delete_any(held.below.projects)
        await self._removals.drop_members(organization_ids)
        await self._records.organizations.delete_any(organization_ids)
        rows = (*held.organizations, *held.projects)
        await self._records.permissions.drop_unused([row["object_permission_id"] for row in rows])
        await self._records.budgets.drop_unused(held.budget_ids)

    async def _record(self, caller: Principal, held: _Held, keys: Sequence[Columns]) -> None:
        organization, member = Audited.ORGANIZATION, Audited.ORGANIZATION_MEMBER
        await self._records.audit.record(
            caller,
            *(deleted(organization, row["organization_id"], row) for row in held.organizations),
            *(deleted(member, f"{row['user_id']}:{row['organization_id']}", row) for row in held.members),
            *(deleted(Audited.TEAM, row["team_id"], row) for row in held.teams),
            *(deleted(Audited.PROJECT, row["project_id"], row) for row in held.projects),
            *(deleted(Audited.KEY, row["token"], row) for row in keys),
        )

    async def _announce(self, organization_ids: list[str], held: _Held) -> None:
        users = {*held.below.users, *(row["user_id"] for row in held.members)}
        parts = (
            (ScopeKind.KEY, held.below.tokens),
            (ScopeKind.TEAM, held.below.teams),
            (ScopeKind.USER, sorted(users)),
            (ScopeKind.ORGANIZATION, organization_ids),
            (ScopeKind.PROJECT, held.below.projects),
        )
        scopes = (Scope(kind, identifier) for kind, ids in parts for identifier in ids)
        await self._records.notices.announce_many(scopes)
