"""What a console shows, and what its settings close in the gateway."""

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from gateway.ids import new_id
from tests.integration.manage.conftest import Desk
from tests.integration.manage.counting import statements
from tests.integration.serving import MASTER_KEY, LiveGateway, bearer, eventually

pytestmark = pytest.mark.asyncio(loop_scope="session")

FLAGS, THEME, BANNER = "/update/ui_settings", "/update/ui_theme_settings", "/update/user_banner"
LOGO = "https://pictures.example.com/logo.png"


@pytest_asyncio.fixture(loop_scope="session")
async def clean(desk: Desk, live: LiveGateway) -> AsyncIterator[None]:
    """Nothing stored before and after."""
    await _empty(desk, live)
    yield
    await _empty(desk, live)


async def _empty(desk: Desk, live: LiveGateway) -> None:
    await desk.run('DELETE FROM "LiteLLM_UISettings"')
    live.gateway.parts.added.note_change()
    await eventually(lambda: not live.gateway.parts.added.current.ui)


async def set_flag(desk: Desk, name: str, value: object) -> None:
    """Change a setting, and wait for this worker to have heard of it."""
    await desk.patch(FLAGS, {name: value})
    added = desk.live.gateway.parts.added
    await eventually(lambda: added.current.ui.get(name) == value)


class TestFlags:
    async def test_they_are_shown_to_everybody_with_where_they_come_from(
        self, desk: Desk, live: LiveGateway, clean: None
    ):
        await set_flag(desk, "enabled_ui_pages_internal_users", ["usage"])
        shown = (await live.http.get("/get/ui_settings")).json()

        assert shown["values"]["enabled_ui_pages_internal_users"] == ["usage"]
        assert shown["values"]["disable_custom_api_keys"] is False
        assert shown["source"]["enabled_ui_pages_internal_users"] == "database"
        assert shown["source"]["disable_custom_api_keys"] == "default"
        assert shown["field_schema"]["properties"].keys() == shown["values"].keys()

    async def test_a_change_is_answered_audited_and_taken_back_by_null(self, desk: Desk, clean: None):
        changed = await desk.patch(FLAGS, {"enable_projects_ui": True, "disable_custom_api_keys": True})
        cleared = await desk.patch(FLAGS, {"enable_projects_ui": None})
        [entry] = (await desk.get("/audit", object_id="ui_settings", page_size=1))["audit_logs"]

        assert (changed["status"], changed["settings"]["enable_projects_ui"]) == ("success", True)
        assert cleared["settings"]["enable_projects_ui"] is False
        assert cleared["settings"]["disable_custom_api_keys"] is True
        assert (entry["table_name"], entry["action"]) == ("LiteLLM_UISettings", "updated")
        assert entry["before_value"]["enable_projects_ui"] is True
        assert "enable_projects_ui" not in entry["updated_values"]

    async def test_only_admins_make_models(self, desk: Desk, clean: None, unique: Any):
        user, key = await desk.make_user()
        members = [{"user_id": user, "role": "admin"}]
        team = (await desk.post("/team/new", {"members_with_roles": members}))["team_id"]
        body = {
            "model_name": unique("model"),
            "litellm_params": {"model": "openai/x", "api_key": "sk-x", "api_base": "https://8.8.8.8/v1"},
            "model_info": {"team_id": team},
        }
        await set_flag(desk, "disable_model_add_for_internal_users", value=True)
        refused = await desk.refusal("/model/new", body, key)
        made = await desk.post("/model/new", body)
        await desk.post("/model/delete", {"id": made["model_id"]})
        await set_flag(desk, "disable_model_add_for_internal_users", value=False)
        made = await desk.post("/model/new", {**body, "model_name": unique("model")}, key)
        await desk.post("/model/delete", {"id": made["model_id"]})

        assert refused[::2] == (403, "disable_model_add_for_internal_users")

    async def test_only_admins_take_members_out_of_teams(self, desk: Desk, clean: None):
        user, key = await desk.make_user()
        other, _ = await desk.make_user()
        members = [{"user_id": user, "role": "admin"}, {"user_id": other, "role": "user"}]
        team = (await desk.post("/team/new", {"members_with_roles": members}))["team_id"]
        one = {"team_id": team, "user_id": other}
        many = {"members": [{"user_id": other}]}
        bulk = f"/management/v1/teams/{team}/members/bulk_delete"
        await set_flag(desk, "disable_team_admin_delete_team_user", value=True)
        refused = [
            await desk.refusal("/team/member_delete", one, key),
            await desk.refusal(bulk, many, key),
        ]
        await set_flag(desk, "disable_team_admin_delete_team_user", value=False)
        await desk.post("/team/member_delete", one, key)

        assert [one[::2] for one in refused] == [(403, "disable_team_admin_delete_team_user")] * 2

    async def test_nobody_chooses_the_text_of_a_key(self, desk: Desk, clean: None, unique: Any):
        made = await desk.post("/key/generate", {})
        await set_flag(desk, "disable_custom_api_keys", value=True)
        chosen = f"sk-{unique('chosen-text')}"
        refused = [
            await desk.refusal("/key/generate", {"key": chosen}),
            await desk.refusal("/key/service-account/generate", {"key": chosen, "team_id": "t"}),
            await desk.refusal("/user/new", {"key": chosen}),
            await desk.refusal("/management/v1/users/bulk", {"users": [{}, {"key": chosen}]}),
            await desk.refusal("/key/regenerate", {"key": made["key"], "new_key": chosen}),
        ]
        await desk.post("/key/generate", {})

        assert [one[::2] for one in refused] == [
            *[(403, "key")] * 3,
            (403, "users[1].key"),
            (403, "new_key"),
        ]

    async def test_the_public_list_of_models_needs_a_key(self, desk: Desk, live: LiveGateway, clean: None):
        paths = ("/public/model_hub", "/public/model_hub/info")
        before = [(await live.http.get(path)).status_code for path in paths]
        await set_flag(desk, "require_auth_for_public_ai_hub", value=True)
        key = await live.make_key()
        closed = [(await live.http.get(path)).status_code for path in paths]
        known = [(await desk.ask("GET", path, key)).status_code for path in paths]

        assert (before, closed, known) == ([200, 200], [401, 401], [200, 200])

    @pytest.mark.parametrize(
        "name",
        [
            "scope_user_search_to_org",
            "forward_client_headers_to_llm_api",
            "disable_agents_for_internal_users",
            "disable_vector_stores_for_internal_users",
        ],
    )
    async def test_what_would_have_no_effect_is_refused_whole(self, desk: Desk, clean: None, name: str):
        error = (await desk.patch(FLAGS, {"enable_projects_ui": True, name: True}, status=400))["error"]

        assert error["param"] == name
        assert await desk.value('SELECT count(*) FROM "LiteLLM_UISettings"') == 0

    async def test_a_wrong_type_is_named_and_an_unknown_member_noted(self, desk: Desk, clean: None):
        wrong = await desk.patch(FLAGS, {"disable_custom_api_keys": "perhaps"}, status=422)
        answer = await desk.ask("PATCH", FLAGS, json={"no_such_setting": 1})

        assert wrong["detail"][0]["loc"] == ["body", "disable_custom_api_keys"]
        assert answer.headers["x-gatewright-ignored-fields"] == "no_such_setting"


