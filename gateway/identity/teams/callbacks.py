"""To which services a team's requests are to be told, as its metadata keeps it."""

from collections.abc import Mapping
from typing import Any, cast

from gateway.audit.changes import Audited, updated
from gateway.audit.masking import MASK, mask
from gateway.db.rows import Columns
from gateway.domain import Principal, Role
from gateway.errors import NotFound
from gateway.identity.faults import Faults
from gateway.identity.records import Records
from gateway.identity.rights import Level
from gateway.identity.teams.callback_request import AddCallbackRequest
from gateway.identity.teams.links import team_scope
from gateway.identity.teams.roster import administered, check_level, get_team
from gateway.identity.teams.secrets import TeamSecrets
from gateway.identity.values import check_text

__all__ = ["TeamCallbacks"]

_LISTS = {
    "success": ("success_callback",),
    "failure": ("failure_callback",),
    "success_and_failure": ("success_callback", "failure_callback"),
}
_BOTH = _LISTS["success_and_failure"]
_MOST_VARS = 50
_LONGEST_VAR = 8_192


class TeamCallbacks:
    """Changes callbacks on behalf of who administers the team; each change is one transaction.

    All methods raise NotFound for an unknown team, PermissionDenied, DatabaseUnavailable.
    """

    def __init__(self, records: Records, secrets: TeamSecrets) -> None:
        self._records = records
        self._secrets = secrets

    async def show(self, caller: Principal, team_id: str) -> Columns:
        """The callbacks of a team, secrets masked."""
        team = await get_team(self._records, team_id)
        if caller.role is not Role.PROXY_ADMIN_VIEWER:
            await check_level(self._records, caller, team, Level.TEAM_ADMIN)
        return _shown(team)

    async def add(self, caller: Principal, team_id: str, request: AddCallbackRequest) -> Columns:
        """Add a callback, and set its variables; returns the callbacks.

        Raises BadRequest for values that cannot be and for a callback that is there.
        """
        faults = Faults()
        _check(faults, request)
        faults.refuse()
        async with self._records.transaction():
            team = await administered(self._records, caller, team_id, Level.TEAM_ADMIN)
            settings = _settings_of(team)
            for name in _LISTS[request.callback_type or "success_and_failure"]:
                present = _names(settings, name)
                if request.callback_name in present:
                    faults.add("callback_name", f"{request.callback_name} is in {name} already.")
                settings[name] = [*present, request.callback_name]
            faults.refuse()
            present_vars = _vars(settings)
            settings["callback_vars"] = {**present_vars, **request.callback_vars}
            masked = [name for name, value in request.callback_vars.items() if value == MASK]
            settings["callback_vars"] |= {name: present_vars[name] for name in masked if name in present_vars}
            return _shown(await self._store(caller, team, settings))

    async def remove(self, caller: Principal, team_id: str, callback_name: str) -> Columns:
        """Take a callback away; the variables go with the last one. Raises NotFound without it."""
        async with self._records.transaction():
            team = await administered(self._records, caller, team_id, Level.TEAM_ADMIN)
            settings = _settings_of(team)
            if not any(callback_name in _names(settings, name) for name in _BOTH):
                raise NotFound("The team has no such callback.", param="callback_name")
            for name in _BOTH:
                settings[name] = [one for one in _names(settings, name) if one != callback_name]
            if not any(settings[name] for name in _BOTH):
                settings["callback_vars"] = {}
            return _shown(await self._store(caller, team, settings))

    async def disable(self, caller: Principal, team_id: str) -> Columns:
        """Take all callbacks away, and their variables."""
        async with self._records.transaction():
            team = await administered(self._records, caller, team_id, Level.PROXY_ADMIN)
            nothing: dict[str, Any] = {**{name: [] for name in _BOTH}, "callback_vars": {}}
            return _shown(await self._store(caller, team, nothing))

    async def _store(self, caller: Principal, team: Columns, settings: dict[str, Any]) -> Columns:
        stored: dict[str, Any] = team["metadata"] or {}
        metadata = self._secrets.close({**stored, "callback_settings": settings}, stored)
        changed = await self._records.teams.update(team["team_id"], {"metadata": metadata})
        await self._records.notices.announce([team_scope(team["team_id"])])
        await self._records.audit.record(caller, updated(Audited.TEAM, team["team_id"], team, changed))
        return changed


def _check(faults: Faults, request: AddCallbackRequest) -> None:
    check_text(faults, "callback_name", request.callback_name)
    if len(request.callback_vars) > _MOST_VARS:
        faults.add("callback_vars", f"can have at most {_MOST_VARS} members.")
    for name, value in request.callback_vars.items():
        check_text(faults, "callback_vars", name)
        if len(value) > _LONGEST_VAR:
            faults.add(f"callback_vars.{name[:100]}", f"must have at most {_LONGEST_VAR} characters.")


def _settings_of(team: Mapping[str, Any]) -> dict[str, Any]:
    metadata: Mapping[str, object] = team["metadata"] or {}
    settings = metadata.get("callback_settings")
    return dict(cast("Mapping[str, Any]", settings)) if isinstance(settings, Mapping) else {}


def _names(settings: Mapping[str, Any], name: str) -> list[str]:
    value = settings.get(name)
    return [str(one) for one in cast("list[object]", value)] if isinstance(value, list) else []


def _vars(settings: Mapping[str, Any]) -> Mapping[str, Any]:
    value = settings.get("callback_vars")
    return cast("Mapping[str, Any]", value) if isinstance(value, Mapping) else {}


def _shown(team: Mapping[str, Any]) -> Columns:
    settings = _settings_of(team)
    return {
        "team_id": team["team_id"],
        "success_callbacks": _names(settings, "success_callback"),
        "failure_callbacks": _names(settings, "failure_callback"),
        "callback_vars": mask(_vars(settings), is_secret=True),
    }
