"""Models that are added through the API, and served within a second."""

import json
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest
import pytest_asyncio

from tests.integration.counting import counting
from tests.integration.manage.conftest import Desk
from tests.integration.manage.inventory import SECRET, Served
from tests.integration.serving import MASTER_KEY, LiveGateway, bearer, deployment

pytestmark = pytest.mark.asyncio(loop_scope="session")

Make = Callable[..., Awaitable[dict[str, Any]]]


@pytest_asyncio.fixture(loop_scope="session")
async def served(live: LiveGateway) -> AsyncIterator[Served]:
    served = Served(live)
    yield served
    await served.empty()


@pytest.fixture
def make(desk: Desk, live: LiveGateway) -> Make:
    """Makes a model whose upstream is the test's; members that begin with `info_` go into `model_info`."""

    async def make(name: str, key: str = MASTER_KEY, status: int = 200, **params: Any) -> dict[str, Any]:
        info = {
            item.removeprefix("info_"): params.pop(item) for item in list(params) if item.startswith("info_")
        }
        given = {
            "model": "openai/real-model",
            "api_base": live.upstream.base_url,
            "api_key": SECRET,
            **params,
        }
        body = {"model_name": name, "litellm_params": given, "model_info": info}
        return await desk.post("/model/new", body, key, status)

    return make


async def make_team(desk: Desk, **members: object) -> tuple[str, str]:
    """A team and a key of its administrator."""
    user_id, key = await desk.make_user()
    admin = [{"user_id": user_id, "role": "admin"}]
    team = await desk.post("/team/new", {"members_with_roles": admin, **members})
    return team["team_id"], key


PUBLIC = {"api_base": "https://models.example.com/v1"}


class TestServing:
    async def test_a_new_model_answers_within_a_second(
        self, live: LiveGateway, make: Make, served: Served, unique
    ):
        name, key = unique("model"), await live.make_key()
        made = await make(name)
        await served.until(lambda catalog: catalog.find(name))
        answer = await live.openai(key).chat.completions.create(
            model=name, messages=[{"role": "user", "content": "Say hello"}]
        )
        assert answer.model == name
        assert live.upstream.requests[-1].headers["authorization"] == f"Bearer {SECRET}"
        assert made["model_info"]["id"] == made["model_id"]

    async def test_a_deleted_model_is_gone_within_a_second(
        self, desk: Desk, make: Make, served: Served, unique
    ):
        name = unique("model")
        made = await make(name)
        await served.until(lambda catalog: catalog.find(name))
        answer = await desk.post("/model/delete", {"id": made["model_id"]})
        assert answer == {"message": f"Model: {made['model_id']} deleted successfully"}
        await served.until(lambda catalog: catalog.find(name) is None)
        assert await desk.refusal("/model/delete", {"id": made["model_id"]}) == (
            400,
            "bad_request_error",
            "id",
        )

    async def test_a_blocked_model_answers_no_more_until_it_is_unblocked(
        self, desk: Desk, make: Make, served: Served, unique
    ):
        name = unique("model")
        body = {"model_id": (await make(name))["model_id"]}
        await served.until(lambda catalog: catalog.find(name))
        assert (await desk.post("/model/block", body))["blocked"] is True
        await served.until(lambda catalog: catalog.find(name) is None)
        listed = await desk.get("/model/info", litellm_model_id=body["model_id"])
        assert listed["data"][0]["model_info"]["blocked"] is True
        assert (await desk.post("/model/unblock", body))["blocked"] is False
        await served.until(lambda catalog: catalog.find(name))
        assert (await desk.refusal("/model/block", {"model_id": "none"}))[0] == 404

    async def test_a_change_is_served_and_keeps_what_was_not_sent(
        self, desk: Desk, live: LiveGateway, make: Make, served: Served, unique
    ):
        name, key = unique("model"), await live.make_key()
        made = await make(name, rpm=5)
        changed = await desk.post(
            "/model/update",
            {
                "model_info": {"id": made["model_id"], "mode": "chat"},
                "litellm_params": {"model": "openai/another", "api_key": made["litellm_params"]["api_key"]},
            },
        )
        assert changed["litellm_params"]["rpm"] == 5
        await served.until(lambda catalog: [one.model for one in catalog.deployments()][1:] == ["another"])
        assert (await live.chat(key, name)).status_code == 200
        assert live.upstream.requests[-1].headers["authorization"] == f"Bearer {SECRET}"
        answer = await desk.ask(
            "PATCH",
            f"/model/{made['model_id']}/update",
            json={"model_name": f"{name}-2", "litellm_params": {"rpm": None}},
        )
        assert answer.status_code == 200, answer.text
        assert "rpm" not in answer.json()["litellm_params"]
        await served.until(lambda catalog: catalog.find(f"{name}-2") and not catalog.find(name))


