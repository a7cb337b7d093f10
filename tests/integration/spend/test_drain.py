"""What the drain does to a real PostgreSQL."""

import asyncio
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.db.engine import Database
from gateway.domain import Principal, Scope, ScopeKind
from gateway.errors import DatabaseUnavailable
from gateway.spend.builder import CallDetails
from gateway.spend.drain import Drain
from gateway.spend.journal import Journal
from gateway.spend.records import encode_line
from gateway.spend.rejected import RejectedFile
from gateway.spend.store import SpendStore
from tests.integration.spend.conftest import Worker, build_completion, build_principal

TOTALS = {
    "LiteLLM_UserTable": "user_id = 'user'",
    "LiteLLM_TeamTable": "team_id = 'team'",
    "LiteLLM_TeamMembership": "user_id = 'user'",
    "LiteLLM_OrganizationTable": "true",
    "LiteLLM_OrganizationMembership": "true",
    "LiteLLM_ProjectTable": "true",
    "LiteLLM_DailyUserSpend": "true",
    "LiteLLM_DailyTeamSpend": "true",
    "LiteLLM_DailyOrganizationSpend": "true",
    "LiteLLM_SpendLogs": "true",
}


async def total_nanos(database: Database, table: str, condition: str = "true") -> int:
    sql = f'SELECT COALESCE(sum(round(spend * 1e9)::numeric), 0) FROM "{table}" WHERE {condition}'
    return int(await database.fetch_value(sql))


async def test_one_charge_reaches_its_row_and_every_total(database: Database, worker: Worker, drain: Drain):
    worker.serve(1_234, request_id="chatcmpl-1")
    await drain.flush()
    row = await database.fetch_row('SELECT * FROM "LiteLLM_SpendLogs"')
    assert row is not None
    assert (row["request_id"], row["spend"], row["total_tokens"]) == ("chatcmpl-1", 1.234e-06, 15)
    assert row["startTime"].isoformat() == "2025-06-15T15:06:40.123000"
    assert row["endTime"].isoformat() == "2025-06-15T15:06:40.373000"
    assert (row["request_duration_ms"], row["cache_hit"], row["cache_key"]) == (250, "False", "Cache OFF")
    assert (row["model"], row["model_group"], row["status"]) == ("gpt-4o", "gpt", "success")
    metadata = msgspec.json.decode(row["metadata"])
    assert {name: value for name, value in metadata.items() if name.startswith("user_api_key")} == {
        "user_api_key": "hash",
        "user_api_key_alias": "alias",
        "user_api_key_team_id": "team",
        "user_api_key_team_alias": "Team",
        "user_api_key_org_id": "org",
        "user_api_key_user_id": "user",
        "user_api_key_project_id": "project",
        "user_api_key_project_alias": None,
    }
    assert metadata["usage_object"]["prompt_tokens_details"] == {"cached_tokens": 3}
    assert metadata["cost_breakdown"]["total_cost"] == 1.234e-06
    for table, condition in TOTALS.items():
        assert await total_nanos(database, table, condition) == 1_234, table
    assert await total_nanos(database, "LiteLLM_UserTable", "user_id = 'litellm-proxy-budget'") == 1_234
    key = await database.fetch_row('SELECT * FROM "LiteLLM_VerificationToken" WHERE token = $1', "hash")
    assert key is not None
    assert key["spend"] == 0.100001234
    assert key["last_active"].isoformat() == "2025-06-15T15:06:40.373000"
    day = await database.fetch_row('SELECT * FROM "LiteLLM_DailyUserSpend"')
    assert day is not None
    assert (day["date"], day["endpoint"], day["mcp_namespaced_tool_name"]) == (
        "2025-06-15",
        "/chat/completions",
        "",
    )
    assert (day["prompt_tokens"], day["cache_read_input_tokens"], day["api_requests"]) == (10, 3, 1)
    assert await database.fetch_value('SELECT total_spend FROM "LiteLLM_TeamMembership"') == 1.234e-06


_NOTHING_BUT_A_KEY = {
    "user_api_key": "hash",
    "user_api_key_alias": None,
    "user_api_key_team_id": None,
    "user_api_key_team_alias": None,
    "user_api_key_org_id": None,
    "user_api_key_user_id": None,
    "user_api_key_project_id": None,
    "user_api_key_project_alias": None,
}


