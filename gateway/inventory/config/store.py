"""The queries of settings."""

import msgspec

from gateway.db.engine import Database
from gateway.db.rows import Rows
from gateway.db.tables.configuration import Config

__all__ = ["ConfigRecords", "members_of_json"]

_ADD = """
INSERT INTO "LiteLLM_Config" (param_name, param_value) VALUES ($1, '{}') ON CONFLICT (param_name) DO NOTHING
"""
_decode = msgspec.json.Decoder(dict[str, object]).decode
Members = dict[str, object]


class ConfigRecords(Rows):
    """Reads and writes sections of the configuration. Raises DatabaseUnavailable."""

    def __init__(self, database: Database) -> None:
        super().__init__(Config)
        self._database = database

    async def lock_section(self, section: str) -> Members:
        """The members of a section, held for change; without a row one is made."""
        await self._database.execute(_ADD, section)
        row = await self.lock(section)
        return members_of_json(row["param_value"] if row is not None else None)

    async def find_sections(self, sections: list[str]) -> dict[str, Members]:
        """The members of these sections, those that have a row."""
        rows = await self.find_any(sections)
        return {row["param_name"]: members_of_json(row["param_value"]) for row in rows}


def members_of_json(value: object) -> Members:
    """An object, also one that was stored as a text of JSON; whatever else there is says nothing."""
    if isinstance(value, str):
        try:
            return _decode(value)
        except msgspec.DecodeError:
            return {}
    return dict(value) if isinstance(value, dict) else {}  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType]  decoded JSON
