"""Reports and changes that are told, from the tables to the alerts."""

from datetime import UTC, datetime

import pytest

from gateway.alerts.events import Alert
from gateway.audit.changes import Audited, created, deleted, updated
from gateway.audit.trail import AuditTrail
from gateway.db.engine import Database
from gateway.db.lease import Lease
from gateway.jobs.alert_reports import DailyReport, SpendReport
from gateway.jobs.change_alerts import ChangeAlerts
from gateway.testing import FakeClock, make_principal

LOGS = """
INSERT INTO "LiteLLM_SpendLogs" (request_id, call_type, api_key, "startTime", "endTime", model_id,
    model_group, status, completion_tokens, request_duration_ms)
VALUES ('1', '', '', '2026-03-10 04:00', '2026-03-10 04:00', 'one', 'gpt', 'success', 100, 1000),
    ('2', '', '', '2026-03-10 14:59', '2026-03-10 14:59', 'one', 'gpt', 'failure', 0, 9000),
    ('3', '', '', '2026-03-10 05:00', '2026-03-10 05:00', 'two', 'gpt', 'success', 10, 500),
    ('4', '', '', '2026-03-10 02:59', '2026-03-10 02:59', 'old', 'gpt', 'success', 10, 500),
    ('5', '', '', '2026-03-10 15:00', '2026-03-10 15:00', 'new', 'gpt', 'success', 10, 500),
    ('6', '', '', '2026-03-10 05:00', '2026-03-10 05:00', '', 'gpt', 'failure', 0, 5)
"""
DAYS = """
INSERT INTO "LiteLLM_TeamTable" (team_id, team_alias) VALUES ('reported', 'Research');
INSERT INTO "LiteLLM_DailyUserSpend" (id, user_id, date, api_key, model, custom_llm_provider, spend,
    api_requests, updated_at)
VALUES ('a', '', '2026-03-02', 'k', 'm', 'p', 1.5, 3, now()),
    ('b', '', '2026-03-08', 'k', 'm', 'p', 2, 4, now()),
    ('c', '', '2026-03-09', 'k', 'm', 'p', 100, 1, now()),
    ('d', '', '2026-02-28', 'k', 'm', 'p', 7, 1, now());
INSERT INTO "LiteLLM_DailyTeamSpend" (id, team_id, date, api_key, model, custom_llm_provider, spend,
    api_requests, updated_at)
VALUES ('a', 'reported', '2026-03-02', 'k', 'm', 'p', 1.5, 3, now()),
    ('b', 'gone', '2026-03-08', 'k', 'm', 'p', 2, 4, now());
INSERT INTO "LiteLLM_DailyTagSpend" (id, tag, date, api_key, model, custom_llm_provider, spend,
    api_requests, updated_at)
VALUES ('a', 'blue', '2026-03-08', 'k', 'm', 'p', 0.25, 1, now());
"""


@pytest.fixture
def told() -> list[Alert]:
    return []


def at(text: str) -> FakeClock:
    return FakeClock(int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()) * 10**9)


async def test_the_daily_report_names_failing_and_slow_deployments(
    database: Database, clock: FakeClock, lease: Lease, told: list[Alert]
) -> None:
    report = DailyReport(database, clock, told.append)
    await report.run(lease)
    assert told == []
    await database.execute(LOGS)
    async with database.count_statements() as counter:
        await report.run(lease)
    assert len(counter) == 1
    (alert,) = told
    assert alert.type == "daily_reports"
    assert alert.event.event_message.splitlines() == [
        "2026-03-10 03:00 to 2026-03-10 15:00 UTC: 3 requests, 1 failed.",
        "Failed: 1 of 2, model=gpt, deployment=one",
        "Slow: 50.0 ms per token, model=gpt, deployment=two",
        "Slow: 10.0 ms per token, model=gpt, deployment=one",
    ]


async def test_spend_is_reported_on_mondays(database: Database, lease: Lease, told: list[Alert]) -> None:
    async with database.acquire() as connection:
        await connection.execute(DAYS)
    await SpendReport(database, at("2026-03-10 00:10"), told.append, 7).run(lease)
    assert told == []
    await SpendReport(database, at("2026-03-09 00:10"), told.append, 7).run(lease)
    (alert,) = told
    assert (alert.type, alert.entity) == ("spend_reports", "2026-03-02:2026-03-09")
    assert alert.event.event_message.splitlines() == [
        "Spend from 2026-03-02 to 2026-03-08 (UTC): $3.50 with 7 requests.",
        "Team gone: $2.00 with 4 requests",
        "Team Research: $1.50 with 3 requests",
        "Tag blue: $0.25 with 1 requests",
    ]


async def test_spend_of_a_month_is_reported_on_the_first_of_the_next(
    database: Database, lease: Lease, told: list[Alert]
) -> None:
    async with database.acquire() as connection:
        await connection.execute(DAYS)
    await SpendReport(database, at("2026-03-01 00:10"), told.append, 7).run(lease)
    (alert,) = told
    assert alert.event.event_message == "Spend from 2026-02-01 to 2026-02-28 (UTC): $7.00 with 1 requests."


async def test_a_report_that_the_database_does_not_give_is_left_out(
    database: Database, clock: FakeClock, lease: Lease, told: list[Alert]
) -> None:
    await database.close()
    await DailyReport(database, clock, told.append).run(lease)
    await SpendReport(database, at("2026-03-09 00:10"), told.append, 7).run(lease)
    assert told == []
    await database.open()


async def test_changes_in_the_audit_trail_are_told(
    database: Database, lease: Lease, told: list[Alert]
) -> None:
    caller, trail = make_principal(user_id="ann"), AuditTrail(database)
    await trail.record(
        caller,
        created(Audited.KEY, "hash", {"key_alias": "ci", "team_id": "t"}),
        updated(Audited.TEAM, "t", {"team_alias": "Old"}, {"team_alias": "New"}),
        deleted(Audited.USER, "bob", {"user_email": "bob@example.com"}),
        created(Audited.BUDGET, "b", {}),
    )
    now = await database.fetch_value("SELECT (EXTRACT(EPOCH FROM clock_timestamp()) * 1000)::bigint")
    changes = ChangeAlerts(database, FakeClock(now * 1_000_000), told.append)
    await changes.run(lease)
    # Entries of one millisecond have no order.
    assert {(alert.type, alert.event.event_message) for alert in told} == {
        ("new_virtual_key_created", "Key created: ci. By ann."),
        ("team_updated", "Team updated: New. By ann."),
        ("internal_user_deleted", "Internal user deleted: bob@example.com. By ann."),
    }
    assert len({alert.entity for alert in told}) == 3
    told.clear()
    await ChangeAlerts(database, FakeClock((now + 130_000) * 1_000_000), told.append).run(lease)
    assert told == []
