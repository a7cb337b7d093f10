"""The rules of making, changing, deleting and showing access groups of models."""

from collections.abc import Iterable, Sequence

import msgspec

from gateway.audit.changes import Audited, updated
from gateway.catalog.listing import Listing
from gateway.db.engine import Database
from gateway.db.rows import Columns
from gateway.domain import Principal
from gateway.errors import BadRequest, Conflict, NotFound
from gateway.identity.faults import Faults
from gateway.identity.records import Records
from gateway.identity.rights import actor_of
from gateway.identity.values import check_members, check_text
from gateway.inventory.access_groups.request import UpdateModelGroupRequest
from gateway.inventory.access_groups.store import GroupedModel, GroupedModels
from gateway.inventory.notices import announce_models

__all__ = ["ConfiguredModel", "ModelGroupService", "configured_models"]

_MOST_NAMED = 20


class ConfiguredModel(msgspec.Struct, frozen=True):
    """A model of the configuration, whose groups are changed there."""

    id: str
    name: str
    groups: tuple[str, ...]


def configured_models(listings: Iterable[Listing]) -> list[ConfiguredModel]:
    """Those of the models that the configuration has."""
    return [
        ConfiguredModel(one.id, one.public_name, one.deployment.access_groups if one.deployment else ())
        for one in listings
        if one.row is None
    ]


class ModelGroupService:
    """Access groups of models on behalf of proxy admins; every change is one transaction.

    A group is there as long as a model carries it. Models of the configuration count and are shown; they are
    changed in the configuration only. All methods raise DatabaseUnavailable; those that name a group that is
    not there NotFound; changes BadRequest for values and models that cannot be.
    """

    def __init__(self, database: Database, records: Records) -> None:
        self._database = database
        self._records = records
        self._models = GroupedModels(database)

    async def create(
        self,
        caller: Principal,
        group: str,
        request: UpdateModelGroupRequest,
        configured: Sequence[ConfiguredModel],
    ) -> Columns:
        """Make a group of models; raises Conflict for one that is there."""
        async with self._records.transaction():
            models = await self._models.lock()
            chosen = _choose(group, request, models, configured)
            _check_new(group, chosen)
            if _members_of(group, models, configured):
                raise Conflict(f"Access group '{group}' already exists.", param="access_group")
            changed = await self._save(caller, group, models, chosen)
        return _answer(group, request, changed)

    async def update(
        self,
        caller: Principal,
        group: str,
        request: UpdateModelGroupRequest,
        configured: Sequence[ConfiguredModel],
    ) -> Columns:
        """Let a group have exactly these models of the database."""
        async with self._records.transaction():
            models = await self._models.lock()
            _check_is_there(group, models, configured)
            chosen = _choose(group, request, models, configured)
            changed = await self._save(caller, group, models, chosen)
        return _answer(group, request, changed)

    async def delete(self, caller: Principal, group: str, configured: Sequence[ConfiguredModel]) -> Columns:
        """Take a group from all models; raises BadRequest for one that the configuration has."""
        async with self._records.transaction():
            models = await self._models.lock()
            _check_is_there(group, models, configured)
            if any(group in model.groups for model in configured):
                message = f"Access group '{group}' is of the configuration; change it there."
                raise BadRequest(message, param="access_group", type="bad_request_error")
            changed = await self._save(caller, group, models, frozenset())
        message = f"Access group '{group}' deleted successfully"
        return {"access_group": group, "models_updated": changed, "message": message}

    async def info(self, group: str, configured: Sequence[ConfiguredModel]) -> Columns:
        """Show a group."""
        models = await self._models.read()
        _check_is_there(group, models, configured)
        return _shown(group, _members_of(group, models, configured))

    async def list_all(self, configured: Sequence[ConfiguredModel]) -> Columns:
        """Show all groups by name."""
        found: dict[str, list[str]] = {}
        for groups, name in _carried(await self._models.read(), configured):
            for group in groups:
                found.setdefault(group, []).append(name)
        return {"access_groups": [_shown(group, found[group]) for group in sorted(found)]}

    async def _save(
        self, caller: Principal, group: str, models: Sequence[GroupedModel], chosen: frozenset[str]
    ) -> int:
        """Write the models whose membership changes; returns how many."""
        changes = [
            (model, model.with_groups(_changed(model.groups, group, is_in=model.id in chosen)))
            for model in models
            if (group in model.groups) != (model.id in chosen)
        ]
        if changes:
            await self._models.save([after for _, after in changes], actor_of(caller))
            await self._records.audit.record(
                caller,
                *(
                    updated(Audited.MODEL, before.id, {"model_info": before.info}, {"model_info": after.info})
                    for before, after in changes
                ),
            )
            await announce_models(self._database)
        return len(changes)