class TestSecrets:
    async def test_they_are_encrypted_at_rest_and_masked_in_answers(
        self, desk: Desk, live: LiveGateway, make: Make, served: Served, unique
    ):
        name = unique("model")
        made = await make(name, extra_headers={"x-upstream": SECRET})
        await served.until(lambda catalog: catalog.find(name))
        sql = 'SELECT litellm_params::text FROM "LiteLLM_ProxyModelTable" WHERE model_id = $1'
        stored = json.loads(await desk.value(sql, made["model_id"]))
        seal = live.gateway.parts.added.seal
        assert seal.open(stored["api_key"]) == SECRET != stored["api_key"]
        shown = [
            made,
            await desk.get("/model/info"),
            await desk.get("/v2/model/info"),
            await desk.post("/model/block", {"model_id": made["model_id"]}),
        ]
        assert SECRET not in json.dumps(shown)
        assert made["litellm_params"]["api_key"] == "****6789"
        trail = await desk.get("/audit", object_id=made["model_id"])
        assert {entry["action"] for entry in trail["audit_logs"]} == {"created", "blocked"}
        assert SECRET not in json.dumps(trail)

    async def test_a_row_that_does_not_decrypt_is_shown_and_can_be_mended(
        self, desk: Desk, make: Make, served: Served, unique
    ):
        name = unique("model")
        model_id = (await make(name))["model_id"]
        await served.until(lambda catalog: catalog.find(name))
        await desk.run(
            """UPDATE "LiteLLM_ProxyModelTable" SET litellm_params =
               jsonb_set(litellm_params, '{api_key}', '"v3:gcm:AAAA"') WHERE model_id = $1""",
            model_id,
        )
        await served.tell()
        await served.until(lambda catalog: model_id in catalog.faults)
        shown = (await desk.get("/model/info", litellm_model_id=model_id))["data"][0]
        assert f'["{model_id}"].litellm_params.api_key' in shown["model_info"]["fault"]
        body = {"model_info": {"id": model_id}, "litellm_params": {"rpm": 1}}
        assert (await desk.refusal("/model/update", body))[::2] == (400, "litellm_params")
        await desk.post("/model/update", {**body, "litellm_params": {"api_key": SECRET}})
        await served.until(lambda catalog: catalog.find(name))


class TestRefusals:
    @pytest.mark.parametrize(
        ("change", "param"),
        [
            ({"litellm_params": {"model": "nobody-knows-this"}}, "litellm_params.model"),
            ({"litellm_params": {"model": "openai/x", "rpm": "many"}}, "litellm_params.rpm"),
            ({"litellm_params": {"api_key": "k"}}, "litellm_params"),
            ({"litellm_params": {"model": "openai/x", "api_base": "ftp://x"}}, "litellm_params.api_base"),
            (
                {"litellm_params": {"model": "openai/x", "api_key": "os.environ/UNSET_1"}},
                "litellm_params.api_key",
            ),
            (
                {"litellm_params": {"model": "openai/x", "api_key": "os.environ/DATABASE_URL"}},
                "litellm_params.api_key",
            ),
            ({"litellm_params": {"model": "openai/x", "guardrails": [3]}}, "litellm_params.guardrails"),
            (
                {"litellm_params": {"model": "openai/x", "litellm_credential_name": "none"}},
                "litellm_params.litellm_credential_name",
            ),
            ({"model_name": " "}, "model_name"),
        ],
    )
    async def test_what_could_not_be_served_is_not_stored(self, desk: Desk, served: Served, change, param):
        body = {"model_name": "m2", "litellm_params": {"model": "openai/x"}, **change}
        status, kind, named = await desk.refusal("/model/new", body)
        assert (status, kind, named) == (400, "bad_request_error", param)
        assert await desk.value('SELECT count(*) FROM "LiteLLM_ProxyModelTable"') == 0

    async def test_an_id_is_given_once(self, desk: Desk, make: Make, served: Served, unique):
        model_id = unique("id")
        await make("m2", info_id=model_id)
        again = {"model_name": "m3", "litellm_params": {"model": "openai/x"}, "model_info": {"id": model_id}}
        assert (await desk.refusal("/model/new", again))[::2] == (409, "model_info.id")

    async def test_models_of_the_configuration_are_changed_there(self, desk: Desk, live: LiveGateway):
        own = live.gateway.snapshot.catalog.find("m").deployments[0].id
        body = {"model_info": {"id": own}, "litellm_params": {"rpm": 1}}
        assert (await desk.refusal("/model/update", body))[0] == 400
        assert (await desk.refusal("/model/delete", {"id": own}))[0] == 400
        body["model_info"]["id"] = "none"
        assert (await desk.refusal("/model/update", body))[0] == 404
        assert (await desk.refusal("/model/update", {"litellm_params": {}}))[::2] == (400, "model_info.id")

    @pytest.mark.parametrize("role", ["internal_user", "internal_user_viewer", "proxy_admin_viewer", None])
    async def test_only_administrators_change_models(self, desk: Desk, live: LiveGateway, make: Make, role):
        key = await live.make_key() if role is None else (await desk.make_user(role))[1]
        refused = await make("m2", key, status=403)
        assert refused["error"]["code"] == "403"
        for path, body in (("/model/block", {"model_id": "x"}), ("/model/unblock", {"model_id": "x"})):
            assert (await desk.refusal(path, body, key))[0] == 401

    async def test_without_a_store_nothing_is_stored(self, desk: Desk, live: LiveGateway):
        live.configure(general_settings={"store_model_in_db": False})
        body = {"model_name": "m2", "litellm_params": {"model": "openai/x"}}
        assert (await desk.refusal("/model/new", body))[0] == 500