@pytest.mark.parametrize("status", ["success", "failure"])
@pytest.mark.parametrize("written", [{}, _NOTHING_BUT_A_KEY], ids=["now", "before columns were read for it"])
async def test_a_row_names_what_its_caller_has_not(
    database: Database, worker: Worker, drain: Drain, status: str, written: dict[str, object]
):
    worker.principal = Principal(token_hash="hash", scopes=(Scope(ScopeKind.KEY, "hash"),))
    context = worker.open()
    completion = msgspec.structs.replace(build_completion(context, 7, "chatcmpl-1"), status=status)
    record = worker.builder.build_charged(context, completion)
    own = msgspec.json.decode(record.metadata)
    record = msgspec.structs.replace(record, metadata=msgspec.json.encode(written | own).decode())
    worker.journal.append_charged_line(record.charge_id, encode_line(record), (), record.cost_nanos)
    await drain.flush()
    metadata = msgspec.json.decode(await database.fetch_value('SELECT metadata FROM "LiteLLM_SpendLogs"'))
    assert {name: metadata[name] for name in _NOTHING_BUT_A_KEY} == _NOTHING_BUT_A_KEY
    assert metadata["status"] == status


async def test_end_users_and_tags_grow_and_new_end_users_get_a_row(
    database: Database, worker: Worker, drain: Drain
):
    details = CallDetails(
        end_user="customer",
        tags=("blue", "free", "blue"),
        extra_scopes=(Scope(ScopeKind.END_USER, "customer"), Scope(ScopeKind.TAG, "blue")),
    )
    worker.serve(5, details=details)
    await drain.flush()
    worker.serve(7, details=details, status="failure")
    await drain.flush()
    assert await total_nanos(database, "LiteLLM_EndUserTable", "user_id = 'customer'") == 12
    assert await total_nanos(database, "LiteLLM_TagTable", "tag_name = 'blue'") == 12
    assert await total_nanos(database, "LiteLLM_DailyTagSpend", "tag = 'blue'") == 12
    assert await total_nanos(database, "LiteLLM_DailyTagSpend", "tag = 'free'") == 12
    row = await database.fetch_row('SELECT * FROM "LiteLLM_DailyEndUserSpend"')
    assert row is not None
    assert (row["successful_requests"], row["failed_requests"], row["api_requests"]) == (1, 1, 2)


async def test_totals_are_exact_to_the_nano_dollar_after_ten_thousand_records(
    database: Database, make_journal: Callable[..., Journal], make_drain: Callable[[Journal], Drain]
):
    journal = make_journal(batch_bytes=300_000, segment_bytes=2_000_000)
    worker, drain = Worker(journal), make_drain(journal)
    amounts = [(7_919 * index) % 1_000_003 for index in range(10_000)]
    for index, amount in enumerate(amounts):
        worker.serve(amount)
        if index == 5_000:
            await drain.flush()
    await drain.flush()
    for table, condition in TOTALS.items():
        assert await total_nanos(database, table, condition) == sum(amounts), table
    key_total = await total_nanos(database, "LiteLLM_VerificationToken", "token = 'hash'")
    assert key_total == 100_000_000 + sum(amounts)
    assert await database.fetch_value('SELECT count(*) FROM "LiteLLM_SpendLogs"') == 10_000
    assert drain.lag_bytes == 0
    assert len(list((journal._root / journal.name).glob("*.segment"))) == 1


async def test_colliding_request_ids_get_the_charge_id_as_suffix(
    database: Database, worker: Worker, drain: Drain
):
    for nanos in (1, 2):
        worker.serve(nanos, request_id="same")
    await drain.flush()
    worker.serve(3, request_id="same")
    await drain.flush()
    rows = await database.fetch('SELECT request_id FROM "LiteLLM_SpendLogs" ORDER BY spend')
    ids = [row[0] for row in rows]
    assert len(set(ids)) == 3
    assert "same" in ids
    assert all(request_id.startswith("same") for request_id in ids)
    assert await total_nanos(database, "LiteLLM_SpendLogs") == 6


