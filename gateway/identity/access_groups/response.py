"""Access groups as they are shown: with the names of whom and what they are about."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from gateway.db.rows import Columns
from gateway.identity.access_groups.store import AccessGroupRecords

__all__ = ["LISTS", "show_groups"]

LISTS = {
    "key": ("assigned_key_ids", "assigned_keys"),
    "team": ("assigned_team_ids", "assigned_teams"),
    "server": ("access_mcp_server_ids", "access_mcp_servers"),
    "agent": ("access_agent_ids", "access_agents"),
}
"""By kind: the column with ids, and the member of an answer with their names."""


async def show_groups(groups: AccessGroupRecords, rows: Sequence[Mapping[str, Any]]) -> list[Columns]:
    """The rows, with what is named in them as `{"id", "name"}`, read in one statement.

    Raises DatabaseUnavailable.
    """
    ids = {kind: _all(rows, column) for kind, (column, _) in LISTS.items()}
    found = []
    if any(ids.values()):
        found = await groups.list_names(ids["key"], ids["team"], ids["server"], ids["agent"])
    names = {(row["kind"], row["id"]): row["name"] for row in found}
    return [{**row, **_named(row, names)} for row in rows]


def _named(row: Mapping[str, Any], names: Mapping[tuple[str, str], str | None]) -> Columns:
    return {
        member: [{"id": one, "name": names[kind, one]} for one in row[column] or () if (kind, one) in names]
        for kind, (column, member) in LISTS.items()
    }


def _all(rows: Iterable[Mapping[str, Any]], column: str) -> list[str]:
    return sorted({one for row in rows for one in row[column] or ()})
