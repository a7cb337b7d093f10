"""The rules of making, changing, deleting and showing projects."""

from collections.abc import Mapping
from typing import Any

import msgspec

from gateway.audit.changes import Audited, created, deleted, updated
from gateway.db.rows import Columns
from gateway.domain import Principal, Role, Scope, ScopeKind
from gateway.errors import BadRequest, NotFound, PermissionDenied
from gateway.identity.budgets.linking import check_link, check_relink, link_budget, relink_budget
from gateway.identity.faults import Faults
from gateway.identity.keys.rules import Covers
from gateway.identity.linked_rows import with_links
from gateway.identity.metadata import merge_metadata
from gateway.identity.pages import Listed, Page, cut
from gateway.identity.projects.request import NewProjectRequest
from gateway.identity.projects.rules import METADATA_FIELDS, check_fields
from gateway.identity.records import Records
from gateway.identity.rights import Level, actor_of, check_is_no_viewer
from gateway.identity.teams.rules import check_within
from gateway.identity.teams.standing import find_level
from gateway.identity.values import check_members
from gateway.ids import new_id

__all__ = ["ProjectService"]

_COLUMNS = ("project_alias", "description", "models", "blocked", "model_rpm_limit", "model_tpm_limit")
_SEE_ALL = frozenset({Role.PROXY_ADMIN, Role.PROXY_ADMIN_VIEWER})


