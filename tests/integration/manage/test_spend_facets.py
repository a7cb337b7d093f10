"""Users and customers to choose from."""

from datetime import UTC, datetime, timedelta

import pytest

from tests.integration.counting import counting
from tests.integration.manage.conftest import Desk

pytestmark = pytest.mark.asyncio(loop_scope="session")
FIRST, LAST = "filter[startTime][gte]", "filter[startTime][lte]"
CUSTOMERS, USERS = "/management/v1/spend_logs/end_users", "/management/v1/spend_logs/users"


def window() -> dict[str, str]:
    now = datetime.now(UTC)
    return {FIRST: (now - timedelta(hours=1)).isoformat(), LAST: (now + timedelta(hours=1)).isoformat()}


async def test_customers_and_users_are_found_by_a_part_of_their_names(desk: Desk, unique):
    user, key = await desk.make_user()
    other_user, other_key = await desk.make_user()
    name = unique("Customer")
    for number in range(3):
        await desk.live.chat(key, user=f"{name}-{number}")
    await desk.live.chat(other_key, user=f"{name}-9")
    first = await desk.get(CUSTOMERS, **window(), q=name.lower(), page_size=2)
    assert [each["id"] for each in first["data"]] == [f"{name}-0", f"{name}-1"]
    assert first["meta"] == {"total": 4, "page": 1, "page_size": 2, "total_pages": 2}
    assert first["links"] == {"prev": None, "next": 2}
    second = await desk.get(CUSTOMERS, **window(), q=name, page_size=2, page=2)
    assert [each["id"] for each in second["data"]] == [f"{name}-2", f"{name}-9"]
    assert second["links"] == {"prev": 1, "next": None}
    mine = await desk.get(CUSTOMERS, key, **window(), q=name)
    assert mine["meta"]["total"] == 3
    assert (await desk.get(USERS, **window(), q=other_user))["data"] == [{"id": other_user}]
    assert (await desk.get(USERS, key, **window()))["data"] == [{"id": user}]


async def test_times_are_needed_and_in_order(desk: Desk):
    answer = await desk.ask("GET", USERS)
    assert (answer.status_code, answer.json()["detail"][0]["loc"]) == (422, ["query", FIRST])
    answer = await desk.ask("GET", USERS, params={**window(), FIRST: "soon"})
    assert (answer.status_code, answer.json()["error"]["param"]) == (400, FIRST)
    turned = {FIRST: "2026-01-02T00:00:00Z", LAST: "2026-01-01T00:00:00Z"}
    answer = await desk.ask("GET", CUSTOMERS, params=turned)
    assert (answer.status_code, answer.json()["error"]["param"]) == (400, LAST)
    assert (await desk.ask("GET", USERS, await desk.live.make_key(), params=window())).status_code == 401


async def test_choosing_is_one_statement(desk: Desk, key: str):
    await desk.live.chat(key, user="somebody")
    await desk.live.rows(key)
    async with counting(desk.live) as counter:
        await desk.get(CUSTOMERS, **window())
    assert len(counter) == 2