class TestTheme:
    async def test_pictures_are_the_gateways_own_until_addresses_are_set(
        self, desk: Desk, live: LiveGateway, clean: None
    ):
        own = [await live.http.get(path) for path in ("/get_image", "/get_favicon", "/get_image?theme=dark")]
        assert {answer.headers["content-type"] for answer in own} == {"image/svg+xml"}
        assert own[0].text != own[2].text
        assert (await live.http.get("/get_logo_url")).json() == {"logo_url": ""}

        changed = await desk.patch(THEME, {"logo_url": LOGO, "favicon_url": f"{LOGO}?icon"})
        await eventually(lambda: bool(live.gateway.parts.added.current.ui))
        shown = (await live.http.get("/get/ui_theme_settings")).json()
        paths = ("/get_image", "/get_image?theme=dark", "/get_favicon")
        led = [(await live.http.get(path)).headers["location"] for path in paths]

        assert changed["theme_config"] == {"logo_url": LOGO, "favicon_url": f"{LOGO}?icon"}
        assert shown["values"] == {**changed["theme_config"], "logo_url_dark": None}
        assert led == [LOGO, LOGO, f"{LOGO}?icon"]
        assert (await live.http.get("/get_logo_url")).json() == {"logo_url": LOGO}
        cleared = await desk.patch(THEME, {"logo_url": "", "favicon_url": None})
        assert cleared["theme_config"] == {}

    @pytest.mark.parametrize(
        "address", ["javascript:alert(1)", "data:image/png;base64,AA", "/logo", "https://u:p@h/", "https://["]
    )
    async def test_what_is_no_address_on_the_web_is_refused(self, desk: Desk, clean: None, address: str):
        error = (await desk.patch(THEME, {"logo_url": address}, status=400))["error"]

        assert error["param"] == "logo_url"

    async def test_a_picture_that_is_uploaded_is_shown(self, desk: Desk, live: LiveGateway, clean: None):
        picture = b"\x89PNG\r\n\x1a\n" + b"\x00" * 500

        def send(data: bytes) -> Any:
            return desk.ask("POST", "/upload/logo", files={"file": ("logo.png", data)})

        told = (await send(picture)).json()
        await eventually(lambda: bool(live.gateway.parts.added.current.ui))
        shown = await live.http.get("/get_image")
        refused = [await send(data) for data in (b"<svg onload='x'/>", picture + b"\x00" * 131_072)]
        nothing = await desk.ask("POST", "/upload/logo", json={})
        [entry] = (await desk.get("/audit", object_id="ui_settings", page_size=1))["audit_logs"]

        assert (told["status"], told["filename"], told["file_size"]) == ("success", "logo.png", 508)
        assert (shown.content, shown.headers["content-type"]) == (picture, "image/png")
        assert shown.headers["x-content-type-options"] == "nosniff"
        assert [(answer.status_code, answer.json()["error"]["param"]) for answer in refused] == [
            (400, "file")
        ] * 2
        assert nothing.status_code == 422
        assert "base64" not in json.dumps(entry)

    async def test_there_are_two_themes(self, live: LiveGateway):
        assert (await live.http.get("/get_image?theme=blue")).status_code in {400, 422}


