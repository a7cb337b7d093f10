"""An operator sets a company up on a served gateway with defaults for newcomers, and takes it down again."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from tests.integration.serving import MASTER_KEY, ServerProcess, bearer

pytestmark = pytest.mark.asyncio(loop_scope="session")

PRICES = {"input_cost_per_token": 1e-6, "output_cost_per_token": 1e-6}
CONFIG = {
    "model_list": [
        {"model_name": name, "litellm_params": {"model": f"mock/{name}", "mock_response": "Hello", **PRICES}}
        for name in ("m", "other")
    ],
    "litellm_settings": {
        "default_internal_user_params": {
            "max_budget": 5,
            "budget_duration": "1mo",
            "teams": [{"team_id": "everybody", "max_budget_in_team": 1}],
            "available_teams": ["open"],
        },
        "default_team_params": {"max_budget": 50, "team_member_permissions": ["/key/generate"]},
    },
}


class Company:
    """Asks a served gateway."""

    def __init__(self, server: ServerProcess) -> None:
        self.server = server

    async def ask(
        self, method: str, path: str, key: str = MASTER_KEY, status: int = 200, **sent: object
    ) -> Any:
        members: dict[str, Any] = {"params": sent} if method == "GET" else {"json": sent}
        answer = await self.server.http.request(method, path, headers=bearer(key), **members)
        assert answer.status_code == status, answer.text
        return answer.json()


@pytest_asyncio.fixture(loop_scope="session")
async def company(tmp_path: Path, migrated_database_url: str) -> AsyncIterator[Company]:
    async with ServerProcess(tmp_path, CONFIG, migrated_database_url) as server:
        yield Company(server)


async def test_a_company_is_set_up_and_taken_down(company: Company) -> None:
    ask = company.ask
    # Teams get the operator's defaults where nothing else is said.
    everybody = await ask("POST", "/team/new", team_id="everybody")
    assert (everybody["max_budget"], everybody["team_member_permissions"]) == (50.0, ["/key/generate"])
    await ask("POST", "/team/new", team_id="open", max_budget=2, team_alias="Open to all")
    organization = (await ask("POST", "/organization/new", organization_alias="Acme", models=["m"]))[
        "organization_id"
    ]
    # Users too: budget and team. Administrators to be get neither.
    ada = await ask("POST", "/user/new", user_id="ada", user_email="ada@example.com")
    assert (ada["max_budget"], ada["teams"]) == (5.0, ["everybody"])
    root = await ask("POST", "/user/new", user_id="root", user_role="proxy_admin", max_budget=1)
    assert (root["max_budget"], root["teams"]) == (1.0, [])
    members = [{"user_id": "ada", "role": "admin"}, {"user_email": "bob@example.com"}]
    team = await ask(
        "POST",
        "/team/new",
        team_id="research",
        organization_id=organization,
        models=["m"],
        members_with_roles=members,
    )
    bob = next(one["user_id"] for one in team["members_with_roles"] if one["user_email"] == "bob@example.com")
    assert (await ask("GET", "/v2/user/info", user_id=bob))["max_budget"] == 5.0
    # A member's key of the team works with the team's models; the team's admin lowers what bob may spend.
    key = (await ask("POST", "/key/generate", user_id=bob, team_id="research"))["key"]
    assert (await company.server.chat(key)).status_code == 200
    assert (await company.server.chat(key, "other")).status_code == 403
    body = {"team_id": "research", "user_id": bob, "max_budget_in_team": 0}
    await ask("POST", "/team/member_update", ada["key"], **body)
    await _until(company, key, 422)
    await ask("POST", f"/team/research/member/{bob}/reset_budget", ada["key"])
    await _until(company, key, 200)
    # Ada enters the open team by herself, as a user and nothing more.
    offered = await ask("GET", "/team/available", ada["key"])
    assert [(one["team_id"], one["team_alias"]) for one in offered] == [("open", "Open to all")]
    assert "members_with_roles" not in offered[0]
    for member, status in (({"user_id": "ada", "role": "admin"}, 403), ({"user_id": bob}, 403)):
        await ask("POST", "/team/member_add", ada["key"], status, team_id="open", member=member)
    more = {"team_id": "open", "member": {"user_id": "ada"}, "max_budget_in_team": 100}
    await ask("POST", "/team/member_add", ada["key"], 403, **more)
    await ask("POST", "/team/member_add", ada["key"], team_id="open", member={"user_id": "ada"})
    assert await ask("GET", "/team/available", ada["key"]) == []
    mine = await ask("GET", "/v2/team/list", ada["key"], sort_by="team_id")
    assert [one["team_id"] for one in mine["teams"]] == ["everybody", "open", "research"]
    # Down again: the team's keys stop, bob keeps nothing, the archive remembers.
    await ask("POST", "/team/delete", team_ids=["research"])
    await _until(company, key, 401)
    assert await ask("POST", "/user/delete", user_ids=[bob]) == 1
    archive = await company.server.http.get("/v2/team/list?status=deleted", headers=bearer(MASTER_KEY))
    assert [one["team_id"] for one in archive.json()["teams"]] == ["research"]
    await ask("GET", "/user/info", status=404, user_id=bob)


async def _until(company: Company, key: str, status: int) -> None:
    """Ask until a change has reached the worker."""
    async with asyncio.timeout(20):
        while (await company.server.chat(key)).status_code != status:
            pass
