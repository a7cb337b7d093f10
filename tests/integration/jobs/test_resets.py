"""The reset job on a database with one row of everything that can have a budget."""

import asyncio
import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime, time
from typing import Any
from zoneinfo import ZoneInfo

import asyncpg
import pytest

from gateway.db.engine import Database
from gateway.db.lease import Lease, LeaseLostError
from gateway.identity.invalidation import CHANNEL, decode_scopes
from gateway.identity.reset_calendar import ResetCalendar
from gateway.jobs import resets as module
from gateway.jobs.resets import BudgetResets, ResetPolicy
from gateway.testing import FakeClock

SPENDS = {
    "key": 'SELECT token AS id, spend FROM "LiteLLM_VerificationToken"',
    "user": 'SELECT user_id AS id, spend FROM "LiteLLM_UserTable"',
    "team": 'SELECT team_id AS id, spend FROM "LiteLLM_TeamTable"',
    "team_member": "SELECT user_id || ':' || team_id AS id, spend FROM \"LiteLLM_TeamMembership\"",
    "organization": 'SELECT organization_id AS id, spend FROM "LiteLLM_OrganizationTable"',
    "organization_member": (
        "SELECT user_id || ':' || organization_id AS id, spend FROM \"LiteLLM_OrganizationMembership\""
    ),
    "project": 'SELECT project_id AS id, spend FROM "LiteLLM_ProjectTable"',
    "end_user": 'SELECT user_id AS id, spend FROM "LiteLLM_EndUserTable"',
    "tag": 'SELECT tag_name AS id, spend FROM "LiteLLM_TagTable"',
}
KEPT = {
    ("key", "both"): 3.0,
    ("key", "expired"): 4.0,
    ("key", "starts"): 6.0,
    ("user", "free"): 7.0,
    ("team", "later"): 3.0,
    ("team_member", "free:team"): 1.0,
    ("organization", "other"): 5.0,
    ("tag", "red"): 0.5,
}


def at(*parts: int) -> datetime:
    """As the columns have it: UTC without saying so."""
    return datetime(*parts, tzinfo=UTC).replace(tzinfo=None)


async def spends_of(database: Database) -> dict[tuple[str, str], float]:
    return {
        (kind, row["id"]): row["spend"] for kind, sql in SPENDS.items() for row in await database.fetch(sql)
    }


async def adjusted(database: Database) -> dict[tuple[str, str], int]:
    rows = await database.fetch("SELECT entity_type, entity_id, nanos FROM gatewright.adjustment")
    return {(row["entity_type"], row["entity_id"]): row["nanos"] for row in rows}


@pytest.fixture
def resets(database: Database, clock: FakeClock) -> BudgetResets:
    return BudgetResets(database, clock, ResetPolicy())


@pytest.fixture
async def heard(database: Database) -> AsyncIterator[list[str]]:
    connection = await asyncpg.connect(**database.options.connect_arguments())
    payloads: list[str] = []
    await connection.add_listener(CHANNEL, lambda *arguments: payloads.append(arguments[3]))
    yield payloads
    await connection.close()


async def test_what_is_due_is_reset_and_nothing_else(
    database: Database, lease: Lease, resets: BudgetResets
) -> None:
    before = await spends_of(database)
    await resets.run(lease)
    after = await spends_of(database)

    assert {row: spend for row, spend in after.items() if spend} == KEPT
    assert await adjusted(database) == {
        row: -round(spend * 1e9) for row, spend in before.items() if row not in KEPT
    }


async def test_the_lifetime_spend_of_a_member_stays(
    database: Database, lease: Lease, resets: BudgetResets
) -> None:
    await resets.run(lease)

    sql = "SELECT total_spend FROM \"LiteLLM_TeamMembership\" WHERE user_id = 'user'"
    assert await database.fetch_value(sql) == 8


async def test_the_next_period_goes_by_the_calendar(
    database: Database, lease: Lease, resets: BudgetResets
) -> None:
    await resets.run(lease)

    sql = """
        SELECT token AS id, budget_reset_at FROM "LiteLLM_VerificationToken"
        UNION ALL SELECT user_id, budget_reset_at FROM "LiteLLM_UserTable"
        UNION ALL SELECT team_id, budget_reset_at FROM "LiteLLM_TeamTable"
        UNION ALL SELECT budget_id, budget_reset_at FROM "LiteLLM_BudgetTable" """
    dates = {row["id"]: row["budget_reset_at"] for row in await database.fetch(sql)}
    assert dates["own"] == at(2026, 4, 1)
    assert dates["user"] == at(2026, 3, 16)
    assert dates["litellm-proxy-budget"] == at(2026, 4, 1)
    assert dates["team"] == at(2026, 3, 10, 16)
    assert dates["shared"] == at(2026, 3, 11)
    assert dates["starts"] == at(2026, 3, 11)
    assert dates["once"] is None
    assert dates["expired"] == at(2026, 3, 1)
    assert dates["follows"] is None


