"""The queries of models' access groups, which stand in `model_info.access_groups`."""

from collections.abc import Mapping
from typing import cast

import msgspec

from gateway.db.engine import Database

__all__ = ["GroupedModel", "GroupedModels"]

_ALL = 'SELECT model_id, model_name, model_info::text AS model_info FROM "LiteLLM_ProxyModelTable"'
_LOCK_ALL = f'{_ALL} ORDER BY model_id COLLATE "C" FOR NO KEY UPDATE'
_SET = """
UPDATE "LiteLLM_ProxyModelTable" t
SET model_info = w.info::jsonb, updated_by = $3, updated_at = now() AT TIME ZONE 'UTC'
FROM unnest($1::text[], $2::text[]) AS w (id, info) WHERE t.model_id = w.id
"""

_decode = msgspec.json.Decoder().decode
_encode = msgspec.json.Encoder().encode


class GroupedModel(msgspec.Struct, frozen=True, kw_only=True):
    """A model of the database, as far as groups go; `info` is its `model_info`."""

    id: str
    name: str
    info: Mapping[str, object]

    @property
    def groups(self) -> list[str]:
        """The groups that the model is in."""
        listed = self.info.get("access_groups")
        items = cast("list[object]", listed) if isinstance(listed, list) else []  # of unknown JSON values
        return [item for item in items if isinstance(item, str)]

    @property
    def public_name(self) -> str:
        """The name under which callers ask for the model."""
        public = self.info.get("team_public_model_name")
        return public if isinstance(public, str) and public else self.name

    def with_groups(self, groups: list[str]) -> "GroupedModel":
        """The model in exactly these groups."""
        return msgspec.structs.replace(self, info={**self.info, "access_groups": groups})


class GroupedModels:
    """Reads and writes groups of all models: they are hundreds of rows. Raises DatabaseUnavailable."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def read(self) -> list[GroupedModel]:
        """All models of the database."""
        return [_model(dict(row)) for row in await self._database.fetch(_ALL)]

    async def lock(self) -> list[GroupedModel]:
        """All models, held for change until the transaction ends."""
        return [_model(dict(row)) for row in await self._database.fetch(_LOCK_ALL)]

    async def save(self, models: list[GroupedModel], actor: str) -> None:
        """Write the groups of models that are held."""
        infos = [_encode(model.info).decode() for model in models]
        await self._database.execute(_SET, [model.id for model in models], infos, actor)


def _model(row: Mapping[str, str | None]) -> GroupedModel:
    info = _decode(row["model_info"] or "null")
    if isinstance(info, str):
        # LiteLLM has stored objects as texts of JSON.
        info = _decode(info)
    if not isinstance(info, dict):
        info = {}
    return GroupedModel(
        id=row["model_id"] or "",
        name=row["model_name"] or "",
        info=cast("Mapping[str, object]", info),  # of unknown JSON values
    )
