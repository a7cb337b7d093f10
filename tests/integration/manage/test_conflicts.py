"""Management writes that PostgreSQL rolls back because of another transaction."""

import secrets
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from tests.integration.manage.conftest import Desk

pytestmark = pytest.mark.asyncio(loop_scope="session")

_KEYS = {"LiteLLM_TeamTable": "team_id", "LiteLLM_BudgetTable": "budget_id"}


class Quarrel:
    """A trigger that rolls back every update of one team or budget until it has done so `losses` times.

    It counts in a sequence, which no rollback takes back.
    """

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self.name = f"quarrel_{secrets.token_hex(4)}"

    async def begin(self, table: str, identifier: str, losses: int, state: str = "40P01") -> None:
        name, column = self.name, _KEYS[table]
        for sql in (
            f"CREATE SEQUENCE {name}",
            f"""CREATE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
                IF nextval('{name}') <= {losses} THEN
                    RAISE EXCEPTION 'lost' USING ERRCODE = '{state}';
                END IF;
                RETURN NEW; END $$""",
            f"""CREATE TRIGGER {name} BEFORE UPDATE ON "{table}" FOR EACH ROW
                WHEN (NEW.{column} = '{identifier}') EXECUTE FUNCTION {name}()""",
        ):
            await self._desk.run(sql)

    async def attempts(self) -> int:
        return await self._desk.value(f"SELECT last_value FROM {self.name}")

    async def end(self) -> None:
        await self._desk.run(f"DROP FUNCTION IF EXISTS {self.name} CASCADE")
        await self._desk.run(f"DROP SEQUENCE IF EXISTS {self.name}")


@pytest_asyncio.fixture(loop_scope="session")
async def quarrel(desk: Desk) -> AsyncIterator[Quarrel]:
    quarrel = Quarrel(desk)
    yield quarrel
    await quarrel.end()


@pytest.mark.parametrize("state", ["40P01", "40001"])
async def test_a_write_that_lost_is_done_again(desk: Desk, quarrel: Quarrel, state: str) -> None:
    team = (await desk.post("/team/new", {"team_alias": "before"}))["team_id"]
    await quarrel.begin("LiteLLM_TeamTable", team, 2, state)
    answer = await desk.post("/team/update", {"team_id": team, "team_alias": "after"})
    assert answer["data"]["team_alias"] == "after"
    assert await quarrel.attempts() == 3


async def test_a_write_that_loses_again_and_again_is_answered_503(desk: Desk, quarrel: Quarrel) -> None:
    team = (await desk.post("/team/new", {"team_alias": "before"}))["team_id"]
    await quarrel.begin("LiteLLM_TeamTable", team, 1_000)
    answer = await desk.ask("POST", "/team/update", json={"team_id": team, "team_alias": "after"})
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")
    assert answer.json()["error"]["type"] == "service_unavailable"
    assert await quarrel.attempts() == 3
    assert (await desk.get("/team/info", team_id=team))["team_info"]["team_alias"] == "before"


async def test_a_raw_answer_is_withheld_as_well(desk: Desk, quarrel: Quarrel) -> None:
    budget = (await desk.post("/budget/new", {"max_budget": 1}))["budget_id"]
    await quarrel.begin("LiteLLM_BudgetTable", budget, 1)
    answer = await desk.post("/budget/update", {"budget_id": budget, "max_budget": 2})
    assert answer["max_budget"] == 2
    await quarrel.end()
    await quarrel.begin("LiteLLM_BudgetTable", budget, 1_000)
    refused = await desk.ask("POST", "/budget/update", json={"budget_id": budget, "max_budget": 3})
    assert (refused.status_code, refused.headers["retry-after"]) == (503, "1")
    assert "Try again" in refused.json()["detail"]["error"]