async def test_the_operators_calendar_is_asked(database: Database, lease: Lease, clock: FakeClock) -> None:
    policy = ResetPolicy(calendar=ResetCalendar(ZoneInfo("Asia/Tokyo"), time(6)))
    await BudgetResets(database, clock, policy).run(lease)

    sql = "SELECT budget_reset_at FROM \"LiteLLM_BudgetTable\" WHERE budget_id = 'shared'"
    # It is half past midnight of the 11th in Tokyo, and the day there begins at six.
    assert await database.fetch_value(sql) == at(2026, 3, 10, 21)


async def test_nothing_is_reset_twice(database: Database, lease: Lease, resets: BudgetResets) -> None:
    await resets.run(lease)
    first = await adjusted(database)
    await database.execute("UPDATE \"LiteLLM_TeamTable\" SET spend = 1 WHERE team_id = 'team'")
    await database.execute("UPDATE \"LiteLLM_TagTable\" SET spend = 1 WHERE tag_name = 'blue'")
    await resets.run(lease)

    assert await adjusted(database) == first
    after = await spends_of(database)
    assert (after["team", "team"], after["tag", "blue"]) == (1, 1)


async def test_the_job_knows_when_the_next_period_ends(lease: Lease, resets: BudgetResets) -> None:
    assert await resets.run(lease) == 30 * 60


async def test_every_worker_is_told_what_was_reset(
    heard: list[str], lease: Lease, resets: BudgetResets
) -> None:
    await resets.run(lease)

    async with asyncio.timeout(30):
        while not any("blue" in payload for payload in heard):  # noqa: ASYNC110  the listener sets no event
            await asyncio.sleep(0)
    scopes = {(scope.kind, scope.id) for payload in heard for scope in decode_scopes(payload) or ()}
    assert {("key", "own"), ("team_member", "user:team"), ("gateway", "gateway")} <= scopes
    assert ("key", "both") not in scopes


async def test_overspend_counts_in_the_next_period_where_it_rolls_over(
    database: Database, lease: Lease, clock: FakeClock
) -> None:
    await BudgetResets(database, clock, ResetPolicy(rolls_over=True)).run(lease)

    after = await spends_of(database)
    assert after["key", "own"] == 0.000000001
    assert after["organization", "org"] == 1
    assert after["project", "project"] == 2
    assert after["tag", "blue"] == 0
    assert (await adjusted(database))["key", "own"] == -1_000_000_000


async def test_a_job_that_lost_its_lease_changes_nothing(
    database: Database, lease: Lease, resets: BudgetResets
) -> None:
    await database.execute("UPDATE gatewright.lease SET expires_at = now() - interval '1 second'")
    await Lease(database, "job", "successor").acquire()

    with pytest.raises(LeaseLostError):
        await resets.run(lease)
    assert await adjusted(database) == {}


async def test_two_jobs_at_once_reset_everything_once(database: Database, clock: FakeClock) -> None:
    before = await spends_of(database)
    one, two = Lease(database, "job one", "worker"), Lease(database, "job two", "worker")
    await one.acquire()
    await two.acquire()

    await asyncio.gather(*(BudgetResets(database, clock, ResetPolicy()).run(lease) for lease in (one, two)))

    assert {row: spend for row, spend in (await spends_of(database)).items() if spend} == KEPT
    assert await adjusted(database) == {
        row: -round(spend * 1e9) for row, spend in before.items() if row not in KEPT
    }


