"""Who sees which spend rows through `GET /spend/logs`."""

import secrets

import pytest

from gateway.errors import DatabaseUnavailable
from gateway.ids import hash_token
from tests.integration.serving import MASTER_KEY, LiveGateway, bearer

pytestmark = pytest.mark.asyncio(loop_scope="session")


@pytest.fixture
async def spend(live: LiveGateway):
    """Ask for spend rows with a key."""

    async def ask(key: str, **query: object):
        return await live.http.get("/spend/logs", params=query, headers=bearer(key))

    return ask


async def test_a_key_sees_the_request_that_it_has_just_made(live: LiveGateway, key: str, spend):
    answer = await live.chat(key)
    rows = (await spend(key)).json()
    assert [row["api_key"] for row in rows] == [hash_token(key)]
    assert rows[0]["litellm_call_id"] == answer.headers["x-litellm-call-id"]
    assert rows[0]["startTime"].endswith("Z")
    assert rows[0]["metadata"]["status"] == "success"


async def test_a_key_without_a_role_sees_only_its_own_rows(live: LiveGateway, key: str, spend):
    other = await live.make_key()
    await live.chat(other)
    for query in ({"api_key": hash_token(other)}, {"api_key": other}, {"user_id": ""}, {}):
        assert (await spend(key, **query)).json() == []


async def test_an_internal_user_sees_the_rows_of_all_its_keys_and_of_nobody_else(
    live: LiveGateway, key: str, spend
):
    user = f"user-{secrets.token_hex(4)}"
    keys = [await live.make_key(user_id=user), await live.make_key(user_id=user)]
    for one in (*keys, key):
        await live.chat(one)
    await live.gateway.parts.database.execute(
        'UPDATE "LiteLLM_UserTable" SET user_role = $2 WHERE user_id = $1', user, "internal_user"
    )
    live.gateway.parts.principals.clear()
    seen = (await spend(keys[0], user_id="somebody-else")).json()
    assert {row["api_key"] for row in seen} == {hash_token(one) for one in keys}
    assert (await spend(keys[0], api_key=key)).json() == []


async def test_the_administrator_finds_rows_by_key_by_hash_and_by_request_id(
    live: LiveGateway, key: str, spend
):
    call_id = (await live.chat(key)).headers["x-litellm-call-id"]
    found = [
        (await spend(MASTER_KEY, **query)).json()
        for query in ({"api_key": key}, {"api_key": hash_token(key)}, {"request_id": call_id})
    ]
    assert found[0] == found[1] == found[2]
    assert len(found[0]) == 1


async def test_dates_give_one_summary_per_day_unless_rows_are_wanted(live: LiveGateway, key: str, spend):
    await live.chat(key)
    day = (await live.row(key)).startTime.date().isoformat()
    dates = {"start_date": day, "end_date": day}
    [summary] = (await spend(key, **dates)).json()
    assert summary["startTime"] == day
    assert summary["spend"] == summary[hash_token(key)] > 0
    [row] = (await spend(key, **dates, summarize="false")).json()
    assert row["spend"] == summary["spend"]


async def test_a_date_that_is_none_is_refused_in_the_wrapped_shape(live: LiveGateway, key: str, spend):
    answer = await spend(key, start_date="yesterday")
    assert answer.status_code == 400
    error = answer.json()["error"]
    assert (error["type"], error["param"]) == ("internal_error", "start_date")


async def test_a_parameter_of_a_wrong_type_is_listed_as_a_fault(live: LiveGateway, key: str, spend):
    answer = await spend(key, summarize="perhaps")
    assert answer.status_code == 422
    [fault] = answer.json()["detail"]
    assert fault["loc"] == ["query", "summarize"]
    assert set(fault) == {"loc", "msg", "type"}


async def test_a_wrong_body_is_answered_with_every_fault(live: LiveGateway):
    body = {"max_budget": [], "rpm_limit": "many"}
    answer = await live.http.post("/key/generate", json=body, headers=bearer(MASTER_KEY))
    assert answer.status_code == 422
    assert set(answer.json()) == {"detail"}
    assert [fault["loc"] for fault in answer.json()["detail"]] == [
        ["body", "max_budget"],
        ["body", "rpm_limit"],
    ]


async def test_nobody_without_a_key_sees_anything(live: LiveGateway):
    assert (await live.http.get("/spend/logs")).status_code == 401


async def test_a_database_that_is_away_is_said_so(live: LiveGateway, key: str, spend, monkeypatch):
    await live.chat(key)

    async def gone() -> None:
        raise DatabaseUnavailable("The database cannot be reached. Try again later.")

    monkeypatch.setattr(live.gateway.parts.drain, "flush", gone)
    answer = await spend(key)
    assert (answer.status_code, answer.json()["error"]["type"]) == (503, "no_db_connection")


async def test_a_journal_that_cannot_be_read_leaves_the_rows_in_the_database(
    live: LiveGateway, key: str, spend, monkeypatch
):
    await live.chat(key)
    await live.rows(key)

    async def unreadable() -> None:
        raise OSError("disk")

    monkeypatch.setattr(live.gateway.parts.drain, "flush", unreadable)
    assert len((await spend(key)).json()) == 1
