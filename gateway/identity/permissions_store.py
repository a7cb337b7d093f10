"""The queries of object permissions."""

from collections.abc import Sequence

from gateway.db.engine import Database
from gateway.db.rows import Rows
from gateway.db.tables.permissions import ObjectPermissionTable

__all__ = ["PermissionRecords"]

_OWNERS = (
    *("LiteLLM_VerificationToken", "LiteLLM_TeamTable", "LiteLLM_UserTable", "LiteLLM_OrganizationTable"),
    *("LiteLLM_ProjectTable", "LiteLLM_EndUserTable", "LiteLLM_AgentsTable"),
)
# The database would set what still refers to a row to null, and so set its owner free.
_IS_HELD = " OR ".join(
    f'EXISTS (SELECT FROM "{table}" t WHERE t.object_permission_id = x.object_permission_id)'
    for table in _OWNERS
)
_DROP = f"""
DELETE FROM "LiteLLM_ObjectPermissionTable" x WHERE object_permission_id = ANY ($1) AND NOT ({_IS_HELD})
"""  # noqa: S608  only constants of this module are put in


class PermissionRecords(Rows):
    """Reads and writes object permissions. Raises DatabaseUnavailable."""

    def __init__(self, database: Database) -> None:
        super().__init__(ObjectPermissionTable)
        self._database = database

    async def drop_unused(self, permission_ids: Sequence[str | None]) -> None:
        """Remove rows whose owners are gone or have let go of them; those that others have stay."""
        known = [permission_id for permission_id in permission_ids if permission_id]
        if known:
            await self._database.execute(_DROP, known)