async def test_two_drains_of_one_journal_book_every_charge_once(
    database: Database, journal: Journal, worker: Worker, make_drain: Callable[[Journal], Drain]
):
    for _ in range(200):
        worker.serve(10)
    first, second = make_drain(journal), make_drain(journal)
    await asyncio.gather(first.flush(), second.flush())
    worker.serve(10)
    await asyncio.gather(first.flush(), second.flush())
    for table, condition in TOTALS.items():
        assert await total_nanos(database, table, condition) == 2_010, table
    assert first.pump.drained_position == second.pump.drained_position == journal.position


async def test_drains_of_many_workers_with_the_same_rows_neither_deadlock_nor_lose(
    database: Database, make_journal: Callable[..., Journal], make_drain: Callable[[Journal], Drain]
):
    journals = [make_journal(batch_bytes=20_000) for _ in range(4)]
    workers = [Worker(journal) for journal in journals]
    for index in range(100):
        for number, worker in enumerate(workers):
            worker.principal = build_principal("hash" if (index + number) % 2 else "other")
            worker.serve(3, request_id=f"same-{(index * (number + 1)) % 100}")
    await asyncio.gather(*(make_drain(journal).flush() for journal in journals))
    for table, condition in TOTALS.items():
        assert await total_nanos(database, table, condition) == 1_200, table
    assert await database.fetch_value('SELECT count(*) FROM "LiteLLM_SpendLogs"') == 400


async def test_a_killed_backend_costs_a_retry_and_no_charge(database: Database, worker: Worker, drain: Drain):
    for _ in range(50):
        worker.serve(10)
    await drain.pump.drain_next()
    worker.serve(10)
    async with database.acquire() as lock, lock.transaction():
        await lock.execute('LOCK TABLE "LiteLLM_TeamTable" IN EXCLUSIVE MODE')
        flushing = asyncio.create_task(drain.flush())
        victims = (
            "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
        )
        while not (pid := await database.fetch_value(victims)):  # noqa: ASYNC110  PostgreSQL sends no event
            await asyncio.sleep(0)
        await lock.execute("SELECT pg_terminate_backend($1)", pid)
        with pytest.raises(DatabaseUnavailable):
            await flushing
    assert drain.lag_bytes > 0
    await drain.flush()
    for table, condition in TOTALS.items():
        assert await total_nanos(database, table, condition) == 510, table


async def test_the_job_goes_on_when_the_database_is_back(
    database: Database, journal: Journal, worker: Worker, tmp_path: Path
):
    errors: list[str | None] = []
    worker.serve(10)
    store, drained = SpendStore(database), asyncio.Event()
    await database.close()

    async def pause(seconds: float) -> None:
        errors.append(drain.last_error)
        if len(errors) == 2:
            await database.open()
        if drain.last_error is None:
            drained.set()
        await asyncio.sleep(0)

    drain = Drain(journal, store, RejectedFile(tmp_path / "r"), pause=pause)
    task = asyncio.create_task(drain.run())
    await asyncio.wait_for(drained.wait(), 20)
    task.cancel()
    assert errors[0] is not None
    assert await total_nanos(database, "LiteLLM_SpendLogs") == 10


async def test_a_garbled_line_is_set_aside_and_the_others_are_booked(
    database: Database, journal: Journal, worker: Worker, drain: Drain, tmp_path: Path
):
    worker.serve(10)
    journal._write(b'["c1","unfinished line with a "quote\n')
    worker.serve(20)
    journal._write(b'["c1","' + b"\xff" * 10 + b'"]\n')
    worker.serve(30)
    await drain.flush()
    assert await total_nanos(database, "LiteLLM_TeamTable") == 60
    assert drain.rejected_records == 2
    assert (tmp_path / "lines.rejected").read_bytes().count(b"\n") == 2
    assert drain.lag_bytes == 0


async def test_money_of_a_row_that_postgresql_refuses_is_booked_all_the_same(
    database: Database, worker: Worker, drain: Drain
):
    worker.serve(10)
    worker.serve(20, details=CallDetails(messages=msgspec.Raw(b'{"n": 1e999999}')), request_id="odd")
    await drain.flush()
    assert await total_nanos(database, "LiteLLM_TeamTable") == 30
    messages = await database.fetch_value(
        'SELECT messages FROM "LiteLLM_SpendLogs" WHERE request_id = $1', "odd"
    )
    assert messages == "{}"
    assert drain.rejected_records == 1


