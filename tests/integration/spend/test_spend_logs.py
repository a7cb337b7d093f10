"""`GET /spend/logs`, below HTTP."""

import time

import msgspec
import pytest

from gateway.db.engine import Database
from gateway.errors import BadRequest
from gateway.ids import hash_token
from gateway.spend.drain import Drain
from gateway.spend.spend_logs import SpendLogQuery, list_spend_logs
from gateway.spend.store import SpendStore
from tests.integration.spend.conftest import STARTED_NANOS, Worker, build_principal

DAY_NANOS = 86_400_000_000_000


async def test_rows_come_newest_first_with_the_columns_of_the_contract(
    store: SpendStore, worker: Worker, drain: Drain
) -> None:
    worker.serve(5, request_id="old")
    worker.serve(7, request_id="new", started_nanos=STARTED_NANOS + 1_000_000_000)
    await drain.flush()
    rows = msgspec.json.decode(msgspec.json.encode(await list_spend_logs(store, SpendLogQuery())))
    assert [row["request_id"] for row in rows] == ["new", "old"]
    assert rows[1]["startTime"] == "2025-06-15T15:06:40.123000Z"
    assert rows[1]["spend"] == 5e-09
    assert rows[1]["metadata"]["user_api_key_alias"] == "alias"
    assert rows[1]["request_tags"] == []


async def test_a_row_is_found_by_request_call_and_charge_id(
    store: SpendStore, worker: Worker, drain: Drain
) -> None:
    context = worker.open()
    worker.charge(context, 5, request_id="chatcmpl-x", started_nanos=time.time_ns())
    worker.serve(7)
    await drain.flush()
    for request_id in ("chatcmpl-x", context.call_id, context.charge_id):
        rows = await list_spend_logs(store, SpendLogQuery(request_id=request_id))
        assert [row["request_id"] for row in rows] == ["chatcmpl-x"], request_id
    for request_id in ("nobody", "' OR true --", "%"):
        assert await list_spend_logs(store, SpendLogQuery(request_id=request_id)) == []


async def test_rows_of_a_key_are_found_by_the_key_and_by_its_hash(
    store: SpendStore, worker: Worker, drain: Drain
) -> None:
    worker.principal = build_principal(hash_token("sk-mine"))
    worker.serve(5, request_id="mine")
    worker.principal = build_principal()
    worker.serve(7)
    await drain.flush()
    for api_key in ("sk-mine", hash_token("sk-mine")):
        rows = await list_spend_logs(store, SpendLogQuery(api_key=api_key, user_id="user"))
        assert [row["request_id"] for row in rows] == ["mine"]
    assert await list_spend_logs(store, SpendLogQuery(user_id="somebody else")) == []


async def test_dates_give_one_summary_per_day_up_to_the_end(
    store: SpendStore, worker: Worker, drain: Drain
) -> None:
    worker.serve(5)
    worker.serve(7, upstream_model="other")
    worker.serve(11, started_nanos=STARTED_NANOS + DAY_NANOS)
    await drain.flush()
    query = SpendLogQuery(start_date="2025-06-14", end_date="2025-06-17")
    assert await list_spend_logs(store, query) == [
        {
            "hash": 1.2e-08,
            "startTime": "2025-06-15",
            "spend": 1.2e-08,
            "users": {"user": 1.2e-08},
            "models": {"gpt-4o": 5e-09, "other": 7e-09},
        },
        {
            "hash": 1.1e-08,
            "startTime": "2025-06-16",
            "spend": 1.1e-08,
            "users": {"user": 1.1e-08},
            "models": {"gpt-4o": 1.1e-08},
        },
        {"startTime": "2025-06-17", "spend": 0.0, "users": {}, "models": {}},
    ]
    rows = await list_spend_logs(store, msgspec.structs.replace(query, summarize=False))
    assert len(rows) == 3
    assert await list_spend_logs(store, SpendLogQuery(end_date="2025-06-15 15:06:40")) == []


@pytest.mark.parametrize("text", ["yesterday", "2025-13-01", "", "2025-06-15'"])
async def test_a_date_that_is_none_is_refused_and_named(text: str, store: SpendStore) -> None:
    with pytest.raises(BadRequest, match="start_date") as refusal:
        await list_spend_logs(store, SpendLogQuery(start_date=text))
    assert refusal.value.param == "start_date"


async def test_the_end_may_not_be_before_the_start(store: SpendStore) -> None:
    with pytest.raises(BadRequest, match="end_date"):
        await list_spend_logs(store, SpendLogQuery(start_date="2025-06-15", end_date="2025-06-14"))


async def test_an_empty_table_gives_an_empty_list(database: Database, store: SpendStore) -> None:
    assert await list_spend_logs(store, SpendLogQuery()) == []
