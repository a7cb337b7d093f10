"""Stored callbacks, channels of alerts, and what providers need to be told."""

import json
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from tests.integration.manage.conftest import Desk
from tests.integration.manage.counting import statements
from tests.integration.serving import LiveGateway

pytestmark = pytest.mark.asyncio(loop_scope="session")

DELETE = "/config/callback/delete"


@pytest_asyncio.fixture(loop_scope="session")
async def stored(desk: Desk, live: LiveGateway) -> AsyncIterator[dict[str, object]]:
    """Callbacks as LiteLLM stores them."""
    row = {"success_callback": ["langfuse", "s3"], "failure_callback": ["langfuse"], "callbacks": "otel"}
    await desk.run(
        'INSERT INTO "LiteLLM_Config" (param_name, param_value) VALUES ($1, $2)',
        "litellm_settings",
        json.dumps({**row, "num_retries": 2}),
    )
    yield row
    await desk.run('DELETE FROM "LiteLLM_Config"')
    live.gateway.parts.added.note_change()


async def test_stored_callbacks_are_listed_as_what_does_not_run(
    desk: Desk, stored: dict[str, object]
) -> None:
    shown = await desk.get("/get/config/callbacks")

    assert shown["status"] == "success"
    assert {(one["name"], one["type"], one["is_active"]) for one in shown["callbacks"]} == {
        ("langfuse", "success", False),
        ("s3", "success", False),
        ("langfuse", "failure", False),
        ("otel", "success_and_failure", False),
    }
    assert (shown["alerts"], shown["active_alerting_destinations"]) == ([], [])
    assert shown["router_settings"]["num_retries"] == 2
    active = await desk.get("/active/callbacks")
    assert (active["num_callbacks"], active["num_alerting"]) == (0, 0)
    assert active["litellm.request_timeout"] == 600.0
    assert await desk.get("/settings") == active


async def test_stored_callbacks_are_grouped_by_what_they_would_be_told(
    desk: Desk, stored: dict[str, object]
) -> None:
    assert await desk.get("/callbacks/list") == {
        "success_and_failure": ["otel"],
        "success": ["langfuse", "s3"],
        "failure": ["langfuse"],
    }
    assert await desk.get("/callbacks/configs") == []


async def test_one_is_taken_out_of_every_list(desk: Desk, stored: dict[str, object]) -> None:
    answer = await desk.post(DELETE, {"callback_name": "langfuse"})
    row = await desk.value(
        """SELECT param_value::text FROM "LiteLLM_Config" WHERE param_name = 'litellm_settings'"""
    )
    [entry] = (await desk.get("/audit", object_id="litellm_settings", page_size=1))["audit_logs"]
    again = await desk.refusal(DELETE, {"callback_name": "langfuse"})

    assert answer["removed_callback"] == "langfuse"
    assert answer["remaining_callbacks"] == ["otel", "s3"]
    assert answer["deleted_at"]
    assert json.loads(row) == {"success_callback": ["s3"], "callbacks": "otel", "num_retries": 2}
    assert entry["before_value"]["failure_callback"] == ["langfuse"]
    assert "failure_callback" not in entry["updated_values"]
    assert again[::2] == (404, "callback_name")


async def test_a_callback_that_nobody_stored_makes_no_row(desk: Desk) -> None:
    assert (await desk.refusal(DELETE, {"callback_name": "x"}))[0] == 404
    assert await desk.value('SELECT count(*) FROM "LiteLLM_Config"') == 0
    assert (await desk.ask("POST", DELETE, json={})).status_code == 422


@pytest.mark.parametrize(("role", "status"), [("internal_user", 401), ("proxy_admin_viewer", 200)])
async def test_viewers_look_and_only_admins_delete(desk: Desk, role: str, status: int) -> None:
    _, key = await desk.make_user(role)
    paths = (
        "/get/config/callbacks",
        "/active/callbacks",
        "/settings",
        "/alerting/settings",
        "/model/settings",
    )
    seen = {path: (await desk.ask("GET", path, key)).status_code for path in paths}

    assert seen == dict.fromkeys(paths, status)
    assert (await desk.ask("POST", DELETE, key, json={"callback_name": "x"})).status_code == 401


async def test_settings_of_alerts_are_listed_without_addresses(desk: Desk) -> None:
    await desk.run(
        'INSERT INTO "LiteLLM_Config" (param_name, param_value) VALUES ($1, $2)',
        "general_settings",
        '{"alert_to_webhook_url": {"budget_alerts": "https://hooks.example.com/services/secret"}}',
    )
    try:
        fields = {one["field_name"]: one for one in await desk.get("/alerting/settings")}
        listed = await desk.get("/config/list", config_type="general_settings")
    finally:
        await desk.run('DELETE FROM "LiteLLM_Config"')

    assert {"alerting", "alert_types", "alerting_threshold", "alert_to_webhook_url"} <= fields.keys()
    assert all(name.startswith("alert") for name in fields)
    assert fields["alert_to_webhook_url"]["field_value"] == {"budget_alerts": "*****"}
    assert "hooks.example.com" not in json.dumps(listed)


async def test_providers_say_what_they_need(desk: Desk) -> None:
    providers = {one["name"]: one["fields"] for one in await desk.get("/model/settings")}
    azure = [(field["field_name"], field["field_required"]) for field in providers["azure"]]

    assert azure == [("api_key", True), ("api_base", True), ("api_version", False)]
    assert providers["openai"][1]["field_value"] == "https://api.openai.com/v1"
    assert providers["openai"][0]["environment_variables"] == ["OPENAI_API_KEY"]
    assert "mock" not in providers


async def test_statements_are_counted(desk: Desk, stored: dict[str, object]) -> None:
    shown = {
        "/get/config/callbacks": 1,
        "/active/callbacks": 0,
        "/alerting/settings": 1,
        "/model/settings": 0,
    }
    assert {path: await statements(desk, "GET", path) for path in shown} == shown
    assert await statements(desk, "POST", DELETE, json={"callback_name": "s3"}) == 7