async def test_a_successor_goes_on_where_a_dead_worker_stopped(
    database: Database, lease: Lease, resets: BudgetResets, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[Any] = []
    real = module.adjust

    async def dies_at_the_fifth(*arguments: Any, **named: Any) -> None:
        calls.append(arguments)
        if len(calls) == 5:
            raise ConnectionError
        await real(*arguments, **named)

    monkeypatch.setattr(module, "adjust", dies_at_the_fifth)
    with pytest.raises(ConnectionError):
        await resets.run(lease)
    monkeypatch.undo()
    # Requests go on meanwhile, in the new period of what was reset.
    await database.execute("UPDATE \"LiteLLM_VerificationToken\" SET spend = 0.125 WHERE token = 'follows'")
    await resets.run(lease)

    after = await spends_of(database)
    assert after["key", "follows"] == 0.125
    assert {row: spend for row, spend in after.items() if spend and row != ("key", "follows")} == KEPT


async def test_a_window_that_has_ended_begins_anew(
    database: Database, lease: Lease, resets: BudgetResets
) -> None:
    windows = [
        {"budget_duration": "1d", "max_budget": 1, "reset_at": "2026-03-10T00:00:00+00:00", "extra": [1]},
        {"budget_duration": "30d", "max_budget": 9, "reset_at": "2026-04-01T00:00:00Z"},
    ]
    sql = 'UPDATE "LiteLLM_TeamTable" SET budget_limits = $1::jsonb'
    await database.execute(sql, json.dumps(windows))
    await resets.run(lease)

    stored = await database.fetch_value('SELECT budget_limits FROM "LiteLLM_TeamTable" LIMIT 1')
    assert json.loads(stored) == [{**windows[0], "reset_at": "2026-03-11T00:00:00+00:00"}, windows[1]]


async def test_a_window_of_several_days_follows_the_one_that_ended_however_late_the_job_comes(
    database: Database, lease: Lease, resets: BudgetResets
) -> None:
    """It is the period in which requests have counted meanwhile."""
    window = {"budget_duration": "3d", "max_budget": 1, "reset_at": "2026-03-08T06:00:00+00:00"}
    sql = 'UPDATE "LiteLLM_TeamTable" SET budget_limits = $1::jsonb'
    await database.execute(sql, json.dumps([window]))
    await resets.run(lease)

    stored = await database.fetch_value('SELECT budget_limits FROM "LiteLLM_TeamTable" LIMIT 1')
    assert json.loads(stored) == [{**window, "reset_at": "2026-03-11T06:00:00+00:00"}]


@pytest.mark.parametrize("windows", ['[1, null, "x"]', "{}", '"1d"', "[]", '[{"budget_duration": 5}]'])
async def test_windows_that_are_none_are_left_alone(
    database: Database, lease: Lease, resets: BudgetResets, windows: str
) -> None:
    await database.execute('UPDATE "LiteLLM_VerificationToken" SET budget_limits = $1::jsonb', windows)
    await resets.run(lease)

    stored = await database.fetch_value('SELECT budget_limits FROM "LiteLLM_VerificationToken" LIMIT 1')
    assert json.loads(stored) == json.loads(windows)


async def test_large_tables_are_reset_in_parts(
    database: Database, lease: Lease, resets: BudgetResets
) -> None:
    await database.execute("""
        INSERT INTO "LiteLLM_EndUserTable" (user_id, budget_id, spend, blocked)
        SELECT 'guest-' || number, 'shared', 0.001, false FROM generate_series(1, 1200) number""")
    await database.execute("""
        INSERT INTO "LiteLLM_VerificationToken" (token, spend, budget_duration, budget_reset_at)
        SELECT 'key-' || number, 0.001, '1d', '2026-03-10' FROM generate_series(1, 1200) number""")
    await resets.run(lease)

    assert {row: spend for row, spend in (await spends_of(database)).items() if spend} == KEPT
    assert resets.resets >= 2400


async def test_budgets_per_model_without_a_period_start_anew_with_their_object(
    database: Database, lease: Lease, resets: BudgetResets
) -> None:
    await database.execute("""
        INSERT INTO gatewright.meter (kind, id, model, period, ends_ms, nanos)
        VALUES ('key', 'own', 'gpt', '', 0, 5), ('key', 'own', 'gpt', '1d', 1, 6),
            ('key', 'both', 'gpt', '', 0, 7)""")
    await resets.run(lease)

    rows = await database.fetch("SELECT id, period, nanos FROM gatewright.meter ORDER BY id")
    assert [tuple(row) for row in rows] == [("both", "", 7), ("own", "1d", 6)]


async def test_end_users_without_a_budget_row_follow_the_default_one(
    database: Database, lease: Lease, clock: FakeClock
) -> None:
    await database.execute("""
        INSERT INTO "LiteLLM_EndUserTable" (user_id, spend, blocked) VALUES ('free', 0.5, false)""")
    await BudgetResets(database, clock, ResetPolicy(end_user_budget_id="shared")).run(lease)

    after = await spends_of(database)
    assert (after["end_user", "guest"], after["end_user", "free"]) == (0, 0)
    assert (after["tag", "red"], after["team_member", "free:team"]) == (0.5, 1)


async def test_members_without_a_budget_row_follow_that_of_their_team(
    database: Database, lease: Lease, resets: BudgetResets
) -> None:
    await database.execute("""
        UPDATE "LiteLLM_TeamTable" SET metadata = '{"team_member_budget_id": "shared"}'
        WHERE team_id = 'team'""")
    await resets.run(lease)

    assert (await spends_of(database))["team_member", "free:team"] == 0
