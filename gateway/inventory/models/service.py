"""The rules of making, changing, blocking and deleting models of the database."""

from collections.abc import Mapping
from typing import Any

from gateway.audit.changes import Action, Audited, Change, created, deleted, updated
from gateway.catalog.stored_rows import is_of_tenant
from gateway.db.engine import Database
from gateway.db.rows import Columns
from gateway.db.sealing import Seal
from gateway.domain import Principal
from gateway.errors import BadRequest, Conflict, NotFound, PermissionDenied
from gateway.identity.records import Records
from gateway.identity.rights import Level, actor_of, check_is_no_viewer
from gateway.identity.teams.standing import find_level
from gateway.inventory.credentials.store import CredentialRecords
from gateway.inventory.masking import mask_params
from gateway.inventory.models.changes import (
    build_new,
    change_name,
    check_is_tenants,
    check_tenants_update,
    without_masked,
)
from gateway.inventory.models.credentials import NamedCredentials
from gateway.inventory.models.request import NewModelRequest, UpdateModelRequest
from gateway.inventory.models.rules import check_address
from gateway.inventory.models.store import ModelRecords
from gateway.inventory.models.team_links import PUBLIC_NAME, TeamLinks
from gateway.inventory.notices import announce_models
from gateway.inventory.sealed import SealedMembers, merge_members
from gateway.inventory.trial import Trial
from gateway.upstream.address_guard import AddressGuard

__all__ = ["ModelService"]

_MOST_OF_TEAM = 200