class TestTeams:
    async def test_a_teams_admin_adds_a_model_that_only_the_team_can_use(
        self, desk: Desk, live: LiveGateway, make: Make, served: Served, unique
    ):
        name = unique("model")
        team_id, admin = await make_team(desk, models=["m"])
        made = await make(name, admin, info_team_id=team_id, **PUBLIC)
        assert made["model_name"].startswith(f"model_name_{team_id}_")
        assert made["model_info"]["team_public_model_name"] == name
        await served.until(lambda catalog: (team_id, name) in catalog.team_models.names)
        key, stranger = await live.make_key(team_id=team_id), await live.make_key()
        models = [item["id"] for item in (await desk.get("/v1/models", key))["data"]]
        assert sorted(models) == sorted(["m", name])
        assert (await live.chat(stranger, name)).status_code == 400
        assert (await live.chat(stranger, made["model_name"])).status_code in {400, 403}
        shown = (await desk.get("/model/info", key))["data"]
        assert name in {item["model_name"] for item in shown}
        assert "models.example.com" not in json.dumps(shown)
        assert name not in json.dumps(await desk.get("/model/info", stranger))
        # Who administers the team sees what they wrote, masked, with a key of their own.
        for path in ("/model/info", "/v2/model/info"):
            (theirs,) = (await desk.get(path, admin, teamId=team_id))["data"]
            assert theirs["litellm_params"]["api_base"] == PUBLIC["api_base"]
            assert theirs["litellm_params"]["api_key"] == "****6789"
            assert (await desk.get(path, stranger, teamId=team_id))["data"] == []
        await desk.post("/model/delete", {"id": made["model_id"]}, admin)
        assert (await desk.get("/team/info", team_id=team_id))["team_info"]["models"] == ["m"]

    @pytest.mark.parametrize(
        ("params", "named"),
        [
            ({"api_base": "http://127.0.0.1:9"}, "litellm_params.api_base"),
            ({"api_base": "http://[::ffff:10.0.0.1]/v1"}, "litellm_params.api_base"),
            ({"api_base": "http://localhost/v1"}, "litellm_params.api_base"),
            ({"api_base": "http://169.254.169.254/latest"}, "litellm_params.api_base"),
            ({"model": "ollama/x", "api_base": None}, "litellm_params.api_base"),
            ({"api_key": "os.environ/DATABASE_URL"}, "litellm_params.api_key"),
        ],
    )
    async def test_a_teams_model_reaches_nothing_of_the_operators(
        self, desk: Desk, make: Make, served: Served, params, named
    ):
        team_id, admin = await make_team(desk)
        refused = await make("x", admin, 400, info_team_id=team_id, **{**PUBLIC, **params})
        assert refused["error"]["param"] == named

    @pytest.mark.parametrize(
        ("params", "named"),
        [
            ({"litellm_credential_name": "shared"}, "litellm_params.litellm_credential_name"),
            ({"input_cost_per_token": 0}, "litellm_params.input_cost_per_token"),
            ({"extra_headers": {"a": "b"}}, "litellm_params.extra_headers"),
            ({"max_budget": 1}, "litellm_params.max_budget"),
            ({"info_access_groups": ["everything"]}, "model_info.access_groups"),
            ({"info_id": "mine"}, "model_info.id"),
            ({"info_base_model": "gpt-4o-mini"}, "model_info.base_model"),
            ({"info_gatewright_author": "operator"}, "model_info.gatewright_author"),
        ],
    )
    async def test_a_member_that_is_the_operators_is_refused_whole(
        self, desk: Desk, make: Make, served: Served, params, named
    ):
        team_id, admin = await make_team(desk)
        refused = await make("x", admin, 403, info_team_id=team_id, **{**PUBLIC, **params})
        assert refused["error"]["param"] == named
        assert await desk.value('SELECT count(*) FROM "LiteLLM_ProxyModelTable"') == 0

    async def test_a_teams_admin_leaves_other_teams_and_the_operators_models_alone(
        self, desk: Desk, make: Make, served: Served
    ):
        team_id, admin = await make_team(desk)
        other, _ = await make_team(desk)
        for foreign in (other, "none"):
            assert (await make("x", admin, 403, info_team_id=foreign, **PUBLIC))["error"]["code"] == "403"
        operators = await make("x", info_team_id=team_id)
        body = {"model_info": {"id": operators["model_id"]}, "litellm_params": {**PUBLIC}}
        assert (await desk.refusal("/model/update", body, admin))[0] == 403
        assert (await desk.refusal("/model/delete", {"id": operators["model_id"]}, admin))[0] == 403
        own = await make("y", admin, info_team_id=team_id, **PUBLIC)
        body = {"model_info": {"id": own["model_id"]}}
        assert (await desk.refusal("/model/update", body | {"blocked": True}, admin))[::2] == (403, "blocked")
        body["model_info"]["team_id"] = other
        assert (await desk.refusal("/model/update", body, admin))[::2] == (403, "model_info.team_id")

    @pytest.mark.parametrize(
        ("taken", "named"),
        [
            ({"model_info": {"team_id": None}}, "model_info.team_id"),
            ({"model_info": {"gatewright_author": None}}, "model_info.gatewright_author"),
            ({"litellm_params": {"tags": None}}, "litellm_params.tags"),
        ],
    )
    async def test_a_teams_admin_takes_nothing_away_that_is_the_operators(
        self, desk: Desk, make: Make, served: Served, taken, named
    ):
        team_id, admin = await make_team(desk)
        own = await make("y", admin, info_team_id=team_id, **PUBLIC)
        path = f"/model/{own['model_id']}/update"
        tagged = await desk.ask("PATCH", path, json={"litellm_params": {"tags": ["cheap"]}})
        assert tagged.status_code == 200, tagged.text

        refused = await desk.ask("PATCH", path, admin, json=taken)

        assert (refused.status_code, refused.json()["error"]["param"]) == (403, named)
        stored = await desk.value(
            'SELECT model_info FROM "LiteLLM_ProxyModelTable" WHERE model_id = $1', own["model_id"]
        )
        assert json.loads(stored)["team_id"] == team_id

    async def test_a_teams_admin_takes_away_what_it_may_set(self, desk: Desk, make: Make, served: Served):
        team_id, admin = await make_team(desk)
        own = await make("y", admin, info_team_id=team_id, temperature=0.5, **PUBLIC)
        path = f"/model/{own['model_id']}/update"

        changed = await desk.ask("PATCH", path, admin, json={"litellm_params": {"temperature": None}})

        assert changed.status_code == 200, changed.text
        assert "temperature" not in changed.json()["litellm_params"]

    async def test_an_unknown_team_is_not_found(self, make: Make, served: Served):
        assert (await make("x", status=404, info_team_id="none"))["error"]["param"] == "model_info.team_id"


