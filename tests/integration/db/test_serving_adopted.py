"""The gateway on a database that LiteLLM made: its keys, teams, users, budgets and spend go on."""

from pathlib import Path

import asyncpg

from gateway.ids import hash_token
from tests.integration.serving import ServerProcess, chat_body

PLAIN, TEAM_KEY, SPENT, PERSONAL = (
    "sk-plain-old-key-0001",
    "sk-team-key-0002",
    "sk-spent-key-0003",
    "sk-user-key-0004",
)
CONFIG = {
    "model_list": [
        {
            "model_name": name,
            "litellm_params": {"model": "mock/m", "mock_response": "Hello"},
            "model_info": {"input_cost_per_token": 0.000001, "output_cost_per_token": 0.000002},
        }
        for name in ("m", "other")
    ]
}
COST = 10 * 0.000001 + 20 * 0.000002
ROWS = """
INSERT INTO "LiteLLM_BudgetTable" (budget_id, max_budget, created_by, updated_by) VALUES ('b', 1, 'a', 'a');
INSERT INTO "LiteLLM_TeamTable" (team_id, team_alias, models, max_budget, spend, updated_at)
VALUES ('t', 'team', ARRAY['m'], 5, 2.5, now()), ('empty', 'spent team', '{}', 1, 1, now());
INSERT INTO "LiteLLM_UserTable" (user_id, max_budget, spend, models, user_role)
VALUES ('u', 3, 3, '{}', 'internal_user');
"""
KEY = """
INSERT INTO "LiteLLM_VerificationToken" (token, key_alias, spend, models, team_id, user_id, max_budget)
VALUES ($1, $2, $3, '{}', $4, $5, $6)
"""


async def fill(url: str) -> None:
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(ROWS)
        for key, spend, team, user, budget in (
            (PLAIN, 0.25, None, None, 10.0),
            (TEAM_KEY, 0.0, "t", None, None),
            (SPENT, 0.0, "empty", None, None),
            (PERSONAL, 0.0, None, "u", None),
        ):
            await connection.execute(KEY, hash_token(key), key[3:9], spend, team, user, budget)
    finally:
        await connection.close()


async def spend_of(url: str, sql: str) -> float:
    connection = await asyncpg.connect(url)
    try:
        return await connection.fetchval(sql)
    finally:
        await connection.close()


async def test_what_litellm_stored_keeps_working(litellm_url: str, tmp_path: Path) -> None:
    url = litellm_url
    await fill(url)
    async with ServerProcess(tmp_path, CONFIG, url) as server:
        plain = await server.chat(PLAIN)
        team, elsewhere = await server.chat(TEAM_KEY), await server.chat(TEAM_KEY, "other")
        spent, personal = await server.chat(SPENT), await server.chat(PERSONAL)
        unknown = await server.post("/v1/chat/completions", "sk-nobody-has-this", chat_body("m"))
    assert (plain.status_code, plain.headers["x-litellm-key-spend"]) == (200, str(0.25 + COST))
    assert (team.status_code, elsewhere.status_code) == (200, 403)
    assert elsewhere.json()["error"]["type"] == "team_model_access_denied"
    for refused in (spent, personal):
        assert (refused.status_code, refused.json()["error"]["type"]) == (422, "budget_exceeded")
    assert unknown.status_code == 401
    key_spend = f"""SELECT spend FROM "LiteLLM_VerificationToken" WHERE token = '{hash_token(PLAIN)}'"""
    assert await spend_of(url, key_spend) == 0.25 + COST
    assert await spend_of(url, """SELECT spend FROM "LiteLLM_TeamTable" WHERE team_id = 't'""") == 2.5 + COST