class ModelService:
    """Models on behalf of a caller; every change is one transaction that announces itself.

    All methods raise DatabaseUnavailable, BadRequest for values that cannot be, PermissionDenied for what is
    not the caller's to do. Returned rows are masked.
    """

    def __init__(self, database: Database, records: Records, seal: Seal, guard: AddressGuard) -> None:
        self._database = database
        self._records = records
        self._models = ModelRecords(database)
        self._links = TeamLinks(records, self._models)
        self._params = SealedMembers(seal, "litellm_params")
        self._named = NamedCredentials(CredentialRecords(database), seal)
        self._guard = guard

    async def create(self, caller: Principal, request: NewModelRequest, trial: Trial) -> Columns:
        """Store a model. Raises Conflict for an id that is taken, NotFound for a team that is not there."""
        async with self._records.transaction():
            is_admins = await self._is_admins(caller, request.model_info or {})
            new = build_new(request, is_admins=is_admins)
            await self._check_count(new.info)
            await self._try(trial, new.name, new.params, new.info)
            actor = actor_of(caller)
            made = await self._models.insert(
                {
                    "model_id": new.model_id,
                    "model_name": new.name,
                    "litellm_params": self._params.close(new.params),
                    "model_info": new.info,
                    "blocked": bool(request.blocked),
                    "created_by": actor,
                    "updated_by": actor,
                }
            )
            if made is None or new.model_id in trial.configured_ids:
                raise Conflict(f"There is a model with the id '{new.model_id[:200]}'.", param="model_info.id")
            await self._links.move(caller, {}, new.info)
            shown = _shown(made, new.params)
            await self._records.audit.record(caller, created(Audited.MODEL, new.model_id, shown))
            await announce_models(self._database)
        return shown

    async def update(
        self, caller: Principal, model_id: str, request: UpdateModelRequest, trial: Trial
    ) -> Columns:
        """Change what was sent; null takes a member of `litellm_params` or `model_info` away.

        A secret that is sent as it was shown, masked, stays. Raises NotFound.
        """
        async with self._records.transaction():
            row = await self._lock(model_id, trial)
            former: Mapping[str, Any] = row["model_info"] or {}
            if not await self._is_admins(caller, former):
                check_tenants_update(former, row["litellm_params"], request)
            sent = request.litellm_params or {}
            stored = self._params.open(row["litellm_params"], sent)
            sent = without_masked(sent, stored)
            info = merge_members(former, {**(request.model_info or {}), "id": model_id})
            name = change_name(row["model_name"], former, info, request.model_name)
            params = merge_members(stored, sent)
            await self._try(trial, name, params, info)
            values: dict[str, Any] = {"model_name": name, "model_info": info, "updated_by": actor_of(caller)}
            # What was not sent stays encrypted as it is.
            values["litellm_params"] = merge_members(row["litellm_params"], self._params.close(sent))
            if request.blocked is not None:
                values["blocked"] = request.blocked
            shown = _shown(await self._models.update(model_id, values), params)
            await self._links.move(caller, former, info)
            change = updated(Audited.MODEL, model_id, self._readable(row), shown)
            await self._records.audit.record(caller, change)
            await announce_models(self._database)
        return shown

    async def set_blocked(
        self, caller: Principal, model_id: str, trial: Trial, *, is_blocked: bool
    ) -> Columns:
        """Stop or go on serving a model. Raises NotFound."""
        async with self._records.transaction():
            row = await self._lock(model_id, trial)
            info: Mapping[str, Any] = merge_members(row["model_info"] or {}, {"blocked": None})
            changes = {"blocked": is_blocked, "model_info": info, "updated_by": actor_of(caller)}
            changed = self._readable(await self._models.update(model_id, changes))
            action = Action.BLOCKED if is_blocked else Action.UNBLOCKED
            change = Change(action, Audited.MODEL, model_id, self._readable(row), changed)
            await self._records.audit.record(caller, change)
            await announce_models(self._database)
        return changed

    async def delete(self, caller: Principal, model_id: str) -> dict[str, str]:
        """Remove a model; returns what the contract answers."""
        async with self._records.transaction():
            row = await self._models.lock(model_id)
            if row is None:
                message = f"Model with id={model_id[:200]} not found in the database."
                raise BadRequest(message, param="id", type="bad_request_error")
            info: Mapping[str, Any] = row["model_info"] or {}
            if not await self._is_admins(caller, info):
                check_is_tenants(info)
            await self._models.delete(model_id)
            await self._links.move(caller, info, {})
            await self._records.audit.record(caller, deleted(Audited.MODEL, model_id, self._readable(row)))
            await announce_models(self._database)
        return {"message": f"Model: {model_id} deleted successfully"}

    async def _lock(self, model_id: str, trial: Trial) -> Columns:
        row = await self._models.lock(model_id)
        if row is not None:
            return row
        if model_id in trial.configured_ids:
            message = f"The model '{model_id[:200]}' is of the configuration; change it there."
            raise BadRequest(message, param="model_id", type="bad_request_error")
        raise NotFound(f"There is no model with the id '{model_id[:200]}' in the database.", param="model_id")

    async def _is_admins(self, caller: Principal, info: Mapping[str, object]) -> bool:
        """Whether the caller may do everything with a model; else with a team's of theirs, as a tenant.

        Raises PermissionDenied for everybody else.
        """
        if caller.is_admin:
            return True
        check_is_no_viewer(caller)
        team_id = info.get("team_id")
        team = (
            await self._records.teams.lock(str(team_id)) if team_id is not None and caller.user_id else None
        )
        level = Level.NONE if team is None else await find_level(self._records, caller, team)
        if level < Level.TEAM_ADMIN:
            message = (
                "Only proxy admins change models, and a team's admins their team's (model_info.team_id)."
            )
            raise PermissionDenied(message, param="model_info.team_id")
        return False

    async def _check_count(self, info: Mapping[str, Any]) -> None:
        if info.get("team_id") is None:
            return
        count, _ = await self._models.count_of_team(str(info["team_id"]), info[PUBLIC_NAME])
        if count >= _MOST_OF_TEAM:
            message = f"A team has at most {_MOST_OF_TEAM} models of its own."
            raise BadRequest(message, param="model_info.team_id", type="bad_request_error")

    def _readable(self, row: Columns) -> Columns:
        return _shown(row, self._params.open_readable(row["litellm_params"]))

    async def _try(self, trial: Trial, name: str, params: dict[str, Any], info: dict[str, Any]) -> None:
        is_tenants = is_of_tenant(info)
        if not is_tenants:
            trial = await self._named.complete(trial, params)
        deployment = trial.build(name, params, info, is_tenants=is_tenants)
        if is_tenants:
            check_address(deployment, self._guard)


def _shown(row: Columns, params: Mapping[str, object]) -> Columns:
    return {**row, "litellm_params": mask_params(params)}
