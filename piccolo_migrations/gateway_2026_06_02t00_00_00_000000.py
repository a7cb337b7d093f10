"""The baseline: everything that `gateway/db/schema/wanted.json` lists and the database lacks."""

from gateway.db.schema.migration import GuardedMigration

ID = "2026-06-02T00:00:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "Bring an empty or a LiteLLM database to the baseline"


async def forwards() -> GuardedMigration:
    """The migration; it reads the live catalog when it runs."""
    return GuardedMigration(migration_id=ID, app_name="gateway", description=DESCRIPTION)
