"""Resets by hand, refunds and holds, through the running app."""

import asyncio

import pytest

from gateway.domain import Scope, ScopeKind
from gateway.ids import hash_token
from gateway.pipeline.counters import check_counters
from gateway.spend.books.check import check_books
from tests.integration.manage.conftest import Desk
from tests.integration.serving import (
    INPUT_NANOS,
    MASTER_KEY,
    OUTPUT_NANOS,
    LiveGateway,
    bearer,
    chat_body,
    eventually,
)
from tests.upstreams import replies

pytestmark = pytest.mark.asyncio(loop_scope="session")

PRICE = 11 * INPUT_NANOS + 7 * OUTPUT_NANOS
USD = PRICE / 1e9


async def differences(live: LiveGateway, key: str) -> list[object]:
    """What the books say about one key: other tests of this database write spend as they like."""
    report = await check_books(live.gateway.parts.database)
    return [one for one in report.differences if one.entity_id == hash_token(key)]


async def test_a_key_that_is_reset_by_hand_passes_again(live: LiveGateway, desk: Desk) -> None:
    key = await live.make_key(max_budget=USD)
    assert (await live.chat(key)).status_code == 200
    assert (await live.chat(key)).status_code == 422

    said = await desk.post(f"/key/{key}/reset_spend", {"reset_to": 0})

    assert said == {
        "key_hash": hash_token(key),
        "spend": 0,
        "previous_spend": USD,
        "max_budget": USD,
        "budget_reset_at": None,
    }
    await eventually(lambda: live.gateway.parts.principals.peek(hash_token(key)) is None)
    assert (await live.chat(key)).status_code == 200
    assert await live.spent_nanos(key) == PRICE
    assert await differences(live, key) == []
    listed = await desk.get("/books/adjustments", entity_id=hash_token(key))
    assert [(one["amount"], one["reason"]) for one in listed] == [(-USD, "manual_reset")]


async def test_a_reset_says_what_is_wrong_with_it(live: LiveGateway, desk: Desk) -> None:
    key = await live.make_key(max_budget=1)
    await live.chat(key)
    path = f"/key/{hash_token(key)}/reset_spend"

    assert await desk.refusal(path, {"reset_to": 1}) == (400, "bad_request_error", "reset_to")
    assert await desk.refusal(path, {"reset_to": -1}) == (400, "bad_request_error", "reset_to")
    assert (await desk.ask("POST", path, json={})).status_code == 422
    assert (await desk.ask("POST", "/key/nobody/reset_spend", json={"reset_to": 0})).status_code == 404
    _, user_key = await desk.make_user()
    assert (await desk.ask("POST", path, user_key, json={"reset_to": 0})).status_code == 403


async def test_a_refund_lowers_what_was_spent(live: LiveGateway, desk: Desk) -> None:
    key = await live.make_key()
    await live.chat(key)
    body = {"entity_type": "key", "entity_id": hash_token(key), "amount": -0.00001, "reason": "a bad answer"}
    said = await desk.post("/books/refund", body)

    assert (said["previous_spend"], said["spend"]) == (USD, (PRICE - 10_000) / 1e9)
    assert await live.spent_nanos(key) == PRICE - 10_000
    assert await differences(live, key) == []


@pytest.mark.parametrize(
    ("changes", "param"),
    [
        ({"amount": -1}, "amount"),
        ({"amount": 0}, "amount"),
        ({"amount": 1e300}, "amount"),
        ({"reason": ""}, "reason"),
        ({"entity_type": "nothing"}, "entity_type"),
        ({"owner_id": "team"}, "owner_id"),
    ],
)
async def test_a_refund_that_makes_no_sense_is_refused(
    live: LiveGateway, desk: Desk, changes: dict[str, object], param: str
) -> None:
    key = await live.make_key()
    body = {"entity_type": "key", "entity_id": hash_token(key), "amount": 0.1, "reason": "test"}

    assert await desk.refusal("/books/refund", body | changes) == (400, "bad_request_error", param)


async def test_a_refund_for_what_is_not_there_names_it(desk: Desk) -> None:
    body = {"entity_type": "project", "entity_id": "nowhere", "amount": -1, "reason": "test"}

    answer = await desk.ask("POST", "/books/refund", json=body)

    assert (answer.status_code, answer.json()["error"]["param"]) == (404, "entity_id")
    assert answer.json()["error"]["message"] == "There is no project 'nowhere'."


async def test_corrections_stand_in_the_audit_trail(live: LiveGateway, desk: Desk) -> None:
    key = await live.make_key(spend=1)
    await desk.post(f"/key/{key}/reset_spend", {"reset_to": 0.25})
    sql = """SELECT before_value, updated_values FROM "LiteLLM_AuditLog"
             WHERE object_id = $1 AND action = 'updated' AND table_name = 'LiteLLM_VerificationToken'"""
    row = await live.gateway.parts.database.fetch_row(sql, hash_token(key))
    assert row is not None
    assert tuple(row) == ('{"spend": 1.0}', '{"spend": 0.25}')


async def test_a_member_of_a_team_is_reset(live: LiveGateway, desk: Desk) -> None:
    user_id, _ = await desk.make_user()
    team = (await desk.post("/team/new", {"members_with_roles": [{"role": "user", "user_id": user_id}]}))[
        "team_id"
    ]
    key = await live.make_key(user_id=user_id, team_id=team)
    await live.chat(key)
    said = await desk.post(f"/team/{team}/member/{user_id}/reset_spend", {"reset_to": 0})

    assert (said["previous_spend"], said["spend"], said["user_id"]) == (USD, 0, user_id)
    sql = 'SELECT spend, total_spend FROM "LiteLLM_TeamMembership" WHERE team_id = $1 AND user_id = $2'
    row = await live.gateway.parts.database.fetch_row(sql, team, user_id)
    assert row is not None
    assert tuple(row) == (0, USD)


