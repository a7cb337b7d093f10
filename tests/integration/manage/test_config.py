"""Settings of the database win over the file's, within a second; fallbacks; the public list of models."""

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from tests.integration.counting import counting
from tests.integration.manage.conftest import Desk
from tests.integration.manage.inventory import SECRET, Served
from tests.integration.serving import MASTER_KEY, LiveGateway, bearer, deployment, eventually

pytestmark = pytest.mark.asyncio(loop_scope="session")


class Stage(Served):
    """Waits for settings, too."""

    async def until_settings(self, condition: Any) -> None:
        await eventually(lambda: bool(condition(self.live.gateway.snapshot.settings)))


@pytest_asyncio.fixture(loop_scope="session")
async def stage(live: LiveGateway) -> AsyncIterator[Stage]:
    live.configure(deployment("m", live.upstream), deployment("spare", live.upstream))
    stage = Stage(live)
    yield stage
    await live.gateway.parts.database.execute('DELETE FROM "LiteLLM_Config"')
    await stage.tell()
    await eventually(lambda: not live.gateway.parts.added.current.overlay)
    await stage.empty()


class TestSettings:
    async def test_a_field_counts_within_a_second_and_the_files_holds_again(
        self, desk: Desk, live: LiveGateway, stage: Stage
    ):
        key = await live.make_key()
        field = {"field_name": "enforce_user_param", "config_type": "general_settings"}
        row = await desk.post("/config/field/update", {**field, "field_value": True})
        assert row == {"param_name": "general_settings", "param_value": {"enforce_user_param": True}}
        await stage.until_settings(lambda settings: settings.access.enforce_user_param)
        assert (await live.chat(key)).status_code == 401
        shown = await desk.get("/config/field/info", field_name="enforce_user_param")
        assert shown == {
            "field_name": "enforce_user_param",
            "field_value": True,
            "source": "database",
            "editable": True,
        }
        await desk.post("/config/field/delete", field)
        await stage.until_settings(lambda settings: not settings.access.enforce_user_param)
        assert (await live.chat(key)).status_code == 200

    async def test_applications_of_mcp_are_listed_and_taken_away_again(
        self, desk: Desk, live: LiveGateway, stage: Stage
    ):
        # Nothing is asked of a server that may not be reached.
        servers = {"fix": {"url": "http://127.0.0.1:9/mcp", "transport": "http"}}
        live.configure(deployment("m", live.upstream), mcp_servers=servers)
        headers = {**bearer(await live.make_key()), "x-app": "cursor"}

        async def ask() -> Any:
            return await live.http.get("/mcp-rest/tools/list", headers=headers)

        allowed = {"field_name": "mcp_allowed_clients", "config_type": "general_settings"}
        header = {"field_name": "mcp_client_id_header", "config_type": "general_settings"}
        one = [{"alias": "Claude Code", "value": "claude-code"}]
        refused = await desk.ask(
            "POST", "/config/field/update", json={**allowed, "field_value": [{"alias": "x"}]}
        )
        assert (refused.status_code, "without 'value'" in refused.text) == (400, True)
        await desk.post("/config/field/update", {**header, "field_value": "X-App"})
        await desk.post("/config/field/update", {**allowed, "field_value": one})
        await stage.until_settings(lambda settings: settings.mcp_clients.allowed == {"claude-code"})
        answer = await ask()
        assert (answer.status_code, "'cursor' may not" in answer.text) == (403, True)
        headers["x-app"] = "claude-code"
        assert (await ask()).status_code == 200
        await desk.post("/config/field/delete", allowed)
        await stage.until_settings(lambda settings: settings.mcp_clients.allowed is None)
        headers["x-app"] = "cursor"
        assert (await ask()).status_code == 200

    async def test_applications_that_nobody_can_read_are_none_and_other_settings_hold(
        self, desk: Desk, live: LiveGateway, stage: Stage, capfd: pytest.CaptureFixture[str]
    ):
        # Nothing is asked of a server that may not be reached.
        servers = {"fix": {"url": "http://127.0.0.1:9/mcp", "transport": "http"}}
        general = {"mcp_client_id_header": "X-App"}
        live.configure(deployment("m", live.upstream), mcp_servers=servers, general_settings=general)
        headers = {**bearer(await live.make_key()), "x-app": "claude-code"}
        assert (await live.http.get("/mcp-rest/tools/list", headers=headers)).status_code == 200
        row = {"mcp_allowed_clients": [{"alias": "Claude Code"}], "max_request_size_mb": 3}
        await desk.run(
            """INSERT INTO "LiteLLM_Config" (param_name, param_value)
               VALUES ('general_settings', $1::jsonb)""",
            json.dumps(row),
        )
        await stage.tell()
        await stage.until_settings(lambda settings: settings.general.max_request_size_mb == 3)
        assert live.gateway.snapshot.settings.mcp_clients.allowed == frozenset()
        answer = await live.http.get("/mcp-rest/tools/list", headers=headers)
        assert (answer.status_code, "'claude-code' may not" in answer.text) == (403, True)
        lines = "".join(capfd.readouterr()).splitlines()
        told = [line for line in lines if "stored_setting_refused" in line]
        assert len(told) == 1
        assert "general_settings.mcp_allowed_clients" in told[0]
        assert "without 'value'" in told[0]
        # It keeps nobody from changing others, nor from mending it; a new one that is wrong is refused.
        header = {"field_name": "mcp_client_id_header", "config_type": "general_settings"}
        allowed = {"field_name": "mcp_allowed_clients", "config_type": "general_settings"}
        await desk.post("/config/field/update", {**header, "field_value": "X-Stored"})
        await stage.until_settings(lambda settings: settings.mcp_clients.id_header == "X-Stored")
        wrong = await desk.ask("POST", "/config/field/update", json={**allowed, "field_value": [{}]})
        assert (wrong.status_code, "without 'alias'" in wrong.text) == (400, True)
        mended = [{"alias": "Claude Code", "value": "claude-code"}]
        await desk.post("/config/field/update", {**allowed, "field_value": mended})
        await stage.until_settings(lambda settings: settings.mcp_clients.allowed == {"claude-code"})

    async def test_the_list_says_what_may_be_changed_and_shows_no_secret(
        self, desk: Desk, live: LiveGateway, stage: Stage
    ):
        fields = {
            item["field_name"]: item
            for item in await desk.get("/config/list", config_type="general_settings")
        }
        assert fields["enforce_user_param"]["editable"] is True
        assert fields["master_key"]["editable"] is False
        assert MASTER_KEY not in json.dumps(fields)
        await desk.get("/config/list", status=400, config_type="litellm_settings")

    async def test_several_sections_change_at_once(self, desk: Desk, live: LiveGateway, stage: Stage):
        body = {
            "litellm_settings": {"num_retries": 1, "store_audit_logs": True},
            "router_settings": {"model_group_alias": {"other": "m"}},
            "environment_variables": {"SOME_PROVIDERS_KEY": SECRET},
        }
        assert await desk.post("/config/update", body) == {"message": "Config updated successfully"}
        await stage.until(lambda catalog: catalog.find("other"))
        settings = live.gateway.snapshot.settings
        assert settings.variables["SOME_PROVIDERS_KEY"].reveal() == SECRET
        stored = await desk.value(
            """SELECT param_value ->> 'SOME_PROVIDERS_KEY' FROM "LiteLLM_Config"
               WHERE param_name = 'environment_variables'"""
        )
        assert live.gateway.parts.added.seal.open(stored) == SECRET != stored
        assert SECRET not in json.dumps(await desk.get("/audit", object_id="environment_variables"))
        await desk.post("/config/update", {"router_settings": {"model_group_alias": None}})
        await stage.until(lambda catalog: catalog.find("other") is None)

    @pytest.mark.parametrize(
        ("body", "param"),
        [
            ({"general_settings": {"master_key": "sk-x"}}, "general_settings.master_key"),
            ({"general_settings": {"database_url": "postgresql://x"}}, "general_settings.database_url"),
            ({"general_settings": {"no_such_thing": 1}}, "general_settings.no_such_thing"),
            ({"general_settings": {"custom_auth": "module.f"}}, "general_settings.custom_auth"),
            ({"router_settings": {"enable_tag_filtering": True}}, "router_settings.enable_tag_filtering"),
            ({"litellm_settings": {"num_retries": "many"}}, "litellm_settings.num_retries"),
            (
                {"environment_variables": {"MY_KEY": "os.environ/LITELLM_MASTER_KEY"}},
                "environment_variables.MY_KEY",
            ),
            ({"environment_variables": {"DATABASE_URL": "x"}}, "environment_variables.DATABASE_URL"),
            ({"model_list": [{"model_name": "m"}]}, "model_list"),
            ({"worker_registry": [{}]}, "worker_registry"),
            (
                {"environment_variables": {"GATEWAY_MASTER_KEY": "x"}},
                "environment_variables.GATEWAY_MASTER_KEY",
            ),
        ],
    )
    async def test_what_cannot_be_taken_over_is_refused_whole(self, desk: Desk, stage: Stage, body, param):
        body = {**body, "litellm_settings": {"drop_params": True, **body.get("litellm_settings", {})}}
        assert (await desk.refusal("/config/update", body))[::2] == (400, param)
        assert await desk.value("""SELECT count(*) FROM "LiteLLM_Config" WHERE param_value <> '{}'""") == 0

    async def test_rows_that_cannot_be_taken_over_leave_what_is_there(
        self, desk: Desk, live: LiveGateway, stage: Stage, unique
    ):
        await desk.run(
            """INSERT INTO "LiteLLM_Config" (param_name, param_value)
               VALUES ('litellm_settings', '{"num_retries": "many"}'), ('general_settings', '[1]')"""
        )
        model = unique("model")
        params = {"model": "openai/x", "api_key": SECRET}
        await desk.post("/model/new", {"model_name": model, "litellm_params": params})
        await stage.until(lambda catalog: catalog.find(model))
        assert live.gateway.snapshot.settings.router.num_retries == 2
        assert "LiteLLM_Config" in live.gateway.parts.added.current.faults["general_settings"]

    @pytest.mark.parametrize("role", ["internal_user", "proxy_admin_viewer"])
    async def test_only_proxy_admins_change_settings(self, desk: Desk, role):
        _, key = await desk.make_user(role)
        sees = role == "proxy_admin_viewer"
        for path in ("/config/list?config_type=general_settings", "/router/settings", "/router/fields"):
            assert (await desk.ask("GET", path, key)).status_code == (200 if sees else 401), path
        for path in ("/config/update", "/config/field/update", "/config/field/delete", "/fallback"):
            assert (await desk.ask("POST", path, key, json={})).status_code == 401, path

    async def test_a_switch_has_a_route_of_its_own(self, desk: Desk, stage: Stage):
        path = "/config/block_requests_for_models_without_pricing"
        assert await desk.get(path) == {"enabled": False}
        answer = await desk.ask("PATCH", path, json={"enabled": True})
        assert answer.json() == {"enabled": True}
        await stage.until_settings(
            lambda settings: settings.litellm.block_requests_for_models_without_pricing
        )
        assert await desk.get(path) == {"enabled": True}

    async def test_the_gateway_greets(self, live: LiveGateway):
        assert (await live.http.get("/config/yaml")).json() == {"hello": "world"}