async def test_without_spend_logs_totals_are_still_booked(
    database: Database, journal: Journal, worker: Worker, tmp_path: Path
):
    worker.serve(10)
    drain = Drain(journal, SpendStore(database, writes_logs=False), RejectedFile(tmp_path / "r"))
    await drain.flush()
    assert await database.fetch_value('SELECT count(*) FROM "LiteLLM_SpendLogs"') == 0
    assert await total_nanos(database, "LiteLLM_TeamTable") == 10
    assert await total_nanos(database, "LiteLLM_DailyUserSpend") == 10


async def test_the_live_counter_is_the_database_plus_the_records_behind_its_position(
    database: Database, make_journal: Callable[..., Journal], make_drain: Callable[[Journal], Drain]
):
    journal = make_journal(batch_bytes=4_000)
    worker, drain = Worker(journal), make_drain(journal)
    team, sql = (
        Scope(ScopeKind.TEAM, "team"),
        """
        SELECT (SELECT round(spend * 1e9)::bigint FROM "LiteLLM_TeamTable") AS total,
            COALESCE((SELECT position FROM gatewright.journal_position WHERE journal = $1), 0) AS position""",
    )
    for count in range(1, 31):
        worker.serve(100)
        before = await database.fetch_row(sql, journal.name)
        if count % 3 == 0:
            await drain.pump.drain_next()
        after = await database.fetch_row(sql, journal.name)
        for row in (before, after):
            assert row is not None
            assert row["total"] + journal.settled_after(team, row["position"]) == 100 * count


ANY_TEXT = st.text(st.characters(), min_size=1, max_size=40)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
async def test_any_text_can_be_stored(database: Database, worker: Worker, drain: Drain, data: st.DataObject):
    request_id, user, session, error = (data.draw(ANY_TEXT) for _ in range(4))
    details = CallDetails(
        end_user=user,
        session_id=session,
        tags=(user,),
        extra_scopes=(Scope(ScopeKind.END_USER, user),),
        spend_logs_metadata=msgspec.Raw(msgspec.json.encode({"x": _valid(user)})),
        messages=msgspec.Raw(msgspec.json.encode([_valid(session)])),
    )
    worker.serve(
        10, request_id=request_id, details=details, status="failure", error_message=error, provider=user
    )
    rejected, before = drain.rejected_records, drain.drained_records
    await drain.flush()
    assert (drain.rejected_records, drain.drained_records) == (rejected, before + 1)


def _valid(text: str) -> str:
    return text.encode("utf-8", "replace").decode()


@pytest.mark.parametrize(
    "text", ["ü 😀 \U0001f9ff", 'quote " and \\ backslash', "comma, [bracket] {brace}", "null", "'; DROP"]
)
async def test_printable_text_comes_back_as_it_was(
    text: str, database: Database, worker: Worker, drain: Drain
):
    details = CallDetails(
        end_user=text, tags=(text,), spend_logs_metadata=msgspec.Raw(msgspec.json.encode({text: text}))
    )
    worker.serve(1, request_id=text, details=details)
    await drain.flush()
    row = await database.fetch_row('SELECT * FROM "LiteLLM_SpendLogs"')
    assert row is not None
    assert (row["request_id"], row["end_user"]) == (text, text)
    assert msgspec.json.decode(row["request_tags"]) == [text]
    assert msgspec.json.decode(row["metadata"])["spend_logs_metadata"] == {text: text}


async def test_control_characters_become_spaces_in_names_and_nul_leaves_json(
    database: Database, worker: Worker, drain: Drain
):
    raw = msgspec.Raw(b'{"a\\u0000b": "line\\nbreak \\u0000 and \\\\u0000"}')
    worker.serve(1, details=CallDetails(end_user="a\0b\nc", messages=raw, spend_logs_metadata=raw))
    await drain.flush()
    row = await database.fetch_row('SELECT * FROM "LiteLLM_SpendLogs"')
    assert row is not None
    assert row["end_user"] == "a b c"
    expected = {"ab": "line\nbreak  and \\u0000"}
    assert msgspec.json.decode(row["messages"]) == expected
    assert msgspec.json.decode(row["metadata"])["spend_logs_metadata"] == expected