async def test_only_the_master_key_resets_everything(live: LiveGateway, desk: Desk) -> None:
    key = await live.make_key()
    await live.chat(key)
    _, admin = await desk.make_user("proxy_admin")
    assert (await desk.ask("POST", "/global/spend/reset", admin)).status_code == 403

    assert (await desk.post("/global/spend/reset", {}))["status"] == "success"
    assert await live.spent_nanos(key) == 0
    assert await differences(live, key) == []


async def test_what_requests_hold_is_listed(live: LiveGateway, desk: Desk) -> None:
    key = await live.make_key(max_budget=1)
    live.upstream.script.append(replies.held())
    under_way = asyncio.create_task(live.chat(key, max_tokens=100))
    await eventually(lambda: live.held_nanos(key) > 0)

    held = [one for one in await desk.get("/books/holds") if one["api_key"] == hash_token(key)]
    assert [round(one["held"] * 1e9) for one in held] == [live.held_nanos(key)]
    assert held[0]["entities"][0] == ["key", hash_token(key)]
    live.upstream.release.set()
    await under_way
    await live.settled()
    assert not [one for one in await desk.get("/books/holds") if one["api_key"] == hash_token(key)]


async def ask_and_tell(
    live: LiveGateway, key: str, has_begun: asyncio.Event, *, is_stream: bool
) -> tuple[int, str]:
    """Ask, and tell when something of the answer has come."""
    body = chat_body(max_tokens=1000, stream=is_stream)
    async with live.http.stream("POST", "/v1/chat/completions", json=body, headers=bearer(key)) as answer:
        text = ""
        async for part in answer.aiter_text():
            text += part
            has_begun.set()
        return answer.status_code, text


@pytest.mark.parametrize("is_stream", [False, True], ids=["whole", "stream"])
async def test_a_hold_that_is_released_ends_its_request_and_gives_the_rest_back(
    live: LiveGateway, desk: Desk, *, is_stream: bool
) -> None:
    key = await live.make_key(max_budget=1, max_parallel_requests=1)
    live.upstream.script.append(replies.stream_held(["one"]) if is_stream else replies.held())
    has_begun = asyncio.Event()
    under_way = asyncio.create_task(ask_and_tell(live, key, has_begun, is_stream=is_stream))
    await live.upstream.wait_for_requests(1)
    if is_stream:
        async with asyncio.timeout(30):
            await has_begun.wait()
    held = [one for one in await desk.get("/books/holds") if one["api_key"] == hash_token(key)]
    answered = await desk.post("/books/holds/release", {"charge_id": held[0]["charge_id"]})
    assert answered["status"] == "released"
    status, text = await under_way
    assert "An administrator released" in text
    assert status == (200 if is_stream else 503)
    live.upstream.release.set()
    row = await live.row(key)
    assert (row.status, row.nanos) == ("failure", live.settled_nanos(key))
    assert live.held_nanos(key) == 0
    assert (await live.chat(key)).status_code == 200, "the slot is free again"


async def test_a_hold_that_is_not_there_cannot_be_released(live: LiveGateway, desk: Desk) -> None:
    answer = await live.http.post(
        "/books/holds/release", json={"charge_id": "nobody's"}, headers=bearer(MASTER_KEY)
    )
    assert answer.status_code == 404
    assert "/books/holds" in answer.json()["error"]["message"]


async def test_live_counters_are_compared_with_the_books(live: LiveGateway, desk: Desk) -> None:
    key = await live.make_key()
    for _ in range(3):
        assert (await live.chat(key)).status_code == 200
    scope = Scope(ScopeKind.KEY, hash_token(key))
    assert scope in live.gateway.parts.ledger.settled_totals([scope])
    assert scope.id not in {one.entity_id for one in await check_counters(live.gateway)}
    live.gateway.parts.ledger.seed([(scope, 1)])
    found = [one for one in await check_counters(live.gateway) if one.entity_id == scope.id]
    assert [(one.books, one.found_nanos, one.expected_nanos) for one in found] == [("counter", 1, 3 * PRICE)]
    told = await desk.get("/books/check")
    assert not told["is_balanced"]
    assert scope.id in {one["entity_id"] for one in told["differences"] if one["books"] == "counter"}
    live.gateway.parts.principals.clear()


async def test_a_charge_id_that_no_notice_to_other_workers_could_hold_is_refused(live: LiveGateway) -> None:
    answer = await live.http.post(
        "/books/holds/release", json={"charge_id": "x" * 8_000}, headers=bearer(MASTER_KEY)
    )
    assert answer.status_code == 422
    assert answer.json()["detail"][0]["loc"] == ["body", "charge_id"]


async def test_ids_of_any_length_are_booked_whole(live: LiveGateway, desk: Desk) -> None:
    """What records cut, their totals would not have."""
    team, organization = "a-long-team".ljust(512, "t"), "a-long-organization".ljust(512, "o")
    user = "a-long-user".ljust(512, "u")
    await desk.post("/organization/new", {"organization_id": organization, "organization_alias": "long"})
    await desk.post("/user/new", {"user_id": user, "auto_create_key": False})
    await desk.post("/team/new", {"team_id": team, "organization_id": organization})
    key = await live.make_key(team_id=team, user_id=user)
    assert (await live.chat(key)).status_code == 200
    row = await live.row(key)
    assert (row.team_id, row.organization_id, row.user) == (team, organization, user)
    assert await desk.unbalanced("a-long-") == []
    daily = 'SELECT spend FROM "LiteLLM_DailyTeamSpend" WHERE team_id = $1'
    assert await desk.value(daily, team) == USD
