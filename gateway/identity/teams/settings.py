"""A team's models, and what its members may do with its keys."""

from collections.abc import Sequence

from gateway.audit.changes import Audited, Change, updated
from gateway.db.rows import Columns
from gateway.domain import Principal, Role
from gateway.errors import BadRequest, NotFound, PermissionDenied
from gateway.identity.faults import Faults
from gateway.identity.named_ids import read_ids
from gateway.identity.records import Records
from gateway.identity.rights import Level, check_is_no_viewer
from gateway.identity.special_models import ALL_PROXY_MODELS, NO_DEFAULT_MODELS
from gateway.identity.teams.links import team_scope
from gateway.identity.teams.permission_names import AVAILABLE_PERMISSIONS
from gateway.identity.teams.response import TeamView
from gateway.identity.teams.roster import administered, check_level, get_team
from gateway.identity.teams.service import TeamService
from gateway.identity.teams.settings_request import AppendPermissionsRequest
from gateway.identity.teams.settings_store import TeamSettingRecords

__all__ = ["TeamSettings"]


class TeamSettings:
    """Changes one setting of teams on behalf of who administers them; each change is one transaction.

    All methods raise NotFound for an unknown team, PermissionDenied, BadRequest and DatabaseUnavailable.
    """

    def __init__(self, records: Records, teams: TeamService, settings: TeamSettingRecords) -> None:
        self._records = records
        self._teams = teams
        self._settings = settings
        self._view = TeamView(records)

    async def add_models(self, caller: Principal, team_id: str, models: Sequence[str]) -> Columns:
        """Let a team use further models; returns the row.

        A team without a list may use all: that stays so, in words.
        """
        named = read_ids("models", models)
        async with self._records.transaction():
            team = await administered(self._records, caller, team_id, Level.PROXY_ADMIN)
            present: list[str] = team["models"] or [ALL_PROXY_MODELS]
            kept = [model for model in present if model != NO_DEFAULT_MODELS]
            change = {"models": list(dict.fromkeys([*kept, *named]))}
            return (await self._teams.update(caller, team_id, change))["data"]

    async def delete_models(self, caller: Principal, team_id: str, models: Sequence[str]) -> Columns:
        """Take models from a team; returns the row. When none is left, the team may use none."""
        named = read_ids("models", models)
        async with self._records.transaction():
            team = await administered(self._records, caller, team_id, Level.PROXY_ADMIN)
            if not team["models"]:
                message = "models: The team has no list, so it may use all models. Give it a list first."
                raise BadRequest(message, param="models", type="bad_request_error")
            kept = [model for model in team["models"] if model not in named]
            change = {"models": kept or [NO_DEFAULT_MODELS]}
            return (await self._teams.update(caller, team_id, change))["data"]

    async def permissions(self, caller: Principal, team_id: str) -> Columns:
        """What the team's members may do, and what there is, for who is in the team."""
        team = await get_team(self._records, team_id)
        if caller.role is not Role.PROXY_ADMIN_VIEWER:
            await check_level(self._records, caller, team, Level.MEMBER)
        return {
            "team_id": team_id,
            "team_member_permissions": team["team_member_permissions"] or [],
            "all_available_permissions": list(AVAILABLE_PERMISSIONS),
        }

    async def set_permissions(self, caller: Principal, team_id: str, permissions: Sequence[str]) -> Columns:
        """Say what the team's members may do; returns the row."""
        wanted = _check_permissions("team_member_permissions", permissions)
        async with self._records.transaction():
            team = await administered(self._records, caller, team_id, Level.TEAM_ADMIN)
            changed = await self._records.teams.update(team_id, {"team_member_permissions": wanted})
            await self._records.notices.announce([team_scope(team_id)])
            await self._records.audit.record(caller, updated(Audited.TEAM, team_id, team, changed))
            return await self._view.row(changed)

    async def append_permissions(self, caller: Principal, request: AppendPermissionsRequest) -> Columns:
        """Give permissions to the members of many teams; an organization's administrator of its teams."""
        check_is_no_viewer(caller)
        wanted = _check_permissions("permissions", request.permissions)
        team_ids = _check_teams(request)
        organizations: list[str] | None = None
        if not caller.is_admin:
            organizations = await self._records.organizations.list_administered(caller.user_id)
            if not organizations:
                raise PermissionDenied("You administer no organization.", param="team_ids")
        async with self._records.transaction():
            if team_ids is not None:
                await self._check_all_there(team_ids, organizations)
            changed = await self._settings.append_permissions(team_ids, organizations, wanted)
            await self._records.audit.record(caller, *map(_change_of, changed))
            await self._records.notices.announce_many(team_scope(row["team_id"]) for row in changed)
        message = f"Gave {len(wanted)} permissions to the members of {len(changed)} teams."
        return {"message": message, "teams_updated": len(changed), "permissions_appended": wanted}

    async def _check_all_there(self, team_ids: list[str], organizations: list[str] | None) -> None:
        teams = await self._records.teams.find_any(team_ids)
        if organizations is not None and any(team["organization_id"] not in organizations for team in teams):
            raise PermissionDenied("You do not administer all of these teams.", param="team_ids")
        missing = set(team_ids) - {team["team_id"] for team in teams}
        if missing:
            raise NotFound(f"Team not found, passed team_id={min(missing)}", param="team_ids")


def _change_of(row: Columns) -> Change:
    name = "team_member_permissions"
    return updated(Audited.TEAM, row["team_id"], {name: row["before"]}, {name: row["after"]})


def _check_teams(request: AppendPermissionsRequest) -> list[str] | None:
    faults = Faults()
    if bool(request.apply_to_all_teams) == (request.team_ids is not None):
        faults.add("team_ids", "name the teams, or send apply_to_all_teams.")
    faults.refuse()
    return None if request.team_ids is None else read_ids("team_ids", request.team_ids)


def _check_permissions(path: str, permissions: Sequence[str]) -> list[str]:
    wanted = list(dict.fromkeys(permissions))
    faults = Faults()
    for index, name in enumerate(wanted):
        if name not in AVAILABLE_PERMISSIONS:
            faults.add(f"{path}[{index}]", f"must be one of {', '.join(AVAILABLE_PERMISSIONS)}.")
            break
    faults.refuse()
    return wanted