class TestAddresses:
    async def test_they_are_added_and_taken_away(self, desk: Desk, live: LiveGateway, stage: Stage):
        assert await desk.get("/get/allowed_ips") == {"data": []}
        for address in ("127.0.0.1", "10.0.0.0/8"):
            answer = await desk.post("/add/allowed_ip", {"ip": address})
            assert answer["status"] == "success"
            await stage.until_settings(
                lambda settings, address=address: address.split("/")[0] in str(settings.access.allowed_ips)
            )
        assert await desk.get("/get/allowed_ips") == {"data": ["127.0.0.1", "10.0.0.0/8"]}
        await desk.post("/delete/allowed_ip", {"ip": "10.0.0.0/8"})
        await stage.until_settings(lambda settings: "10.0.0.0" not in str(settings.access.allowed_ips))
        assert (await desk.refusal("/delete/allowed_ip", {"ip": "10.0.0.0/8"}))[::2] == (404, "ip")
        assert (await desk.refusal("/add/allowed_ip", {"ip": "everybody"}))[::2] == (400, "ip")


class TestFallbacks:
    async def test_they_are_set_used_shown_and_deleted(self, desk: Desk, live: LiveGateway, stage: Stage):
        body = {"model": "m", "fallback_models": ["spare"], "fallback_type": "general"}
        message = "Fallback configuration saved successfully"
        assert await desk.post("/fallback", body) == {**body, "message": message}
        await stage.until_settings(lambda settings: settings.router.fallbacks == {"m": ("spare",)})
        assert await desk.get("/fallback/m") == body
        values = (await desk.get("/router/settings"))["current_values"]
        assert values["fallbacks"] == [{"m": ["spare"]}]
        answer = await desk.ask("DELETE", "/fallback/m")
        assert answer.json()["model"] == "m"
        await stage.until_settings(lambda settings: settings.router.fallbacks == {})
        await desk.get("/fallback/m", status=404)
        assert (await desk.ask("DELETE", "/fallback/m")).status_code == 404

    @pytest.mark.parametrize(
        ("body", "refused"),
        [
            ({"model": "m", "fallback_models": ["none"]}, (400, "fallback_models[0]")),
            ({"model": "m", "fallback_models": ["m"]}, (400, "fallback_models[0]")),
            ({"model": "m", "fallback_models": []}, (400, "fallback_models")),
            ({"model": "none", "fallback_models": ["m"]}, (404, "model")),
        ],
    )
    async def test_what_leads_nowhere_is_refused(self, desk: Desk, stage: Stage, body, refused):
        assert (await desk.refusal("/fallback", body))[::2] == refused