class TestLists:
    async def test_pages_are_filtered_and_sorted(self, desk: Desk, make: Make, served: Served, unique):
        stem = unique("model")
        for letter in "bca":
            await make(f"{stem}-{letter}", info_access_groups=[stem] if letter != "b" else [])
        await served.until(lambda catalog: catalog.find(f"{stem}-a"))

        async def names(**query: object) -> list[str]:
            found = await desk.get("/v2/model/info", **query)
            return [item["model_name"].removeprefix(f"{stem}-") for item in found["data"]]

        assert await names(search=stem.upper(), sortBy="model_name") == ["a", "b", "c"]
        assert await names(search=stem, sortBy="model_name", sortOrder="desc", size=2) == ["c", "b"]
        assert await names(search=stem, sortBy="created_at", page=2, size=2) == ["a"]
        assert await names(access_group=stem, sortBy="costs") == ["c", "a"]
        assert await names(model=f"{stem}-b") == ["b"]
        assert await names(wildcard_only=True) == []
        page = await desk.get("/v2/model/info", search=stem, size=2)
        assert [page[name] for name in ("total_count", "total_pages", "current_page", "size")] == [3, 2, 1, 2]

    @pytest.mark.parametrize(
        "query", [{"page": 0}, {"size": 5_000}, {"sortBy": "api_key"}, {"sortOrder": "up"}]
    )
    async def test_a_wrong_page_is_refused(self, desk: Desk, query):
        await desk.get("/v2/model/info", status=400, **query)

    async def test_an_unknown_id_is_refused(self, desk: Desk):
        await desk.get("/v1/model/info", status=400, litellm_model_id="none")

    async def test_prices_are_told(self, desk: Desk, live: LiveGateway):
        info = (await desk.get("/model/info"))["data"][0]["model_info"]
        assert (info["input_cost_per_token"], info["output_cost_per_token"]) == (1e-06, 1e-05)
        assert (info["db_model"], info["litellm_provider"], info["mode"]) == (False, "openai", "chat")

    async def test_a_group_is_told_of_as_one(self, desk: Desk, live: LiveGateway, make: Make, served: Served):
        await make(
            "m", rpm=3, input_cost_per_token=2e-6, output_cost_per_token=1e-6, info_supports_vision=True
        )
        await served.until(lambda catalog: len(catalog.find("m").deployments) == 2)
        key = await live.make_key()
        (group,) = (await desk.get("/model_group/info", key, model_group="m"))["data"]
        assert (group["input_cost_per_token"], group["output_cost_per_token"]) == (2e-06, 1e-05)
        assert (group["rpm"], group["supports_vision"], group["providers"]) == (3, True, ["openai"])
        assert "temperature" in group["supported_openai_params"]
        other = await live.make_key(models=["nothing"])
        assert (await desk.get("/model_group/info", other))["data"] == []


