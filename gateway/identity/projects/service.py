"""The rules of making projects."""

from collections.abc import Mapping
from typing import Any

import msgspec

from gateway.db.rows import Columns
from gateway.domain import Principal, Scope, ScopeKind
from gateway.errors import BadRequest, NotFound, PermissionDenied
from gateway.identity.budgets.linking import check_link, link_budget
from gateway.identity.faults import Faults
from gateway.identity.keys.rules import Covers
from gateway.identity.metadata import is_kept_away, merge_metadata
from gateway.identity.projects.request import NewProjectRequest
from gateway.identity.records import Records
from gateway.identity.rights import Level, actor_of, check_is_no_viewer, refuse_field
from gateway.identity.teams.rules import check_within
from gateway.identity.teams.standing import find_level
from gateway.identity.values import check_members
from gateway.ids import new_id

__all__ = ["ProjectService"]

_METADATA_FIELDS = (*("tags", "guardrails", "policies", "model_itpm_limit", "model_otpm_limit"),)
_COLUMNS = ("project_alias", "description", "models", "blocked", "model_rpm_limit", "model_tpm_limit")
_TEAM_ADMIN_FIELDS = frozenset(
    {
        *("team_id", "project_id", "project_alias", "description", "models", "metadata", "blocked"),
        *("max_budget", "soft_budget", "budget_duration", "max_parallel_requests", "tpm_limit", "rpm_limit"),
        *("tpd_limit", "model_max_budget", "model_rpm_limit", "model_tpm_limit", "model_itpm_limit"),
        *("model_otpm_limit",),
    }
)


class ProjectService:
    """Projects on behalf of a caller; every change is one transaction that announces itself."""

    def __init__(self, records: Records, covers: Covers) -> None:
        self._records = records
        self._covers = covers

    async def create(self, caller: Principal, request: NewProjectRequest) -> Columns:
        """Make a project within what its team has; returns its row.

        Raises DatabaseUnavailable, NotFound for the team, PermissionDenied for who does not administer it
        and for members that are a proxy admin's, BadRequest for values that cannot be.
        """
        check_is_no_viewer(caller)
        sent = {name: value for name, value in msgspec.structs.asdict(request).items() if value is not None}
        actor, project_id = actor_of(caller), request.project_id or new_id()
        async with self._records.transaction():
            team = await self._find_team(caller, request.team_id)
            if not caller.is_admin:
                _check_fields(sent)
            await self._check_values(sent, team)
            values: Columns = {name: sent[name] for name in _COLUMNS if name in sent}
            values |= {
                "project_id": project_id,
                "team_id": request.team_id,
                "budget_id": await link_budget(self._records, sent, actor),
                "metadata": merge_metadata({}, sent, _METADATA_FIELDS),
                "created_by": actor,
                "updated_by": actor,
            }
            if request.object_permission is not None:
                permission = request.object_permission
                values["object_permission_id"] = await self._records.save_permission(None, permission)
            row = await self._records.projects.insert(values)
            if row is None:
                message = f"Project already exists. Project ID: {project_id}"
                raise BadRequest(message, param="project_id", type="bad_request")
            scope = Scope(ScopeKind.PROJECT, project_id)
            await self._records.entries.open_balance(scope, row["spend"])
            await self._records.notices.announce([scope])
            return await self._shown(row)

    async def _find_team(self, caller: Principal, team_id: str) -> Columns:
        team = await self._records.teams.find(team_id) if await self._records.teams.hold(team_id) else None
        if team is None:
            raise NotFound(f"Team not found, passed team_id={team_id}", param="team_id", type="not_found")
        if await find_level(self._records, caller, team) < Level.TEAM_ADMIN:
            raise PermissionDenied("Only admins of the team can make projects in it.", param="team_id")
        return team

    async def _check_values(self, sent: Mapping[str, Any], team: Mapping[str, Any]) -> None:
        faults = Faults()
        check_members(faults, sent)
        await check_link(self._records, faults, sent)
        check_within(faults, "team", team, sent, self._covers)
        faults.refuse()

    async def _shown(self, row: Columns) -> Columns:
        permission_id, budget_id = row["object_permission_id"], row["budget_id"]
        return {
            **row,
            "litellm_budget_table": await self._records.budgets.find(budget_id) if budget_id else None,
            "object_permission": (
                await self._records.permissions.find(permission_id) if permission_id else None
            ),
        }


def _check_fields(sent: Mapping[str, Any]) -> None:
    for name in sent:
        if name not in _TEAM_ADMIN_FIELDS:
            raise refuse_field(name, "project", "Only proxy admins can set it.")
    metadata: Mapping[str, object] = sent.get("metadata") or {}
    for name in metadata:
        if is_kept_away(name):
            reason = "It has a meaning for admission; only proxy admins can set it."
            raise refuse_field(f"metadata.{name}", "project", reason)
