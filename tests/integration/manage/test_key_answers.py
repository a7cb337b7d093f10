"""What a row of a key shows, on every route that shows one."""

import pytest

from gateway.ids import hash_token
from tests.integration.manage.conftest import Desk
from tests.integration.serving import LiveGateway

pytestmark = pytest.mark.asyncio(loop_scope="session")

ROW = {
    *("key_name", "key_alias", "spend", "total_spend", "max_budget", "expires", "models", "aliases"),
    *("config", "user_id", "team_id", "agent_id", "project_id", "max_parallel_requests", "metadata"),
    *("tpm_limit", "rpm_limit", "tpd_limit", "budget_duration", "budget_reset_at"),
    *("allowed_cache_controls", "allowed_routes", "key_type", "permissions", "model_spend"),
    *("model_max_budget", "budget_fallbacks", "soft_budget_cooldown", "blocked", "litellm_budget_table"),
    *("budget_id", "org_id", "organization_id", "created_at", "created_by", "updated_at", "updated_by"),
    *("settings_updated_at", "last_active", "object_permission_id", "access_group_ids", "rotation_count"),
    *("auto_rotate", "rotation_interval", "last_rotation_at", "key_rotation_at", "router_settings"),
    *("budget_limits", "status"),
}
"""Of the contract, without the hash, which routes name differently."""


async def test_every_route_shows_the_whole_row(desk: Desk, live: LiveGateway):
    organization = await desk.make_organization()
    key = await live.make_key(organization_id=organization)
    asked = {"key_hash": key, "return_full_object": True}

    rows = {
        "/key/info": (await desk.get("/key/info", key=key))["info"],
        "/v2/key/info": (await desk.post("/v2/key/info", {"keys": [key]}))["info"][0],
        "/key/list": (await desk.get("/key/list", **asked))["keys"][0],
        "/key/update": await desk.post("/key/update", {"key": key, "max_budget": 1}),
        "/key/block": await desk.post("/key/block", {"key": key}),
        "/key/unblock": await desk.post("/key/unblock", {"key": key}),
    }

    assert [(path, ROW - set(row)) for path, row in rows.items() if ROW - set(row)] == []
    assert {row["org_id"] for row in rows.values()} == {organization}


async def test_all_that_a_key_ever_spent_outlives_a_reset(desk: Desk, live: LiveGateway):
    key = await live.make_key()
    await live.chat(key)
    await desk.live.rows(key)
    await desk.post(f"/key/{hash_token(key)}/reset_spend", {"reset_to": 0})
    await live.chat(key)
    first, second = await desk.live.rows(key)

    info = (await desk.get("/key/info", key=key))["info"]

    assert info["spend"] == second.spend
    assert round(info["total_spend"] * 1e9) == first.nanos + second.nanos


async def test_a_charge_with_the_former_secret_keeps_the_key_active(desk: Desk, live: LiveGateway):
    old = await live.make_key()
    new = (await desk.post("/key/regenerate", {"key": old, "grace_period": "1h"}))["key"]
    assert (await desk.ask("GET", "/key/info", params={"key": new})).json()["info"]["last_active"] is None
    await live.chat(old)
    await live.spent_nanos(new)
    assert (await desk.ask("GET", "/key/info", params={"key": new})).json()["info"]["last_active"]