class TestBanner:
    async def test_its_revision_counts_changes(self, desk: Desk, live: LiveGateway, clean: None):
        _, key = await desk.make_user()
        assert await desk.get("/get/user_banner", key) == {
            "enabled": False,
            "message": "",
            "severity": "info",
            "revision": 0,
        }
        await desk.patch(BANNER, {"message": "Closed tonight", "enabled": True, "severity": "warning"})
        second = await desk.patch(BANNER, {"message": "Open"})
        await eventually(lambda: "Open" in json.dumps(live.gateway.parts.added.current.ui))

        assert second["banner"] == {"enabled": False, "message": "Open", "severity": "info", "revision": 2}
        assert await desk.get("/get/user_banner", key) == second["banner"]
        assert (await live.http.get("/get/user_banner")).status_code == 401

    @pytest.mark.parametrize("body", [{}, {"message": "x" * 2_001}, {"message": "x", "severity": "loud"}])
    async def test_what_is_no_banner_is_refused(self, desk: Desk, body: object):
        await desk.patch(BANNER, body, status=422)


async def test_a_row_of_another_shape_says_nothing(desk: Desk, live: LiveGateway, clean: None) -> None:
    row = {"ui_theme_config": "x", "user_banner": [], "disable_custom_api_keys": "yes"}
    await desk.run(
        """INSERT INTO "LiteLLM_UISettings" (id, ui_settings, updated_at)
           VALUES ('ui_settings', $1, now())""",
        json.dumps(row),
    )
    live.gateway.parts.added.note_change()
    await eventually(lambda: bool(live.gateway.parts.added.current.ui))

    assert (await live.http.get("/get_image")).status_code == 200
    assert (await desk.get("/get/user_banner"))["revision"] == 0
    # Some releases stored the object as a text of JSON.
    await desk.run("""UPDATE "LiteLLM_UISettings" SET ui_settings = to_jsonb(ui_settings::text)""")
    assert (await desk.patch(FLAGS, {"enable_projects_ui": True}))["settings"]["enable_projects_ui"] is True
    await desk.post("/key/generate", {"key": f"sk-chosen-{new_id()}"})


@pytest.mark.parametrize("role", ["internal_user", "proxy_admin_viewer"])
async def test_only_proxy_admins_change_anything(desk: Desk, role: str) -> None:
    _, key = await desk.make_user(role)
    refused = [await desk.ask("PATCH", path, key, json={}) for path in (FLAGS, THEME, BANNER)]

    assert [answer.status_code for answer in refused] == [401, 401, 401]


async def test_without_stored_models_nothing_is_stored_that_nobody_reads(
    desk: Desk, live: LiveGateway
) -> None:
    bodies = {FLAGS: {}, THEME: {}, BANNER: {"message": "x"}}
    live.configure(general_settings={"store_model_in_db": False})
    try:
        refused = [await desk.patch(path, body, status=400) for path, body in bodies.items()]
    finally:
        live.configure()

    assert all("store_model_in_db" in answer["error"]["message"] for answer in refused)


async def test_strict_requests_name_what_is_unknown(live: LiveGateway) -> None:
    headers = {**bearer(MASTER_KEY), "x-gatewright-strict": "true"}
    answer = await live.http.patch(THEME, json={"logo": LOGO}, headers=headers)

    assert answer.status_code == 422


async def test_statements_are_counted(desk: Desk, clean: None) -> None:
    shown = ("/get/ui_settings", "/get/ui_theme_settings", "/get_logo_url", "/get_image", "/get/user_banner")
    assert {path: await statements(desk, "GET", path) for path in shown} == dict.fromkeys(shown, 0)
    for path, body in ((FLAGS, {"enable_projects_ui": True}), (THEME, {"logo_url": LOGO})):
        assert await statements(desk, "PATCH", path, json=body) == 5
    assert await statements(desk, "PATCH", BANNER, json={"message": "x"}) == 5
