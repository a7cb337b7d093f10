"""Many requests at once on a budget that fits few, for everything that can have a budget."""

import asyncio
import itertools
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from gateway.admission.store import GATEWAY_SCOPE
from gateway.db.engine import Database
from tests.integration.serving import INPUT_NANOS, OUTPUT_NANOS, LiveGateway, deployment
from tests.upstreams import replies

pytestmark = pytest.mark.asyncio(loop_scope="session")

PRICE = 11 * INPUT_NANOS + 7 * OUTPUT_NANOS
USD = 1e9
BUDGET = 3 * PRICE / USD
AT_ONCE = 150
_numbers = itertools.count()

Setup = tuple[str, dict[str, Any]]
"""A key, and the members of its requests."""


async def _insert(database: Database, table: str, **columns: object) -> None:
    names = ", ".join(f'"{name}"' for name in columns)
    places = ", ".join(f"${number}" for number in range(1, len(columns) + 1))
    await database.execute(f'INSERT INTO "{table}" ({names}) VALUES ({places})', *columns.values())


async def _budget_row(database: Database) -> str:
    name = f"three-{next(_numbers)}"
    await _insert(
        database, "LiteLLM_BudgetTable", budget_id=name, max_budget=BUDGET, created_by="x", updated_by="x"
    )
    return name


async def _of_key(live: LiveGateway, name: str) -> Setup:
    del name
    return await live.make_key(max_budget=BUDGET), {}


async def _of_model(live: LiveGateway, name: str) -> Setup:
    del name
    return await live.make_key(model_max_budget={"m": {"budget_limit": BUDGET, "time_period": "1d"}}), {}


async def _of_period(live: LiveGateway, name: str) -> Setup:
    del name
    return await live.make_key(budget_limits=[{"budget_duration": "1mo", "max_budget": BUDGET}]), {}


async def _of_team(live: LiveGateway, name: str) -> Setup:
    await _insert(live.gateway.parts.database, "LiteLLM_TeamTable", team_id=name, max_budget=BUDGET)
    return await live.make_key(team_id=name), {}


async def _of_user(live: LiveGateway, name: str) -> Setup:
    await _insert(live.gateway.parts.database, "LiteLLM_UserTable", user_id=name, max_budget=BUDGET)
    return await live.make_key(user_id=name), {}


async def _of_team_member(live: LiveGateway, name: str) -> Setup:
    database = live.gateway.parts.database
    budget = await _budget_row(database)
    await _insert(
        database,
        "LiteLLM_TeamTable",
        team_id=name,
        members_with_roles=f'[{{"user_id": "{name}", "role": "user"}}]',
    )
    await _insert(database, "LiteLLM_UserTable", user_id=name)
    await _insert(database, "LiteLLM_TeamMembership", user_id=name, team_id=name, budget_id=budget)
    return await live.make_key(team_id=name, user_id=name), {}


async def _organization(database: Database, name: str, budget: str) -> None:
    await _insert(
        database,
        "LiteLLM_OrganizationTable",
        organization_id=name,
        organization_alias=name,
        budget_id=budget,
        created_by="x",
        updated_by="x",
    )


async def _of_organization(live: LiveGateway, name: str) -> Setup:
    database = live.gateway.parts.database
    await _organization(database, name, await _budget_row(database))
    return await live.make_key(organization_id=name), {}


async def _of_organization_member(live: LiveGateway, name: str) -> Setup:
    database = live.gateway.parts.database
    await _insert(database, "LiteLLM_BudgetTable", budget_id=f"{name}-free", created_by="x", updated_by="x")
    await _organization(database, name, f"{name}-free")
    await _insert(database, "LiteLLM_UserTable", user_id=name)
    budget = await _budget_row(database)
    await _insert(
        database, "LiteLLM_OrganizationMembership", user_id=name, organization_id=name, budget_id=budget
    )
    return await live.make_key(organization_id=name, user_id=name), {}


