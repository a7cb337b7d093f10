"""What reports show of the keys, teams, organizations, users and agents that they name."""

from collections.abc import Sequence

from gateway.db.connection import Connection

__all__ = ["load_entity_names", "load_key_names"]

# A deleted key is in its archive; the last time that it was deleted counts.
_KEYS = """
SELECT token, key_alias, team_id, key_name FROM "LiteLLM_VerificationToken" WHERE token = ANY($1::text[])
UNION ALL
SELECT DISTINCT ON (token) token, key_alias, team_id, key_name FROM "LiteLLM_DeletedVerificationToken" d
WHERE token = ANY($1::text[])
    AND NOT EXISTS (SELECT FROM "LiteLLM_VerificationToken" k WHERE k.token = d.token)
"""
_ENTITIES = {
    "user": """SELECT user_id AS id, user_alias, user_email FROM "LiteLLM_UserTable"
        WHERE user_id = ANY($1::text[])""",
    "team": 'SELECT team_id AS id, team_alias FROM "LiteLLM_TeamTable" WHERE team_id = ANY($1::text[])',
    "organization": """SELECT organization_id AS id, organization_alias FROM "LiteLLM_OrganizationTable"
        WHERE organization_id = ANY($1::text[])""",
    "customer": """SELECT user_id AS id, alias FROM "LiteLLM_EndUserTable"
        WHERE user_id = ANY($1::text[])""",
    "agent": 'SELECT agent_id AS id, agent_name FROM "LiteLLM_AgentsTable" WHERE agent_id = ANY($1::text[])',
}


async def load_key_names(connection: Connection, tokens: Sequence[str]) -> dict[str, dict[str, object]]:
    """Alias, name and team of keys, also deleted ones, by their hashes; no statement for no keys."""
    if not tokens:
        return {}
    rows = await connection.fetch(_KEYS, list(tokens))
    return {
        row["token"]: {"key_alias": row["key_alias"], "team_id": row["team_id"], "key_name": row["key_name"]}
        for row in rows
    }


async def load_entity_names(
    connection: Connection, kind: str, ids: Sequence[str]
) -> dict[str, dict[str, object]]:
    """What is shown of entities of a kind, by their ids; tags are their own names."""
    sql = _ENTITIES.get(kind)
    if sql is None or not ids:
        return {}
    rows = await connection.fetch(sql, list(ids))
    return {row["id"]: {name: value for name, value in row.items() if name != "id"} for row in rows}
