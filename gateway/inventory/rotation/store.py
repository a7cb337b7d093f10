"""The queries that read and write every column with encrypted values."""

from collections.abc import AsyncGenerator

import msgspec

from gateway.db.connection import Connection

__all__ = ["PLACES", "Place", "SealedColumns", "SealedValue"]

_PAGE = 500


_HAS_SECRETS = "metadata ?| ARRAY['callback_settings', 'logging', 'secret_manager_settings']"


class Place(msgspec.Struct, frozen=True):
    """A column with encrypted values, all names constants; `key` is the table's key column.

    `condition` leaves out rows that cannot have any. `is_strict` says that every text in it is encrypted, so
    that one which cannot be decrypted is lost.
    """

    table: str
    key: str
    column: str
    is_json: bool = True
    is_strict: bool = False
    condition: str = "true"

    @property
    def path(self) -> str:
        """The name for messages."""
        return f"{self.table}.{self.column}"


PLACES = (
    Place("LiteLLM_ProxyModelTable", "model_id", "litellm_params", is_strict=True),
    Place("LiteLLM_CredentialsTable", "credential_id", "credential_values", is_strict=True),
    Place("LiteLLM_Config", "param_name", "param_value"),
    Place("LiteLLM_ConfigOverrides", "config_type", "config_value"),
    Place("LiteLLM_CacheConfig", "id", "cache_settings"),
    Place("LiteLLM_SSOConfig", "id", "sso_settings"),
    Place("LiteLLM_GuardrailsTable", "guardrail_id", "litellm_params"),
    Place("LiteLLM_SearchToolsTable", "search_tool_id", "litellm_params"),
    Place("LiteLLM_ManagedVectorStoresTable", "vector_store_id", "litellm_params"),
    Place("LiteLLM_MCPServerTable", "server_id", "credentials"),
    Place("LiteLLM_MCPServerTable", "server_id", "env"),
    Place("LiteLLM_MCPServerTable", "server_id", "static_headers"),
    Place("LiteLLM_TeamTable", "team_id", "metadata", condition=_HAS_SECRETS),
    Place("LiteLLM_DeletedTeamTable", "id", "metadata", condition=_HAS_SECRETS),
    Place("LiteLLM_MCPUserCredentials", "id", "credential_b64", is_json=False, is_strict=True),
)
"""Every column in which LiteLLM or the gateway encrypts; where they are not strict, some texts are plain."""


class SealedValue(msgspec.Struct, frozen=True):
    """One value of one column: JSON as text, or the text itself."""

    key: str
    text: str

    __repr__ = object.__repr__


class SealedColumns:
    """Reads and writes within the caller's transaction."""

    async def read(
        self, connection: Connection, place: Place, *, holds: bool
    ) -> AsyncGenerator[list[SealedValue]]:
        """Every value of a column in pages, by the keys; if it `holds` them, until the transaction ends."""
        # Names of tables and columns are constants of this module.
        sql = f"""
            SELECT {place.key}::text AS key, {place.column}::text AS text FROM "{place.table}"
            WHERE {place.column} IS NOT NULL AND {place.key}::text > $1 AND {place.condition}
            ORDER BY {place.key}::text LIMIT {_PAGE} {"FOR NO KEY UPDATE" if holds else ""}
        """  # noqa: S608  see above
        after = ""
        while True:
            rows = await connection.fetch(sql, after)
            yield [SealedValue(row["key"], row["text"]) for row in rows]
            if len(rows) < _PAGE:
                return
            after = rows[-1]["key"]

    async def write(self, connection: Connection, place: Place, values: list[SealedValue]) -> None:
        """Replace values of a page."""
        if not values:
            return
        cast = "::jsonb" if place.is_json else ""
        sql = f"""
            UPDATE "{place.table}" t SET {place.column} = new.text{cast}
            FROM unnest($1::text[], $2::text[]) AS new (key, text) WHERE t.{place.key}::text = new.key
        """  # noqa: S608  as above
        await connection.execute(sql, [value.key for value in values], [value.text for value in values])
