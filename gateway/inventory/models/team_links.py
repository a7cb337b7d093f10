"""A team's list of models, which has to name the models that are the team's own."""

from collections.abc import Mapping
from typing import Any

from gateway.audit.changes import Audited, updated
from gateway.domain import Principal
from gateway.errors import NotFound
from gateway.identity.records import Records
from gateway.identity.special_models import NO_DEFAULT_MODELS
from gateway.identity.teams.links import team_scope
from gateway.inventory.models.store import ModelRecords

__all__ = ["PUBLIC_NAME", "TeamLinks"]

PUBLIC_NAME = "team_public_model_name"
"""The member of `model_info` with the name under which a team asks for a model of its own."""
_Info = Mapping[str, object]


class TeamLinks:
    """Changes the rows of teams within the caller's transaction. Raises DatabaseUnavailable."""

    def __init__(self, records: Records, models: ModelRecords) -> None:
        self._records = records
        self._models = models

    async def _lock(self, info: _Info) -> dict[str, Any] | None:
        """The team that a model's `model_info` names; None for everybody's model. Raises NotFound."""
        team_id = info.get("team_id")
        if team_id is None:
            return None
        team = await self._records.teams.lock(str(team_id))
        if team is None:
            message = f"Team not found, passed team_id={str(team_id)[:200]}."
            raise NotFound(message, param="model_info.team_id")
        return team

    async def move(self, caller: Principal, former: _Info, info: _Info) -> None:
        """Follow a change of a model's team or public name, which its row says already; `{}` is no model."""
        old, new = _name_of(former), _name_of(info)
        if old == new:
            return
        if new is not None:
            await self._open(caller, await self._lock(info), new[1])
        if old is not None:
            _, left = await self._models.count_of_team(*old)
            team = await self._records.teams.lock(old[0]) if left == 0 else None
            await self._close(caller, team, old[1])

    async def _open(self, caller: Principal, team: Mapping[str, Any] | None, name: str) -> None:
        """A team without a list may use every model already."""
        models: list[str] = (team or {}).get("models") or []
        if team is not None and models and name not in models:
            await self._save(caller, team, [other for other in models if other != NO_DEFAULT_MODELS] + [name])

    async def _close(self, caller: Principal, team: Mapping[str, Any] | None, name: str) -> None:
        """A list that becomes empty must not open everything."""
        models: list[str] = (team or {}).get("models") or []
        if team is not None and name in models:
            await self._save(
                caller, team, [other for other in models if other != name] or [NO_DEFAULT_MODELS]
            )

    async def _save(self, caller: Principal, team: Mapping[str, Any], models: list[str]) -> None:
        team_id: str = team["team_id"]
        changed = await self._records.teams.update(team_id, {"models": models})
        await self._records.audit.record(caller, updated(Audited.TEAM, team_id, team, changed))
        await self._records.notices.announce([team_scope(team_id)])


def _name_of(info: _Info) -> tuple[str, str] | None:
    team_id, name = info.get("team_id"), info.get(PUBLIC_NAME)
    return (str(team_id), name) if team_id is not None and isinstance(name, str) else None