class TestPublicModels:
    async def test_only_what_was_made_public_is_shown_without_a_key(
        self, desk: Desk, live: LiveGateway, stage: Stage
    ):
        async def shown() -> list[str]:
            return [item["model_group"] for item in (await live.http.get("/public/model_hub")).json()]

        assert await shown() == []
        answer = await desk.post("/model_group/make_public", {"model_groups": ["spare"]})
        assert answer["public_model_groups"] == ["spare"]
        await eventually(lambda: bool(live.gateway.parts.added.current.overlay))
        assert await shown() == ["spare"]
        assert live.upstream.base_url not in (await live.http.get("/public/model_hub")).text
        groups = {item["model_group"]: item for item in (await desk.get("/model_group/info"))["data"]}
        assert {name: item["is_public_model_group"] for name, item in groups.items()} == {
            "m": False,
            "spare": True,
        }
        assert (await desk.refusal("/model_group/make_public", {"model_groups": ["none"]}))[0] == 400

    async def test_links_stand_beside_it(self, desk: Desk, live: LiveGateway, stage: Stage):
        links = {"Manual": "https://docs.example.com"}
        await desk.post("/model_hub/update_useful_links", {"useful_links": links})
        await eventually(lambda: bool(live.gateway.parts.added.current.overlay))
        assert (await live.http.get("/public/model_hub/info")).json()["useful_links"] == links
        await desk.post("/model_hub/update_useful_links", {"useful_links": {"x": "javascript:1"}}, status=422)


