"""What new users and teams get is changed while the gateway runs."""

import json
from typing import Any

import pytest

from tests.integration.manage.conftest import Desk
from tests.integration.manage.counting import statements
from tests.integration.serving import LiveGateway, eventually

pytestmark = pytest.mark.asyncio(loop_scope="session")

USERS, TEAMS = "/update/internal_user_settings", "/update/default_team_settings"


async def until_served(live: LiveGateway, name: str, value: object) -> None:
    def is_served() -> bool:
        return getattr(live.gateway.snapshot.settings.litellm, name) == value

    await eventually(is_served)


async def test_new_users_get_what_was_set_last(
    desk: Desk, live: LiveGateway, clean_config: None, unique: Any
) -> None:
    team = (await desk.post("/team/new", {"team_alias": unique("team")}))["team_id"]
    first = await desk.patch(USERS, {"max_budget": 5, "user_role": "internal_user_viewer", "teams": [team]})
    second = await desk.patch(USERS, {"models": ["m"], "max_budget": 7, "user_role": None})
    await until_served(
        live, "default_internal_user_params", {"max_budget": 7, "models": ["m"], "teams": [team]}
    )
    made = await desk.post("/user/new", {"user_id": unique("user")})
    named = unique("user")
    await desk.post("/team/member_add", {"team_id": team, "member": {"user_id": named, "role": "user"}})
    by_name = (await desk.get("/user/info", user_id=named))["user_info"]
    shown = await desk.get("/get/internal_user_settings")

    assert first["settings"]["user_role"] == "internal_user_viewer"
    assert (second["status"], second["settings"]["user_role"]) == ("success", None)
    assert (made["max_budget"], made["models"], made["user_role"]) == (7.0, ["m"], "internal_user")
    assert team in [one if isinstance(one, str) else one["team_id"] for one in made["teams"]]
    assert (by_name["max_budget"], by_name["models"]) == (7.0, ["m"])
    assert shown["values"]["max_budget"] == 7
    assert shown["field_schema"]["properties"].keys() <= shown["values"].keys()


async def test_new_teams_get_what_was_set_last(desk: Desk, live: LiveGateway, clean_config: None) -> None:
    changed = await desk.patch(TEAMS, {"max_budget": 50, "rpm_limit": 10, "models": []})
    await until_served(live, "default_team_params", {"max_budget": 50, "rpm_limit": 10, "models": []})
    team = (await desk.post("/team/new", {"rpm_limit": 3}))["team_id"]
    info = (await desk.get("/team/info", team_id=team))["team_info"]
    [entry] = (await desk.get("/audit", object_id="litellm_settings", page_size=1))["audit_logs"]

    assert changed["settings"]["max_budget"] == 50
    assert (info["max_budget"], info["rpm_limit"]) == (50.0, 3)
    assert entry["updated_values"]["default_team_params"]["rpm_limit"] == 10
    shown = (await desk.get("/get/default_team_settings"))["values"]
    assert (shown["rpm_limit"], shown["organization_id"]) == (10, None)


async def test_open_teams_of_the_settings_count_at_once(
    desk: Desk, live: LiveGateway, clean_config: None
) -> None:
    team = (await desk.post("/team/new", {}))["team_id"]
    _, key = await desk.make_user()
    body = {"litellm_settings": {"default_internal_user_params": {"available_teams": [team]}}}
    await desk.post("/config/update", body)
    await until_served(live, "default_internal_user_params", {"available_teams": [team]})
    await desk.patch(USERS, {"max_budget": 1})
    await until_served(live, "default_internal_user_params", {"available_teams": [team], "max_budget": 1})

    assert [one["team_id"] for one in await desk.get("/team/available", key)] == [team]


@pytest.mark.parametrize(
    ("path", "body", "param"),
    [
        (USERS, {"user_role": "proxy_admin"}, "litellm_settings.default_internal_user_params"),
        (USERS, {"max_budget": -1}, "litellm_settings.default_internal_user_params"),
        (TEAMS, {"budget_duration": "soon"}, "litellm_settings.default_team_params"),
        (TEAMS, {"rpm_limit": -5}, "litellm_settings.default_team_params"),
    ],
)
async def test_what_nobody_could_get_is_refused_whole(
    desk: Desk, clean_config: None, path: str, body: dict[str, object], param: str
) -> None:
    error = (await desk.patch(path, {"models": ["m"], **body}, status=400))["error"]

    assert error["param"] == param
    assert await desk.value("""SELECT count(*) FROM "LiteLLM_Config" WHERE param_value <> '{}'""") == 0


async def test_bounds_of_keys_are_taken_over_too(desk: Desk, live: LiveGateway, clean_config: None) -> None:
    wrong = {"litellm_settings": {"upperbound_key_generate_params": {"models": ["m"]}}}
    assert (await desk.refusal("/config/update", wrong))[0] == 400
    bounds = {"max_budget": 2}
    await desk.post("/config/update", {"litellm_settings": {"upperbound_key_generate_params": bounds}})
    await until_served(live, "upperbound_key_generate_params", bounds)

    assert (await desk.refusal("/key/generate", {"max_budget": 3}))[::2] == (400, "max_budget")


async def test_a_row_that_nobody_could_get_keeps_no_model_from_being_served(
    desk: Desk, live: LiveGateway, clean_config: None, unique: Any
) -> None:
    await desk.run(
        'INSERT INTO "LiteLLM_Config" (param_name, param_value) VALUES ($1, $2)',
        "litellm_settings",
        json.dumps({"default_internal_user_params": {"user_role": "proxy_admin"}}),
    )
    name = unique("model")
    made = await desk.post("/model/new", {"model_name": name, "litellm_params": {"model": "mock/x"}})
    await eventually(lambda: live.gateway.snapshot.catalog.find(name) is not None)
    await desk.post("/model/delete", {"id": made["model_id"]})

    assert live.gateway.snapshot.settings.litellm.default_internal_user_params == {}


@pytest.mark.parametrize(("role", "seen"), [("internal_user", 401), ("proxy_admin_viewer", 200)])
async def test_viewers_look_and_only_admins_change(desk: Desk, role: str, seen: int) -> None:
    _, key = await desk.make_user(role)
    for path in ("/get/internal_user_settings", "/get/default_team_settings"):
        assert (await desk.ask("GET", path, key)).status_code == seen
    for path in (USERS, TEAMS):
        assert (await desk.ask("PATCH", path, key, json={})).status_code == 401


async def test_a_wrong_type_names_the_member(desk: Desk) -> None:
    answer = await desk.patch(TEAMS, {"rpm_limit": "many"}, status=422)

    assert answer["detail"][0]["loc"] == ["body", "rpm_limit"]


async def test_statements_are_counted(desk: Desk, clean_config: None) -> None:
    for path in ("/get/internal_user_settings", "/get/default_team_settings"):
        assert await statements(desk, "GET", path) == 0
    for path in (USERS, TEAMS):
        assert await statements(desk, "PATCH", path, json={"max_budget": 1}) == 8
