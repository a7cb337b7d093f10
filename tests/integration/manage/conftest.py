"""A caller of the management API, through the running app."""

import secrets
from collections.abc import AsyncIterator, Callable
from typing import Any

import httpx
import pytest
import pytest_asyncio

from gateway.ids import hash_token
from tests.integration.counting import counting, heard
from tests.integration.serving import MASTER_KEY, LiveGateway, bearer, eventually

_USER_AND_KEY = """
WITH made AS (INSERT INTO "LiteLLM_UserTable" (user_id, user_role, models, updated_at)
    VALUES ($1, $2, '{}', now()))
INSERT INTO "LiteLLM_VerificationToken"
    (token, key_name, user_id, models, created_by, updated_by, created_at, updated_at)
VALUES ($3, $4, $1, '{}', 'default_user_id', 'default_user_id', now(), now())
"""


class Desk:
    """Asks the management routes and expects what it says."""

    def __init__(self, live: LiveGateway) -> None:
        self.live = live

    async def ask(self, method: str, path: str, key: str = MASTER_KEY, **sent: Any) -> httpx.Response:
        return await self.live.http.request(method, path, headers=bearer(key), **sent)

    async def post(self, path: str, body: object, key: str = MASTER_KEY, status: int = 200) -> Any:
        """The answer's content to a body."""
        answer = await self.ask("POST", path, key, json=body)
        assert answer.status_code == status, answer.text
        return answer.json()

    async def get(self, path: str, key: str = MASTER_KEY, status: int = 200, **query: object) -> Any:
        answer = await self.ask("GET", path, key, params=query)
        assert answer.status_code == status, answer.text
        return answer.json()

    async def patch(self, path: str, body: object, status: int = 200) -> Any:
        answer = await self.ask("PATCH", path, json=body)
        assert answer.status_code == status, answer.text
        return answer.json()

    async def refusal(self, path: str, body: object, key: str = MASTER_KEY) -> tuple[int, str, str]:
        """Status, type and param of a wrapped refusal."""
        answer = await self.ask("POST", path, key, json=body)
        assert answer.status_code >= 400, answer.text
        error = answer.json()["error"]
        assert error["code"] == str(answer.status_code)
        return answer.status_code, error["type"], error["param"]

    async def value(self, sql: str, *args: object) -> Any:
        return await self.live.gateway.parts.database.fetch_value(sql, *args)

    async def run(self, sql: str, *args: object) -> None:
        await self.live.gateway.parts.database.execute(sql, *args)

    async def unbalanced(self, *names: str) -> list[object]:
        """What the books and live counters say differently about these; other tests leave some of theirs."""
        found = (await self.get("/books/check"))["differences"]
        return [one for one in found if any(name in one["entity_id"] for name in names)]

    async def make_user(self, role: str = "internal_user", **members: object) -> tuple[str, str]:
        """A user and a key of it: made as `/key/generate` leaves them, which takes ten times as long."""
        user_id = f"user-{secrets.token_hex(4)}"
        if members:
            key = await self.live.make_key(user_id=user_id, **members)
            await self.run('UPDATE "LiteLLM_UserTable" SET user_role = $2 WHERE user_id = $1', user_id, role)
            self.live.gateway.parts.principals.clear()
            return user_id, key
        key = f"sk-{secrets.token_urlsafe(16)}"
        await self.run(_USER_AND_KEY, user_id, role, hash_token(key), f"sk-...{key[-4:]}")
        return user_id, key

    async def make_organization(self, admin: str | None = None, **budget: object) -> str:
        """An organization, and who administers it."""
        organization_id = f"org-{secrets.token_hex(4)}"
        await self.run(
            """INSERT INTO "LiteLLM_BudgetTable" (budget_id, max_budget, created_by, updated_by, updated_at)
               VALUES ($1, $2, 'x', 'x', now())""",
            organization_id,
            budget.get("max_budget"),
        )
        await self.run(
            """INSERT INTO "LiteLLM_OrganizationTable"
               (organization_id, organization_alias, budget_id, models, created_by, updated_by, updated_at)
               VALUES ($1, $1, $1, $2, 'x', 'x', now())""",
            organization_id,
            budget.get("models", []),
        )
        if admin is not None:
            await self.run(
                """INSERT INTO "LiteLLM_OrganizationMembership"
                   (user_id, organization_id, user_role, updated_at)
                   VALUES ($1, $2, 'org_admin', now())""",
                admin,
                organization_id,
            )
        return organization_id


async def count_read(desk: Desk, path: str, **query: Any) -> int:
    """How many statements it takes to answer a GET."""
    async with counting(desk.live) as counter:
        await desk.get(path, **query)
    return len(counter)


@pytest.fixture
async def desk(live: LiveGateway) -> Desk:
    return Desk(live)


@pytest.fixture
def unique() -> Callable[[str], str]:
    """A name that no other test has."""
    return lambda name: f"{name}-{secrets.token_hex(4)}"


@pytest.fixture
def at_once(live: LiveGateway) -> Callable[..., Any]:
    """Asks for the status that there must be once the gateway has heard of the change."""

    async def expect(ask: Callable[[], Any], status: int) -> None:
        await heard(live)
        answer = await ask()
        assert answer.status_code == status, answer.text

    return expect


@pytest_asyncio.fixture(loop_scope="session")
async def clean_config(desk: Desk, live: LiveGateway) -> AsyncIterator[None]:
    """No settings are stored afterwards."""
    yield
    await desk.run('DELETE FROM "LiteLLM_Config"')
    live.gateway.parts.added.note_change()
    await eventually(lambda: not live.gateway.parts.added.current.overlay)