async def _of_project(live: LiveGateway, name: str) -> Setup:
    database = live.gateway.parts.database
    await _insert(database, "LiteLLM_TeamTable", team_id=name)
    budget = await _budget_row(database)
    await _insert(
        database,
        "LiteLLM_ProjectTable",
        project_id=name,
        team_id=name,
        budget_id=budget,
        created_by="x",
        updated_by="x",
    )
    return await live.make_key(project_id=name, team_id=name), {}


async def _of_end_user(live: LiveGateway, name: str) -> Setup:
    database = live.gateway.parts.database
    budget = await _budget_row(database)
    await _insert(database, "LiteLLM_EndUserTable", user_id=name, budget_id=budget, blocked=False)
    return await live.make_key(), {"user": name}


async def _of_tag(live: LiveGateway, name: str) -> Setup:
    database = live.gateway.parts.database
    await _insert(database, "LiteLLM_TagTable", tag_name=name, budget_id=await _budget_row(database))
    return await live.make_key(), {"metadata": {"tags": [name]}}


async def _of_gateway(live: LiveGateway, name: str) -> Setup:
    del name
    sql = "DELETE FROM \"LiteLLM_UserTable\" WHERE user_id = 'litellm-proxy-budget'"
    await live.gateway.parts.database.execute(sql)
    live.gateway.parts.ledger.seed([(GATEWAY_SCOPE, 0)])
    live.configure(deployment("m", live.upstream), litellm_settings={"max_budget": BUDGET})
    await live.gateway.parts.standing.refresh()
    return await live.make_key(), {}


KINDS: dict[str, Callable[[LiveGateway, str], Awaitable[Setup]]] = {
    "key": _of_key,
    "model": _of_model,
    "period": _of_period,
    "team": _of_team,
    "user": _of_user,
    "team member": _of_team_member,
    "organization": _of_organization,
    "organization member": _of_organization_member,
    "project": _of_project,
    "end user": _of_end_user,
    "tag": _of_tag,
    "gateway": _of_gateway,
}


@pytest.mark.parametrize("kind", KINDS)
async def test_of_many_at_once_no_more_pass_than_a_budget_fits(live: LiveGateway, kind: str) -> None:
    name = f"load-{next(_numbers)}"
    key, members = await KINDS[kind](live, name)
    live.upstream.default = replies.held()
    requests = [asyncio.create_task(live.chat(key, max_tokens=7, **members)) for _ in range(AT_ONCE)]
    done, _ = await asyncio.wait(requests, return_when=asyncio.FIRST_COMPLETED)
    assert {item.result().status_code for item in done} == {422}
    live.upstream.release.set()
    answers = await asyncio.gather(*requests)
    served = sum(answer.status_code == 200 for answer in answers)
    assert 1 <= served <= 4
    assert {answer.status_code for answer in answers} == {200, 422}
    # Until the budget is spent more are served, one by one: at most one is over.
    while (await live.chat(key, max_tokens=7, **members)).status_code == 200:
        served += 1
    assert served in {3, 4}
    assert await live.spent_nanos(key) == served * PRICE
    assert live.held_nanos(key) == 0


async def _hold_of_one(live: LiveGateway) -> int:
    key = await live.make_key(max_budget=1)
    live.upstream.default = replies.held()
    request = asyncio.create_task(live.chat(key, max_tokens=7))
    await live.upstream.wait_for_requests(1)
    held = live.held_nanos(key)
    live.upstream.release.set()
    await request
    live.upstream.default = None
    return held


async def test_a_budget_that_fits_all_holds_refuses_none(live: LiveGateway) -> None:
    """Five hundred one after the other, then a thousand at once, on a budget of exactly what they hold."""
    key = await live.make_key(max_budget=1_500 * await _hold_of_one(live) / USD)
    for _ in range(500):
        assert (await live.chat(key, max_tokens=7)).status_code == 200
    # So many connections are open at a time.
    limit = asyncio.Semaphore(200)

    async def ask() -> int:
        async with limit:
            return (await live.chat(key, max_tokens=7)).status_code

    assert set(await asyncio.gather(*(ask() for _ in range(1_000)))) == {200}
    assert await live.spent_nanos(key) == 1_500 * PRICE == live.settled_nanos(key)
    assert live.held_nanos(key) == 0
