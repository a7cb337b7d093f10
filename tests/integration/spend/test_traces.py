"""What the drain writes beside spend rows: errors, tools and guardrails."""

from pathlib import Path

from gateway.db.engine import Database
from gateway.domain import Charge, Usage
from gateway.spend.books.check import check_books
from gateway.spend.builder import CallDetails
from gateway.spend.drain import Drain
from gateway.spend.journal import Journal
from gateway.spend.rejected import RejectedFile
from gateway.spend.store import SpendStore
from tests.integration.spend.conftest import Worker

FAILED = CallDetails(error_code="429", error_class="RateLimitError")
FREE = Charge(total=0)


def fail(worker: Worker, request_id: str, details: CallDetails = FAILED) -> None:
    worker.serve(
        0,
        request_id=request_id,
        details=details,
        status="failure",
        charge=FREE,
        usage=Usage(),
        error_message="Too many requests.",
    )


async def count(database: Database, table: str) -> int:
    return await database.fetch_value(f'SELECT count(*) FROM "{table}"')


async def test_a_failed_request_has_a_row_of_its_error(
    database: Database, worker: Worker, drain: Drain
) -> None:
    fail(worker, "call")
    fail(worker, "call")
    worker.serve(5)
    await drain.flush()
    fail(worker, "call")
    await drain.flush()

    rows = await database.fetch('SELECT * FROM "LiteLLM_ErrorLogs" ORDER BY request_id')
    assert len(rows) == 3
    row = rows[0]
    assert row["request_id"] == "call"
    assert (row["status_code"], row["exception_type"], row["exception_string"]) == (
        "429",
        "RateLimitError",
        "Too many requests.",
    )
    assert (row["model_group"], row["litellm_model_name"], row["model_id"]) == ("gpt", "gpt-4o", "deployment")
    assert row["startTime"].isoformat() == "2025-06-15T15:06:40.123000"


async def test_errors_can_be_left_out(
    database: Database, worker: Worker, journal: Journal, tmp_path: Path
) -> None:
    store = SpendStore(database, writes_errors=False)
    fail(worker, "call")
    worker.serve(5, request_id="cut", status="failure")
    worker.serve(6, request_id="good")
    await Drain(journal, store, RejectedFile(tmp_path / "rejected")).flush()

    assert await count(database, "LiteLLM_ErrorLogs") == 0
    rows = await database.fetch('SELECT request_id FROM "LiteLLM_SpendLogs" ORDER BY 1')
    assert [row["request_id"] for row in rows] == ["cut", "good"]
    failed = 'SELECT sum(failed_requests) FROM "LiteLLM_DailyUserSpend"'
    assert await database.fetch_value(failed) == 2
    assert (await check_books(database)).differences == ()


async def test_tools_that_an_answer_calls_are_indexed_and_counted(
    database: Database, worker: Worker, drain: Drain
) -> None:
    details = CallDetails(tools_offered=("search", "unused"), tools_called=("search", "pay", "x" * 256))
    worker.serve(5, request_id="same", details=details)
    worker.serve(5, request_id="same", details=details)
    worker.serve(5, request_id="none")
    await drain.flush()

    rows = await database.fetch('SELECT request_id, tool_name FROM "LiteLLM_SpendLogToolIndex"')
    known = {row["request_id"] for row in await database.fetch('SELECT request_id FROM "LiteLLM_SpendLogs"')}
    assert len(rows) == 6
    assert {row["request_id"] for row in rows} == known - {"none"}
    assert {row["tool_name"] for row in rows} == {"search", "pay", "x" * 256}
    tool = await database.fetch_row("SELECT * FROM \"LiteLLM_ToolTable\" WHERE tool_name = 'search'")
    assert tool is not None
    assert (tool["call_count"], tool["origin"], tool["key_hash"], tool["team_id"], tool["key_alias"]) == (
        2,
        "user_defined",
        "hash",
        "team",
        "alias",
    )
    unused = "SELECT call_count FROM \"LiteLLM_ToolTable\" WHERE tool_name = 'unused'"
    assert await database.fetch_value(unused) == 0
    worker.serve(5, details=details)
    await drain.flush()
    again = "SELECT call_count FROM \"LiteLLM_ToolTable\" WHERE tool_name = 'search'"
    assert await database.fetch_value(again) == 3


async def test_guardrails_that_were_applied_are_indexed(
    database: Database, worker: Worker, drain: Drain
) -> None:
    details = CallDetails(applied_guardrails=("secrets", "pii", "secrets"))
    worker.serve(5, request_id="one", details=details)
    await drain.flush()

    rows = await database.fetch('SELECT * FROM "LiteLLM_SpendLogGuardrailIndex" ORDER BY guardrail_id')
    assert [(row["request_id"], row["guardrail_id"]) for row in rows] == [("one", "pii"), ("one", "secrets")]