class ProjectService:
    """Projects on behalf of a caller; every change is one transaction that announces itself.

    All methods raise DatabaseUnavailable, NotFound, PermissionDenied for who does not administer the team
    and for members that are a proxy admin's, BadRequest for values that cannot be.
    """

    def __init__(self, records: Records, covers: Covers) -> None:
        self._records = records
        self._covers = covers

    async def create(self, caller: Principal, request: NewProjectRequest) -> Columns:
        """Make a project within what its team has; returns its row."""
        check_is_no_viewer(caller)
        sent = {name: value for name, value in msgspec.structs.asdict(request).items() if value is not None}
        actor, project_id = actor_of(caller), request.project_id or new_id()
        async with self._records.transaction():
            team = await self._find_team(caller, request.team_id)
            if not caller.is_admin:
                check_fields(sent, None)
            faults = Faults()
            check_members(faults, sent)
            await check_link(self._records, faults, sent)
            check_within(faults, "team", team, sent, self._covers)
            faults.refuse()
            values = await self._build(caller, sent, None)
            values |= {
                "project_id": project_id,
                "team_id": request.team_id,
                "budget_id": await link_budget(self._records, caller, sent),
                "created_by": actor,
                "updated_by": actor,
            }
            row = await self._records.projects.insert(values)
            if row is None:
                message = f"Project already exists. Project ID: {project_id}"
                raise BadRequest(message, param="project_id", type="bad_request")
            await self._records.entries.open_balance(_scope(project_id), row["spend"])
            await self._records.audit.record(caller, created(Audited.PROJECT, project_id, row))
            return await self._finish(row)

    async def update(self, caller: Principal, sent: Mapping[str, Any], everybodys: str | None) -> Columns:
        """Change what was sent, null clearing it; returns the row.

        `everybodys` is the id of the budget of end users who have none.
        """
        check_is_no_viewer(caller)
        actor = actor_of(caller)
        async with self._records.transaction():
            row = await self._lock(sent["project_id"])
            team = await self._check_may_change(caller, row, sent)
            faults = Faults()
            check_members(faults, sent)
            budget = await check_relink(self._records, faults, sent, row["budget_id"])
            moves = team["team_id"] != row["team_id"] if team else False
            if moves and await self._records.projects.list_with_keys([row["project_id"]]):
                faults.add("team_id", "keys belong to this project and to its team; it cannot move.")
            limits = await self._limits_of(row, budget) if moves else {}
            check_within(faults, "team", team or {}, {**limits, **sent}, self._covers)
            faults.refuse()
            values = await self._build(caller, sent, row)
            if moves and team:
                values["team_id"] = team["team_id"]
            values |= await relink_budget(self._records, caller, sent, budget, everybodys)
            changed = await self._records.projects.update(row["project_id"], values | {"updated_by": actor})
            if changed["object_permission_id"] != row["object_permission_id"]:
                await self._records.permissions.drop_unused([row["object_permission_id"]])
            change = updated(Audited.PROJECT, row["project_id"], row, changed)
            await self._records.audit.record(caller, change)
            return await self._finish(changed)

    async def delete(self, caller: Principal, project_ids: list[str]) -> list[Columns]:
        """Delete projects that no key belongs to, all or none; returns their rows."""
        faults = Faults()
        if not project_ids:
            faults.add("project_ids", "Name the projects to delete.")
        check_members(faults, {"project_ids": project_ids})
        faults.refuse()
        async with self._records.transaction():
            rows = await self._records.projects.lock_to_delete(sorted(set(project_ids)))
            missing = sorted(set(project_ids) - {row["project_id"] for row in rows})
            if missing:
                raise _not_found(", ".join(missing[:20]), "project_ids")
            used = await self._records.projects.list_with_keys(project_ids)
            if used:
                faults.add(
                    "project_ids", f"keys belong to {', '.join(used[:20])}; delete or move them first."
                )
                faults.refuse()
            shown = await with_links(self._records, rows)
            await self._records.projects.delete_any([row["project_id"] for row in rows])
            await self._records.permissions.drop_unused([row["object_permission_id"] for row in rows])
            changes = [deleted(Audited.PROJECT, row["project_id"], row) for row in rows]
            await self._records.audit.record(caller, *changes)
            await self._records.notices.announce_many(_scope(row["project_id"]) for row in rows)
        return shown

    async def info(self, caller: Principal, project_id: str) -> Columns:
        """Show a project to its team's members and administrators, and to its own keys."""
        row = await self._records.projects.find(project_id)
        if row is None:
            raise _not_found(project_id, "project_id")
        is_own = caller.project_id == project_id or (row["team_id"] and caller.team_id == row["team_id"])
        if caller.role not in _SEE_ALL and not is_own:
            team = await self._records.teams.find(row["team_id"]) if row["team_id"] else None
            if team is None or await find_level(self._records, caller, team) < Level.MEMBER:
                raise PermissionDenied("You are not allowed to see this project.", param="project_id")
        return (await with_links(self._records, [row]))[0]

    async def list_all(self, caller: Principal, page: Page) -> Listed:
        """Projects in the order of their ids: of the caller's teams, to administrators all."""
        projects, most = self._records.projects, page.most + 1
        if caller.role in _SEE_ALL:
            rows = await projects.list_after(page.after, most)
        else:
            ids = await projects.list_of_user(caller.user_id, page.after, most) if caller.user_id else []
            rows = await projects.find_any(ids)
        found = cut(rows, page, "project_id")
        return msgspec.structs.replace(found, rows=await with_links(self._records, found.rows))

    async def _lock(self, project_id: str) -> Columns:
        row = await self._records.projects.lock(project_id)
        if row is None:
            raise _not_found(project_id, "project_id")
        return row

    async def _check_may_change(
        self, caller: Principal, row: Columns, sent: Mapping[str, Any]
    ) -> Columns | None:
        """The team that the project will be in; whoever moves it administers both."""
        wanted = sent.get("team_id") or row["team_id"]
        if row["team_id"] and row["team_id"] != wanted:
            await self._find_team(caller, row["team_id"])
        elif not row["team_id"] and not caller.is_admin:
            raise PermissionDenied("Only proxy admins change a project without a team.", param="project_id")
        if not caller.is_admin:
            check_fields(sent, row)
        return await self._find_team(caller, wanted) if wanted else None

    async def _find_team(self, caller: Principal, team_id: str) -> Columns:
        team = await self._records.teams.find(team_id) if await self._records.teams.hold(team_id) else None
        if team is None:
            raise NotFound(f"Team not found, passed team_id={team_id}", param="team_id", type="not_found")
        if await find_level(self._records, caller, team) < Level.TEAM_ADMIN:
            raise PermissionDenied("Only admins of the team make and change its projects.", param="team_id")
        return team

    async def _limits_of(self, row: Columns, budget: Columns) -> Columns:
        """What a project has now, which must keep within another team."""
        if not budget and row["budget_id"]:
            budget = await self._records.budgets.find(row["budget_id"]) or {}
        return {**budget, "models": row["models"]}

    async def _build(self, caller: Principal, sent: Mapping[str, Any], row: Columns | None) -> Columns:
        values: Columns = {name: sent[name] for name in _COLUMNS if name in sent}
        if values.get("blocked", False) is None:
            del values["blocked"]
        metadata = merge_metadata((row or {}).get("metadata") or {}, sent, METADATA_FIELDS)
        if metadata is not None:
            values["metadata"] = metadata
        permission_id = row["object_permission_id"] if row else None
        return values | await self._records.change_permission(caller, permission_id, sent)

    async def _finish(self, row: Columns) -> Columns:
        await self._records.notices.announce([_scope(row["project_id"])])
        return (await with_links(self._records, [row]))[0]


def _scope(project_id: str) -> Scope:
    return Scope(ScopeKind.PROJECT, project_id)


def _not_found(project_ids: str, param: str) -> NotFound:
    return NotFound(f"Project not found, passed {param}={project_ids}", param=param, type="not_found")