async def test_what_would_not_be_read_is_not_stored(desk: Desk, live: LiveGateway, stage: Stage):
    bodies = {
        "/config/update": {"general_settings": {"enforce_user_param": True}},
        "/config/field/update": {
            "field_name": "enforce_user_param",
            "field_value": True,
            "config_type": "general_settings",
        },
        "/fallback": {"model": "m", "fallback_models": ["spare"]},
        "/add/allowed_ip": {"ip": "10.0.0.1"},
        "/delete/allowed_ip": {"ip": "10.0.0.1"},
        "/model_group/make_public": {"model_groups": ["m"]},
        "/model_hub/update_useful_links": {"useful_links": {}},
        "/credentials": {"credential_name": "unread", "credential_info": {}, "credential_values": {"k": "v"}},
    }
    live.configure(deployment("m", live.upstream), general_settings={"store_model_in_db": False})
    try:
        refused = [await desk.post(path, body, status=400) for path, body in bodies.items()]
        refused.append(await desk.patch("/credentials/unread", {"credential_info": {}}, status=400))
        path = "/config/block_requests_for_models_without_pricing"
        refused.append(await desk.patch(path, {"enabled": True}, status=400))
        refused.append((await desk.ask("DELETE", "/fallback/m")).json())
    finally:
        live.configure(deployment("m", live.upstream))
    assert [told for told in refused if "store_model_in_db" not in str(told)] == []
    assert not await desk.value('SELECT count(*) FROM "LiteLLM_Config"')


async def test_statements_are_counted(desk: Desk, live: LiveGateway, stage: Stage):
    counted = {}
    field = {"field_name": "enforce_user_param", "config_type": "general_settings"}
    for what, ask in {
        "list": lambda: desk.get("/config/list", config_type="general_settings"),
        "update": lambda: desk.post("/config/field/update", {**field, "field_value": False}),
        "delete": lambda: desk.post("/config/field/delete", field),
        "router": lambda: desk.get("/router/settings"),
        "hub": lambda: live.http.get("/public/model_hub"),
    }.items():
        async with counting(live) as counter:
            await ask()
        counted[what] = len(counter)
    assert counted == {"list": 1, "update": 7, "delete": 7, "router": 1, "hub": 0}
