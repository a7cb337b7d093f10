"""Limits that are none, on every route that takes them: refused by name, and nothing is made or changed."""

import json
from typing import Any

import pytest

from tests.integration.manage.conftest import Desk
from tests.integration.serving import MASTER_KEY

pytestmark = pytest.mark.asyncio(loop_scope="session")

MONEY: dict[str, str] = {
    "negative": "-1",
    "not a number": "NaN",
    "infinite": "Infinity",
    "beyond a double": "1e400",
    "absurd": "1e15",
    "a text": '"much"',
    "NaN as a text": '"NaN"',
    "infinity as a text": '"-Infinity"',
    "a list": "[1]",
    "true": "true",
}
COUNTS: dict[str, str] = {
    "negative": "-1",
    "not whole": "1.5",
    "beyond the column": "1e19",
    "far beyond": "9" * 400,
    "a text": '"many"',
    "NaN": "NaN",
    "an object": "{}",
}
DURATIONS: dict[str, str] = {
    "a word": '"soon"',
    "nothing": '""',
    "zero": '"0d"',
    "negative": '"-1d"',
    "not whole": '"1.5d"',
    "absurd": '"99999999999d"',
    "another unit": '"3y"',
    "a number": "30",
    "other digits": '"\\u0663d"',
}
MODEL_BUDGETS: dict[str, str] = {
    "negative": '{"m": -1}',
    "a text": '{"m": {"max_budget": "much"}}',
    "infinite": '{"m": {"budget_limit": 1e400}}',
    "an unknown duration": '{"m": {"max_budget": 1, "budget_duration": "soon"}}',
    "a list": '["m"]',
}
MODEL_RATES: dict[str, str] = {"negative": '{"m": -1}', "a text": '{"m": "many"}', "a list": "[1]"}
WINDOWS: dict[str, str] = {
    "negative": '[{"budget_duration": "1d", "max_budget": -1}]',
    "an unknown duration": '[{"budget_duration": "soon", "max_budget": 1}]',
    "no amount": '[{"budget_duration": "1d"}]',
    "an object": '{"budget_duration": "1d", "max_budget": 1}',
}
VALUES = {
    "max_budget": MONEY,
    "soft_budget": MONEY,
    "spend": MONEY,
    "max_budget_in_team": MONEY,
    "team_member_budget": MONEY,
    "rpm_limit": COUNTS,
    "tpm_limit": COUNTS,
    "max_parallel_requests": COUNTS,
    "budget_duration": DURATIONS,
    "duration": DURATIONS,
    "model_max_budget": MODEL_BUDGETS,
    "budget_limits": WINDOWS,
    "model_rpm_limit": MODEL_RATES,
    "model_tpm_limit": MODEL_RATES,
    "mcp_rpm_limit": MODEL_RATES,
    "tag_rpm_limit": MODEL_RATES,
    "budget_id": {"of nothing": '"gone"'},
    "end_user_budget_id": {"of nothing": '"gone"'},
}
KEY = (
    *("max_budget", "spend", "rpm_limit", "tpm_limit", "max_parallel_requests", "budget_duration"),
    *("model_max_budget", "budget_limits", "model_rpm_limit", "mcp_rpm_limit", "tag_rpm_limit", "budget_id"),
    *("soft_budget", "duration"),
)
ROUTES: dict[str, tuple[str, ...]] = {
    "/key/generate": KEY,
    "/key/update": (*KEY, "end_user_budget_id"),
    "/team/new": (
        *("max_budget", "rpm_limit", "budget_duration", "budget_limits", "model_rpm_limit"),
        *("mcp_rpm_limit", "team_member_budget", "soft_budget"),
    ),
    "/team/update": ("max_budget", "tpm_limit", "budget_duration", "budget_limits", "model_tpm_limit"),
    "/team/member_add": ("max_budget_in_team", "budget_duration"),
    "/user/new": ("max_budget", "spend", "rpm_limit", "budget_duration", "model_max_budget"),
    "/user/update": ("max_budget", "spend", "tpm_limit", "budget_duration"),
    "/budget/new": ("max_budget", "soft_budget", "rpm_limit", "budget_duration", "model_max_budget"),
    "/budget/update": ("max_budget", "tpm_limit", "max_parallel_requests", "budget_duration"),
    "/customer/new": ("max_budget", "rpm_limit", "budget_duration", "budget_id"),
    "/tag/new": ("max_budget", "tpm_limit", "budget_duration", "model_max_budget", "budget_id"),
    "/organization/new": ("max_budget", "rpm_limit", "budget_duration", "budget_id"),
    "/project/new": ("max_budget", "tpm_limit", "budget_duration", "budget_id", "model_rpm_limit"),
}
CASES = [
    pytest.param(path, member, id=f"{path} {member}")
    for path, members in ROUTES.items()
    for member in members
]
_COUNT = """
SELECT (SELECT count(*) FROM "LiteLLM_VerificationToken") + (SELECT count(*) FROM "LiteLLM_TeamTable")
    + (SELECT count(*) FROM "LiteLLM_UserTable") + (SELECT count(*) FROM "LiteLLM_BudgetTable")
    + (SELECT count(*) FROM "LiteLLM_EndUserTable") + (SELECT count(*) FROM "LiteLLM_TagTable")
    + (SELECT count(*) FROM "LiteLLM_OrganizationTable") + (SELECT count(*) FROM "LiteLLM_ProjectTable")
"""
_STATE = """
SELECT md5(string_agg(row::text, '' ORDER BY row::text)) FROM (
    SELECT to_jsonb(k) - 'last_active' AS row FROM "LiteLLM_VerificationToken" k
    WHERE key_alias = 'of-bad-limits'
    UNION ALL SELECT to_jsonb(t) FROM "LiteLLM_TeamTable" t WHERE team_alias = 'of-bad-limits'
    UNION ALL SELECT to_jsonb(u) FROM "LiteLLM_UserTable" u WHERE user_alias = 'of-bad-limits'
    UNION ALL SELECT to_jsonb(b) FROM "LiteLLM_BudgetTable" b WHERE budget_id = 'of-bad-limits') rows
"""