class TestStatements:
    @pytest.mark.parametrize("path", ["/model/info", "/v2/model/info", "/model_group/info"])
    async def test_showing_models_sends_no_sql(self, live: LiveGateway, path):
        await live.http.get(path, headers=bearer(MASTER_KEY))
        async with counting(live) as counter:
            answer = await live.http.get(path, headers=bearer(MASTER_KEY))
        assert answer.status_code == 200
        assert counter.statements == []

    async def test_writes_send_a_fixed_number(
        self, desk: Desk, live: LiveGateway, make: Make, served: Served
    ):
        counted = {}

        async def count(name: str, ask: Awaitable[Any]) -> Any:
            async with counting(live) as counter:
                answer = await ask
            counted[name] = len(counter)
            return answer

        model_id = (await count("new", make("m2")))["model_id"]
        body = {"model_info": {"id": model_id}, "litellm_params": {"rpm": 1}}
        await count("update", desk.post("/model/update", body))
        await count("block", desk.post("/model/block", {"model_id": model_id}))
        await count("delete", desk.post("/model/delete", {"id": model_id}))
        assert counted == {"new": 3, "update": 4, "block": 4, "delete": 4}


async def test_auto_routers_are_left_out_and_clients_named_on_request(
    desk: Desk, live: LiveGateway, unique
) -> None:
    name = unique("model")
    routers = [
        deployment(name, live.upstream),
        deployment(f"{name}-auto", live.upstream, model="auto_router/x", info_id=unique("id")),
    ]
    live.configure(*routers)
    query = {"search": name, "exclude_auto_routers": "true"}
    found = await desk.get("/v2/model/info", **query)
    assert found["total_count"] == 1
    shown = await desk.get("/v2/model/info", model=name, debug="true")
    assert shown["data"][0]["openai_client"].endswith("Client")
    assert "openai_client" not in (await desk.get("/v2/model/info", model=name))["data"][0]


async def test_a_group_tells_what_its_deployments_say_of_reasoning(
    desk: Desk, live: LiveGateway, unique
) -> None:
    name = unique("model")
    efforts, more = ["low", "high"], ["high", "max"]
    live.configure(
        deployment(name, live.upstream, info_supported_reasoning_efforts=efforts),
        deployment(name, live.upstream, info_supported_reasoning_efforts=more, info_supports_fast_mode=True),
    )
    [group] = (await desk.get("/model_group/info", model_group=name))["data"]
    assert group["supported_reasoning_efforts"] == ["low", "high", "max"]
    assert group["supports_fast_mode"] is True
    live.configure(deployment(name, live.upstream))
    [group] = (await desk.get("/model_group/info", model_group=name))["data"]
    told = {name: group[name] for name in ("itpm", "otpm", "supported_reasoning_efforts")}
    assert told == dict.fromkeys(told)
    assert group["supports_fast_mode"] is False
