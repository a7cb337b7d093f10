"""A migrated database with one row of everything that can have a budget."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime

import pytest

from gateway.db.engine import Database
from gateway.db.lease import Lease
from gateway.db.url import parse_database_url
from gateway.testing import FakeClock

NOW = datetime(2026, 3, 10, 15, 30, tzinfo=UTC)
"""A Tuesday."""
SEED_SQL = """
INSERT INTO "LiteLLM_BudgetTable" (budget_id, created_by, updated_by, budget_duration,
    budget_reset_at, max_budget)
VALUES ('shared', 'x', 'x', '1d', '2026-03-10', 4), ('quiet', 'x', 'x', '30d', '2026-04-01', NULL);
INSERT INTO "LiteLLM_OrganizationTable" (organization_id, organization_alias, budget_id, models, spend,
    created_by, updated_by)
VALUES ('org', 'Org', 'shared', '{}', 5, 'x', 'x'), ('other', 'Other', 'quiet', '{}', 5, 'x', 'x');
INSERT INTO "LiteLLM_UserTable" (user_id, spend, budget_duration, budget_reset_at)
VALUES ('user', 2.5, '7d', '2026-03-09'),
    ('litellm-proxy-budget', 9, '1mo', '2026-03-01'), ('free', 7, NULL, NULL);
INSERT INTO "LiteLLM_TeamTable" (team_id, spend, budget_duration, budget_reset_at)
VALUES ('team', 3, '1h', '2026-03-10 15:00'), ('later', 3, '1h', '2026-03-10 16:00');
INSERT INTO "LiteLLM_TeamMembership" (user_id, team_id, budget_id, spend, total_spend)
VALUES ('user', 'team', 'shared', 1, 8), ('free', 'team', NULL, 1, 1);
INSERT INTO "LiteLLM_OrganizationMembership" (user_id, organization_id, budget_id, spend)
VALUES ('user', 'org', 'shared', 1);
INSERT INTO "LiteLLM_ProjectTable" (project_id, budget_id, spend, created_by, updated_by)
VALUES ('project', 'shared', 6, 'x', 'x');
INSERT INTO "LiteLLM_EndUserTable" (user_id, budget_id, spend, blocked)
VALUES ('guest', 'shared', 0.25, false);
INSERT INTO "LiteLLM_TagTable" (tag_name, budget_id, spend)
VALUES ('blue', 'shared', 0.5), ('red', NULL, 0.5);
INSERT INTO "LiteLLM_VerificationToken" (token, spend, max_budget, budget_id, budget_duration,
    budget_reset_at, expires)
VALUES ('own', 1.000000001, 1, NULL, '30d', '2026-03-01', NULL),
    ('follows', 2, NULL, 'shared', NULL, NULL, NULL),
    ('both', 3, NULL, 'shared', '30d', '2026-04-01', NULL),
    ('expired', 4, NULL, NULL, '1d', '2026-03-01', '2026-03-02'),
    ('once', 5, NULL, NULL, NULL, '2026-03-01', NULL), ('starts', 6, NULL, NULL, '1d', NULL, NULL);
"""


@pytest.fixture
async def database(migrated_database_url: str) -> AsyncIterator[Database]:
    database = Database(parse_database_url(migrated_database_url))
    await database.open()
    async with database.acquire() as connection:
        await connection.execute(SEED_SQL)
    yield database
    await database.close()


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock(int(NOW.timestamp()) * 1_000_000_000)


@pytest.fixture
async def lease(database: Database) -> Lease:
    lease = Lease(database, "job", "worker")
    await lease.acquire()
    return lease
