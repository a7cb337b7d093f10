"""Keys under a budget that fits three requests, one for everything that can have a budget."""

import itertools
from collections.abc import Awaitable, Callable
from typing import Any

from gateway.db.engine import Database
from tests.integration.serving import INPUT_NANOS, OUTPUT_NANOS, Client

__all__ = ["BUDGET", "PRICE", "SETUPS", "USD", "Setup", "new_name"]

PRICE = 11 * INPUT_NANOS + 7 * OUTPUT_NANOS
USD = 1e9
BUDGET = 3 * PRICE / USD
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


async def _of_key(client: Client, database: Database, name: str) -> Setup:
    del database, name
    return await client.make_key(max_budget=BUDGET), {}


async def _of_model(client: Client, database: Database, name: str) -> Setup:
    del database, name
    return await client.make_key(model_max_budget={"m": {"budget_limit": BUDGET, "time_period": "1d"}}), {}


async def _of_period(client: Client, database: Database, name: str) -> Setup:
    del database, name
    return await client.make_key(budget_limits=[{"budget_duration": "1mo", "max_budget": BUDGET}]), {}


async def _of_users_model(client: Client, database: Database, name: str) -> Setup:
    """A user's budget per model holds for its team keys too."""
    budgets = f'{{"m": {{"budget_limit": {BUDGET:.9f}, "time_period": "1d"}}}}'
    await _insert(database, "LiteLLM_UserTable", user_id=name, model_max_budget=budgets)
    await _insert(database, "LiteLLM_TeamTable", team_id=name)
    return await client.make_key(user_id=name, team_id=name), {}


async def _of_teams_period(client: Client, database: Database, name: str) -> Setup:
    windows = f'[{{"budget_duration": "1mo", "max_budget": {BUDGET:.9f}}}]'
    await _insert(database, "LiteLLM_TeamTable", team_id=name, budget_limits=windows)
    return await client.make_key(team_id=name), {}


async def _of_team(client: Client, database: Database, name: str) -> Setup:
    await _insert(database, "LiteLLM_TeamTable", team_id=name, max_budget=BUDGET)
    return await client.make_key(team_id=name), {}


async def _of_user(client: Client, database: Database, name: str) -> Setup:
    await _insert(database, "LiteLLM_UserTable", user_id=name, max_budget=BUDGET)
    return await client.make_key(user_id=name), {}


async def _of_team_member(client: Client, database: Database, name: str) -> Setup:
    budget = await _budget_row(database)
    await _insert(
        database,
        "LiteLLM_TeamTable",
        team_id=name,
        members_with_roles=f'[{{"user_id": "{name}", "role": "user"}}]',
    )
    await _insert(database, "LiteLLM_UserTable", user_id=name)
    await _insert(database, "LiteLLM_TeamMembership", user_id=name, team_id=name, budget_id=budget)
    return await client.make_key(team_id=name, user_id=name), {}


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


async def _of_organization(client: Client, database: Database, name: str) -> Setup:
    await _organization(database, name, await _budget_row(database))
    return await client.make_key(organization_id=name), {}


async def _of_organization_member(client: Client, database: Database, name: str) -> Setup:
    await _insert(database, "LiteLLM_BudgetTable", budget_id=f"{name}-free", created_by="x", updated_by="x")
    await _organization(database, name, f"{name}-free")
    await _insert(database, "LiteLLM_UserTable", user_id=name)
    budget = await _budget_row(database)
    await _insert(
        database, "LiteLLM_OrganizationMembership", user_id=name, organization_id=name, budget_id=budget
    )
    return await client.make_key(organization_id=name, user_id=name), {}


async def _of_project(client: Client, database: Database, name: str) -> Setup:
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
    return await client.make_key(project_id=name, team_id=name), {}


async def _of_end_user(client: Client, database: Database, name: str) -> Setup:
    budget = await _budget_row(database)
    await _insert(database, "LiteLLM_EndUserTable", user_id=name, budget_id=budget, blocked=False)
    return await client.make_key(), {"user": name}


async def _of_tag(client: Client, database: Database, name: str) -> Setup:
    await _insert(database, "LiteLLM_TagTable", tag_name=name, budget_id=await _budget_row(database))
    return await client.make_key(), {"metadata": {"tags": [name]}}


Make = Callable[[Client, Database, str], Awaitable[Setup]]

SETUPS: dict[str, Make] = {
    "key": _of_key,
    "model": _of_model,
    "period": _of_period,
    "user's model": _of_users_model,
    "team's period": _of_teams_period,
    "team": _of_team,
    "user": _of_user,
    "team member": _of_team_member,
    "organization": _of_organization,
    "organization member": _of_organization_member,
    "project": _of_project,
    "end user": _of_end_user,
    "tag": _of_tag,
}


def new_name() -> str:
    """A name that no other test uses."""
    return f"load-{next(_numbers)}"
