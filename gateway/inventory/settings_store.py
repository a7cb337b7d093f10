"""The queries of tables that keep settings in one row."""

from gateway.db.engine import Database
from gateway.db.rows import Rows
from gateway.db.tables.configuration import CacheConfig, ConfigOverrides, SSOConfig, UISettings
from gateway.inventory.config.store import members_of_json

__all__ = ["SettingsRow", "cache_row", "override_row", "sso_row", "ui_row"]

Members = dict[str, object]
_ADD_SSO = """
INSERT INTO "LiteLLM_SSOConfig" (id, sso_settings, updated_at) VALUES ($1, '{}', now() AT TIME ZONE 'UTC')
ON CONFLICT (id) DO NOTHING
"""
_ADD_UI = """
INSERT INTO "LiteLLM_UISettings" (id, ui_settings, updated_at) VALUES ($1, '{}', now() AT TIME ZONE 'UTC')
ON CONFLICT (id) DO NOTHING
"""


_ADD_CACHE = """
INSERT INTO "LiteLLM_CacheConfig" (id, cache_settings, updated_at) VALUES ($1, '{}', now() AT TIME ZONE 'UTC')
ON CONFLICT (id) DO NOTHING
"""
_ADD_OVERRIDE = """
INSERT INTO "LiteLLM_ConfigOverrides" (config_type, config_value, updated_at)
VALUES ($1, '{}', now() AT TIME ZONE 'UTC') ON CONFLICT (config_type) DO NOTHING
"""


class SettingsRow:
    """The one row of a table, as the members of its JSON column. Raises DatabaseUnavailable."""

    def __init__(self, database: Database, rows: Rows, key: str, column: str, add: str) -> None:
        self.key = key
        self._database = database
        self._rows = rows
        self._column = column
        self._add = add

    async def find(self) -> Members:
        """The members; none where there is no row."""
        row = await self._rows.find(self.key)
        return members_of_json(None if row is None else row[self._column])

    async def lock(self) -> Members:
        """The members, held for change until the transaction ends; without a row one is made."""
        await self._database.execute(self._add, self.key)
        row = await self._rows.lock(self.key)
        return members_of_json(None if row is None else row[self._column])

    async def delete(self) -> Members | None:
        """Remove the row; returns its members, None where there was none."""
        row = await self._rows.lock(self.key)
        if row is None:
            return None
        await self._rows.delete(self.key)
        return members_of_json(row[self._column])

    async def write(self, members: Members) -> None:
        """Replace the members of the row that `lock` holds."""
        await self._rows.update(self.key, {self._column: members})


def sso_row(database: Database) -> SettingsRow:
    """The settings of the identity provider; every text in them is encrypted."""
    return SettingsRow(database, Rows(SSOConfig), "sso_config", "sso_settings", _ADD_SSO)


def ui_row(database: Database) -> SettingsRow:
    """The settings of a console."""
    return SettingsRow(database, Rows(UISettings), "ui_settings", "ui_settings", _ADD_UI)


def override_row(database: Database, kind: str) -> SettingsRow:
    """The settings of a secret manager; every text in them is encrypted."""
    return SettingsRow(database, Rows(ConfigOverrides), kind, "config_value", _ADD_OVERRIDE)


def cache_row(database: Database) -> SettingsRow:
    """The settings of a cache of answers; every text in them is encrypted."""
    return SettingsRow(database, Rows(CacheConfig), "cache_config", "cache_settings", _ADD_CACHE)