def _changed(groups: list[str], group: str, *, is_in: bool) -> list[str]:
    others = [name for name in groups if name != group]
    return [*others, group] if is_in else others


def _carried(
    models: Iterable[GroupedModel], configured: Iterable[ConfiguredModel]
) -> Iterable[tuple[Sequence[str], str]]:
    """The groups and the name of every model."""
    yield from ((model.groups, model.name) for model in configured)
    yield from ((model.groups, model.public_name) for model in models)


def _members_of(
    group: str, models: Iterable[GroupedModel], configured: Iterable[ConfiguredModel]
) -> list[str]:
    return [name for groups, name in _carried(models, configured) if group in groups]


def _check_is_there(
    group: str, models: Iterable[GroupedModel], configured: Iterable[ConfiguredModel]
) -> None:
    if not _members_of(group, models, configured):
        raise NotFound(f"Access group '{group[:200]}' not found.", param="access_group")


def _check_new(group: str, chosen: frozenset[str]) -> None:
    faults = Faults()
    if "/" in group:
        faults.add("access_group", "has no slash: it is a part of paths.")
    if not chosen:
        faults.add("model_names", "Name the models of the group, or their model_ids.")
    faults.refuse()


def _choose(
    group: str,
    request: UpdateModelGroupRequest,
    models: Sequence[GroupedModel],
    configured: Sequence[ConfiguredModel],
) -> frozenset[str]:
    """The ids of the models that are named. Raises BadRequest for such as are not in the database."""
    faults = Faults()
    check_text(faults, "access_group", group)
    check_members(faults, {"models": [*(request.model_names or ()), *(request.model_ids or ())]})
    faults.refuse()
    by_name: dict[str, list[str]] = {}
    for model in models:
        for name in {model.name, model.public_name}:
            by_name.setdefault(name, []).append(model.id)
    if request.model_ids:
        stored = {model.id for model in models}
        _check_known(faults, "model_ids", request.model_ids, stored, {model.id for model in configured})
        faults.refuse()
        return frozenset(request.model_ids)
    names = request.model_names or []
    _check_known(faults, "model_names", names, set(by_name), {model.name for model in configured})
    faults.refuse()
    return frozenset(identifier for name in names for identifier in by_name[name])


def _check_known(
    faults: Faults, path: str, names: Iterable[str], stored: set[str], configured: set[str]
) -> None:
    missing = [name for name in names if name not in stored]
    of_configuration = [name for name in missing if name in configured]
    others = [name for name in missing if name not in configured]
    if of_configuration:
        named = ", ".join(of_configuration[:_MOST_NAMED])
        faults.add(path, f"of the configuration, and to be changed there: {named}.")
    if others:
        faults.add(path, f"not found in the database: {', '.join(others[:_MOST_NAMED])}.")


def _shown(group: str, names: Sequence[str]) -> Columns:
    return {
        "access_group": group,
        "model_names": sorted(set(names)),
        "deployment_count": len(names),
        "spend": None,
        "budget": None,
    }


def _answer(group: str, request: UpdateModelGroupRequest, changed: int) -> Columns:
    return {
        "access_group": group,
        "model_names": request.model_names,
        "model_ids": request.model_ids,
        "models_updated": changed,
    }
