"""Daily reports over rows as they are in large and in old databases."""

from datetime import date

import pytest

from gateway.db.engine import Database
from gateway.spend.reporting import daily
from gateway.spend.reporting.daily import DailyReports, Page
from gateway.spend.reporting.daily_store import Choice, GroupBounds
from gateway.spend.reporting.dates import Period
from gateway.spend.reporting.grouped import GroupedReports
from gateway.spend.reporting.grouped_store import KeyFilter
from gateway.spend.reporting.reader_store import ReportReader
from gateway.spend.reporting.totals import Totals

PERIOD = Period(date(2026, 1, 1), date(2026, 1, 4))
CHOICE = Choice(period=PERIOD)
# Four days, three users with a key each, two models; the third key spends most.
FILL = """
INSERT INTO "LiteLLM_DailyUserSpend" (id, user_id, date, api_key, model, model_group, custom_llm_provider,
    mcp_namespaced_tool_name, endpoint, spend, prompt_tokens, completion_tokens, api_requests,
    successful_requests, failed_requests, updated_at)
SELECT 'row-' || d || '-' || k || '-' || m, 'user-' || k, '2026-01-0' || d, 'key-' || k, 'model-' || m,
    'group', 'openai', '', '/v1/chat/completions', k * 0.1, 10, 5, 2, 1, 1, now()
FROM generate_series(1, 4) d, generate_series(1, 3) k, generate_series(1, 2) m
"""
OLD = """
INSERT INTO "LiteLLM_DailyUserSpend" (id, user_id, date, api_key, spend, updated_at)
VALUES ('old', NULL, '2026-01-01', 'key-1', 0.000000001, now())
"""


@pytest.fixture
async def reader(database: Database) -> ReportReader:
    await database.execute(FILL)
    return ReportReader(database)


async def test_pages_together_are_what_the_aggregate_says(reader: ReportReader) -> None:
    reports = DailyReports(reader, "user")
    whole = await reports.aggregated(CHOICE)
    pages = [await reports.page(CHOICE, Page(number, 7)) for number in (1, 2, 3, 4)]
    assert [page["metadata"]["total_pages"] for page in pages] == [4] * 4
    for name in ("total_spend", "total_tokens", "total_api_requests", "total_failed_requests"):
        total = sum(page["metadata"][name] for page in pages)
        assert total == pytest.approx(whole["metadata"][name], abs=1e-12)
    assert whole["metadata"]["total_spend"] == 4.8
    assert [day["date"] for day in whole["results"]] == [f"2026-01-0{day}" for day in (4, 3, 2, 1)]


async def test_an_aggregate_tells_the_dearest_apart_and_counts_all(
    reader: ReportReader, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(daily, "_BOUNDS", GroupBounds(key_rows=9, entities=2, groups=3_000))
    report = await DailyReports(reader, "user").aggregated(CHOICE)
    for day in report["results"]:
        assert day["metrics"]["spend"] == 1.2
        assert set(day["breakdown"]["models"]) == {"model-1", "model-2"}
        assert day["breakdown"]["models"]["model-1"]["metrics"]["spend"] == 0.6
        assert set(day["breakdown"]["api_keys"]) == {"key-3"}
        assert set(day["breakdown"]["entities"]) == {"user-2", "user-3"}
    assert report["metadata"]["total_spend"] == 4.8


async def test_one_key_is_told_apart_however_many_rows_it_has(
    reader: ReportReader, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(daily, "_BOUNDS", GroupBounds(key_rows=1, entities=1, groups=3_000))
    report = await DailyReports(reader, "user").aggregated(CHOICE)
    assert all(set(day["breakdown"]["api_keys"]) == {"key-3"} for day in report["results"])


async def test_rows_of_old_releases_without_names_are_counted(
    reader: ReportReader, database: Database
) -> None:
    await database.execute(OLD)
    for report in (
        await DailyReports(reader, "user").aggregated(CHOICE),
        await DailyReports(reader, "user").page(CHOICE, Page(1, 100)),
    ):
        first = report["results"][-1]
        assert first["metrics"]["spend"] == 1.200000001
        assert first["breakdown"]["entities"]["Unassigned"]["metrics"]["spend"] == 1e-9
        assert first["breakdown"]["providers"]["unknown"]["metrics"]["spend"] == 1e-9
    [row] = [
        row for row in await GroupedReports(reader).by_key(KeyFilter(), PERIOD) if row["api_key"] == "key-1"
    ]
    assert {detail["model"] for detail in row["model_details"]} == {"", "model-1", "model-2"}


async def test_choices_narrow_down(reader: ReportReader) -> None:
    reports = DailyReports(reader, "user")

    async def spend(**chosen: object) -> float:
        report = await reports.aggregated(Choice(period=PERIOD, **chosen))
        return report["metadata"]["total_spend"]

    assert await spend(model="model-1") == 2.4
    assert await spend(keys=("key-1", "key-2")) == 2.4
    assert await spend(entities=("user-3",)) == 2.4
    assert await spend(excluded=("user-3",)) == 2.4
    assert await spend(keys=()) == await spend(keys_of="nobody") == 0
    assert await spend(key_pattern="ey-2") == 1.6


async def test_an_export_says_when_it_is_cut(reader: ReportReader, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(daily, "MOST_EXPORTED", 3)
    assert len(await DailyReports(reader, "user").export(CHOICE)) == 4


async def test_totals_are_exact_to_the_nano_dollar(reader: ReportReader) -> None:
    totals = Totals(reader)
    assert await totals.spend(PERIOD) == 4.8
    assert await totals.keys(PERIOD, 1) == [
        {"api_key": "key-3", "key_alias": None, "key_name": None, "total_spend": 2.4}
    ]
    assert await totals.gateway_activity(PERIOD) == {
        "total_successful_requests": 24,
        "total_failed_requests": 24,
        "by_date": [
            {"date": f"2026-01-0{day}", "successful_requests": 6, "failed_requests": 6}
            for day in (1, 2, 3, 4)
        ],
        "by_route": [{"route": "/v1/chat/completions", "successful_requests": 24, "failed_requests": 24}],
    }
