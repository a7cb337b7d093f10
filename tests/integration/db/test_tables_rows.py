"""Every table of the code works on a real database: insert, select, update and delete through Piccolo."""

from datetime import datetime

import pytest
from piccolo.columns import JSONB, Array, BigInt, Boolean, Bytea, Integer, Serial
from piccolo.engine.postgres import PostgresEngine
from piccolo.querystring import QueryString

from gateway.db.columns import EnumText, Money, TimestampMillis, utc_now_millis
from gateway.db.schema.connection import connect_options
from gateway.db.schema.drift import check
from gateway.db.tables import TABLES, BudgetTable, CronJob, DailyUserSpend, VerificationToken

JSON_TEXT = '{"a": [1]}'
LONG_AGO = datetime(2020, 1, 1)  # noqa: DTZ001 - the column has no zone
DAILY_KEY = (
    "user_id",
    "date",
    "api_key",
    "model",
    "custom_llm_provider",
    "mcp_namespaced_tool_name",
    "endpoint",
)


@pytest.fixture
async def bound_url(current_url):
    """A current database, with every table of the code bound to it and no foreign keys in the way."""
    options = connect_options(current_url)
    settings = {**options["server_settings"], "session_replication_role": "replica"}
    engine = PostgresEngine(config={**options, "server_settings": settings}, extensions=())
    former = [table._meta._db for table in TABLES]
    await engine.start_connection_pool(min_size=1, max_size=2)
    for table in TABLES:
        table._meta.db = engine
    yield current_url
    await engine.close_connection_pool()
    for table, db in zip(TABLES, former, strict=True):
        table._meta._db = db


def _value(column):
    kinds = {
        JSONB: JSON_TEXT,
        Array: ["x", "y"],
        BigInt: 2**40,
        Boolean: True,
        Bytea: b"\x00\xff",
        Integer: 7,
        Money: 0.125,
        TimestampMillis: utc_now_millis(),
        EnumText: "ACTIVE",
    }
    return kinds.get(type(column), "text")


def _is_integer_reference(column) -> bool:
    return column._meta.name == "model_id" and column.value_type is int


async def _write_find_change_remove(table) -> None:
    columns = [column for column in table._meta.columns if not isinstance(column, Serial)]
    values = {c._meta.name: 1 if _is_integer_reference(c) else _value(c) for c in columns}
    await table.insert(table(**values))
    where = [column == values[column._meta.name] for column in columns if column._meta.primary_key]
    where = where or [table._meta.primary_key == 1]
    found = await table.select().where(*where).output(load_json=True)
    expected = {name: {"a": [1]} if value == JSON_TEXT else value for name, value in values.items()}
    assert [{name: row[name] for name in expected} for row in found] == [expected]

    optional = [c for c in columns if c._meta.null and not c._meta.auto_update]
    if optional:
        await table.update(dict.fromkeys(optional)).where(*where)
        assert set((await table.select(*optional).where(*where).first()).values()) == {None}
    await table.delete().where(*where)
    assert await table.count() == 0


async def test_rows_of_every_table_can_be_written_found_changed_and_removed(bound_url):
    for table in TABLES:
        try:
            await _write_find_change_remove(table)
        except Exception as error:
            error.add_note(f"in {table.__name__}")
            raise


async def test_defaults_of_the_code_equal_those_of_the_database(bound_url):
    await VerificationToken.insert(VerificationToken(token="by-code"))
    await VerificationToken.raw(
        """INSERT INTO "LiteLLM_VerificationToken" (token, updated_at) VALUES ('by-sql', now())"""
    )
    differing = ("token", "created_at", "updated_at", "models")
    rows = [
        {name: value for name, value in row.items() if name not in differing}
        for row in await VerificationToken.select().order_by(VerificationToken.token)
    ]
    assert rows[0] == rows[1]


async def test_spend_is_increased_in_the_database(bound_url):
    await VerificationToken.insert(VerificationToken(token="t", spend=1.5))
    await VerificationToken.update({VerificationToken.spend: VerificationToken.spend + 0.25}).where(
        VerificationToken.token == "t"
    )
    assert await VerificationToken.select(VerificationToken.spend).first() == {"spend": 1.75}


async def test_daily_rows_upsert_on_the_unique_index(bound_url):
    key = [getattr(DailyUserSpend, name) for name in DAILY_KEY]
    for _ in range(2):
        row = DailyUserSpend(**dict.fromkeys(DAILY_KEY, ""), spend=0.5, api_requests=1)
        total = QueryString('"LiteLLM_DailyUserSpend"."spend" + EXCLUDED."spend"')
        await DailyUserSpend.insert(row).on_conflict(
            target=tuple(key), action="DO UPDATE", values=[(DailyUserSpend.spend, total)]
        )
    assert await DailyUserSpend.select(DailyUserSpend.spend) == [{"spend": 1.0}]


async def test_an_update_moves_updated_at(bound_url):
    await BudgetTable.insert(BudgetTable(budget_id="b", created_by="a", updated_by="a", updated_at=LONG_AGO))
    await BudgetTable.update({BudgetTable.max_budget: 1.0}).where(BudgetTable.budget_id == "b")
    row = await BudgetTable.select(BudgetTable.updated_at).first()
    assert row["updated_at"] > LONG_AGO
    assert row["updated_at"].tzinfo is None


async def test_the_enum_of_job_states_can_be_compared(bound_url):
    await CronJob.insert(CronJob(pod_id="p", ttl=utc_now_millis()))
    assert await CronJob.count().where(CronJob.status == "INACTIVE") == 1
    assert await CronJob.count().where(CronJob.status.is_in(["ACTIVE"])) == 0


async def test_one_level_of_a_foreign_key_can_be_followed(bound_url):
    await BudgetTable.insert(BudgetTable(budget_id="b", created_by="a", updated_by="a", max_budget=3.0))
    await VerificationToken.insert(VerificationToken(token="t", budget_id="b"))
    assert await VerificationToken.select(VerificationToken.budget_id.max_budget) == [
        {"budget_id.max_budget": 3.0}
    ]


async def test_the_code_and_the_database_do_not_drift(bound_url, execute):
    assert (await check(bound_url)).sentences == ()
    await execute(bound_url, 'ALTER TABLE "LiteLLM_ModelTable" ALTER COLUMN created_by DROP NOT NULL')
    assert (await check(bound_url)).sentences == (
        "LiteLLM_ModelTable.created_by may be NULL; the code differs.",
    )
