"""Budgets of access groups of models, through the running app."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from tests.integration.manage.conftest import Desk, count_read
from tests.integration.serving import (
    INPUT_NANOS,
    MASTER_KEY,
    OUTPUT_NANOS,
    LiveGateway,
    deployment,
    eventually,
)

pytestmark = pytest.mark.asyncio(loop_scope="session")

PRICE = 11 * INPUT_NANOS + 7 * OUTPUT_NANOS
USD = 1e9


async def ask(
    desk: Desk, method: str, group: str, status: int = 200, key: str = MASTER_KEY, **sent: Any
) -> Any:
    answer = await desk.ask(method, f"/access_group/{group}/budget", key, **sent)
    assert answer.status_code == status, answer.text
    return answer.json()


@pytest.fixture
def group(live: LiveGateway, unique, clean_config: None) -> str:
    """A group of the only deployment of `m`."""
    name = unique("group")
    live.configure(deployment("m", live.upstream, info_access_groups=[name], info_id=unique("id")))
    return name


async def served(live: LiveGateway, group: str, *, nanos: int | None) -> None:
    """Wait until the gateway goes by the budget, at most a second."""

    def is_served() -> bool:
        found = live.gateway.snapshot.settings.router.access_group_budgets.get(group)
        return (None if found is None else found.nanos) == nanos

    await eventually(is_served)


async def test_a_group_that_has_spent_its_budget_is_not_asked(
    desk: Desk, live: LiveGateway, group: str, key: str
) -> None:
    body = {"max_budget": PRICE / USD, "budget_duration": "1d"}
    made = await ask(desk, "PUT", group, json=body)
    assert (made["access_group"], made["spend"]) == (group, 0.0)
    assert (made["budget"]["max_budget"], made["budget"]["budget_duration"]) == (PRICE / USD, "1d")
    assert datetime.fromisoformat(made["budget"]["budget_reset_at"]) > datetime.now(UTC)
    await served(live, group, nanos=PRICE)
    assert (await live.chat(key)).status_code == 200
    refused = await live.chat(key)
    assert refused.status_code == 429
    assert "access groups are used up" in refused.json()["error"]["message"]
    await live.rows(key)
    shown = await ask(desk, "GET", group)
    assert (shown["spend"], shown["budget"]) == (PRICE / USD, made["budget"])
    info = await desk.get(f"/access_group/{group}/info")
    assert (info["spend"], info["budget"]) == (shown["spend"], shown["budget"])
    listed = (await desk.get("/access_group/list"))["access_groups"]
    assert [one for one in listed if one["access_group"] == group] == [info]
    await ask(desk, "PUT", group, json={"max_budget": 1, "budget_duration": "1d"})
    await served(live, group, nanos=1_000_000_000)
    assert (await live.chat(key)).status_code == 200


async def test_another_deployment_answers_that_is_not_in_the_group(
    desk: Desk, live: LiveGateway, group: str, key: str
) -> None:
    live.configure(
        deployment(
            "m", live.upstream, "openai/dear", info_access_groups=[group], info_id=f"{group}-1", order=1
        ),
        deployment("m", live.upstream, "openai/free", info_id=f"{group}-2", order=2),
        router_settings={"access_group_budget_config": {group: {"budget_limit": PRICE / USD}}},
    )
    assert [(await live.chat(key)).status_code for _ in range(2)] == [200, 200]
    assert [request.json["model"] for request in live.upstream.requests] == ["dear", "free"]


async def test_a_budget_is_taken_away(desk: Desk, live: LiveGateway, group: str, key: str) -> None:
    await ask(desk, "PUT", group, json={"max_budget": 0})
    await served(live, group, nanos=0)
    assert (await live.chat(key)).status_code == 429
    gone = await ask(desk, "DELETE", group)
    assert (gone["access_group"], gone["budget_deleted"]) == (group, True)
    await served(live, group, nanos=None)
    assert (await live.chat(key)).status_code == 200
    assert (await ask(desk, "GET", group)) == {"access_group": group, "spend": None, "budget": None}
    assert (await ask(desk, "DELETE", group))["budget_deleted"] is False


async def test_a_budget_row_lends_its_values(desk: Desk, live: LiveGateway, group: str, unique) -> None:
    budget_id = unique("budget")
    await desk.post("/budget/new", {"budget_id": budget_id, "max_budget": 5, "budget_duration": "7d"})
    budget = (await ask(desk, "PUT", group, json={"budget_id": budget_id, "max_budget": 6}))["budget"]
    assert (budget["max_budget"], budget["budget_duration"]) == (6.0, "7d")
    refused = await ask(desk, "PUT", group, 400, json={"budget_id": "none"})
    assert "budget_id" in json.dumps(refused)


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"max_budget": -1},
        {"max_budget": 1, "budget_duration": "soon"},
        {"max_budget": 1, "soft_budget": 0.5},
    ],
)
async def test_what_cannot_be_is_refused_and_changes_nothing(desk: Desk, group: str, body) -> None:
    refused = await ask(desk, "PUT", group, 400, json=body)
    assert "budget" in refused["detail"]["error"]
    assert (await ask(desk, "GET", group))["budget"] is None


async def test_a_group_that_is_not_there_is_not_found(desk: Desk, unique) -> None:
    for method, sent in (("GET", {}), ("DELETE", {}), ("PUT", {"json": {"max_budget": 1}})):
        await ask(desk, method, unique("none"), 404, **sent)


@pytest.mark.parametrize("role", ["internal_user", "internal_user_viewer", "proxy_admin_viewer"])
async def test_only_proxy_admins_set_budgets(desk: Desk, group: str, role) -> None:
    _, key = await desk.make_user(role)
    await ask(desk, "PUT", group, 401, key, json={"max_budget": 1})
    await ask(desk, "DELETE", group, 401, key)
    await ask(desk, "GET", group, 200 if role == "proxy_admin_viewer" else 401, key)


async def test_changes_are_in_the_audit_trail(desk: Desk, group: str) -> None:
    await ask(desk, "PUT", group, json={"max_budget": 3})
    entries = (await desk.get("/audit", object_id="router_settings"))["audit_logs"]
    assert entries[0]["updated_values"]["access_group_budget_config"][group] == {"budget_limit": 3.0}


async def test_groups_are_listed_with_one_statement_more(desk: Desk, live: LiveGateway, group: str) -> None:
    counts: list[int] = []
    for budget in (None, {"max_budget": 1}):
        if budget is not None:
            await ask(desk, "PUT", group, json=budget)
            await served(live, group, nanos=1_000_000_000)
        counts.append(await count_read(desk, "/access_group/list"))
    assert counts[1] <= counts[0] + 2