async def targets(desk: Desk) -> dict[str, dict[str, Any]]:
    """What is needed beside the member, per route; made once."""
    alias = "of-bad-limits"
    team = await desk.value('SELECT team_id FROM "LiteLLM_TeamTable" WHERE team_alias = $1', alias)
    if team is None:
        team = (await desk.post("/team/new", {"team_alias": alias, "max_budget": 5}))["team_id"]
        await desk.post("/key/generate", {"key_alias": alias, "max_budget": 5})
        await desk.post("/user/new", {"user_alias": alias, "user_id": alias, "auto_create_key": False})
        await desk.post("/budget/new", {"budget_id": alias, "max_budget": 5})
    token = await desk.value('SELECT token FROM "LiteLLM_VerificationToken" WHERE key_alias = $1', alias)
    return {
        "/key/update": {"key": token},
        "/team/update": {"team_id": team},
        "/team/member_add": {"team_id": team, "member": {"user_id": "new-one", "role": "user"}},
        "/user/update": {"user_id": alias},
        "/budget/update": {"budget_id": alias},
        "/customer/new": {"user_id": "never-made"},
        "/tag/new": {"name": "never-made"},
        "/organization/new": {"organization_alias": "never-made"},
        "/project/new": {"team_id": team},
    }


@pytest.mark.parametrize(("path", "member"), CASES)
async def test_a_limit_that_is_none_is_refused_by_its_name(desk: Desk, path: str, member: str) -> None:
    beside = (await targets(desk)).get(path, {})
    before = await desk.value(_COUNT), await desk.value(_STATE)
    wrong: list[str] = []
    for name, value in VALUES[member].items():
        body = json.dumps({**beside, member: 0}).replace(f'"{member}": 0', f'"{member}": {value}')
        answer = await desk.live.post(path, MASTER_KEY, body.encode())
        is_named = member in answer.text or "JSON" in answer.text
        if answer.status_code not in {400, 422} or not is_named:
            wrong.append(f"{name}: {answer.status_code} {answer.text}")
    assert wrong == []
    assert (await desk.value(_COUNT), await desk.value(_STATE)) == before
