"""Settings of the identity provider: stored sealed, shown masked, served within a second."""

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from gateway.ids import new_id
from tests.integration.manage.conftest import Desk
from tests.integration.manage.counting import statements
from tests.integration.serving import MASTER_KEY, LiveGateway, bearer, eventually
from tests.oidc import OidcProvider

pytestmark = pytest.mark.asyncio(loop_scope="session")

SECRET = "a-client-secret-of-some-length"
PATH = "/update/sso_settings"


@pytest_asyncio.fixture(loop_scope="session")
async def clean(desk: Desk, live: LiveGateway) -> AsyncIterator[None]:
    """Nothing stored before and after."""
    yield
    await desk.run('DELETE FROM "LiteLLM_SSOConfig"')
    await desk.run('DELETE FROM "LiteLLM_Config"')
    live.gateway.parts.added.note_change()
    await eventually(lambda: live.gateway.parts.logins.sso is None)
    live.http.cookies.clear()


def google(live: LiveGateway, **more: object) -> dict[str, object]:
    client = {"google_client_id": "client", "google_client_secret": SECRET}
    return {**client, "proxy_base_url": live.origin, **more}


async def update(desk: Desk, body: object, status: int = 200) -> Any:
    answer = await desk.ask("PATCH", PATH, json=body)
    assert answer.status_code == status, answer.text
    return answer.json()


async def until_served(live: LiveGateway, name: str | None) -> None:
    def is_served() -> bool:
        sso = live.gateway.parts.logins.sso
        return (sso.name if sso is not None else None) == name

    await eventually(is_served)


async def test_people_log_in_where_the_database_says(
    desk: Desk, live: LiveGateway, clean: None, unique: Any
) -> None:
    async with OidcProvider() as provider:
        origin, name = provider.issuer, f"sso-{new_id()[:8]}"
        body = {
            "generic_client_id": provider.client[0],
            "generic_client_secret": provider.client[1],
            "generic_authorization_endpoint": f"{origin}/authorize",
            "generic_token_endpoint": f"{origin}/token",
            "generic_userinfo_endpoint": f"{origin}/userinfo",
            "proxy_base_url": live.origin,
            "user_email": f"{name}@e.com",
        }
        await update(desk, body)
        await until_served(live, "generic")
        provider.user_info = {"preferred_username": name, "email": f"{name}@e.com"}
        begun = await live.http.get("/sso/key/generate")
        back = await live.http.get("/sso/callback", params=provider.log_in(begun.headers["location"]))
        first = (await desk.get("/user/info", user_id=name))["user_info"]["user_role"]
        provider.user_info["email_verified"] = True
        begun = await live.http.get("/sso/key/generate")
        again = await live.http.get("/sso/callback", params=provider.log_in(begun.headers["location"]))
        second = (await desk.get("/user/info", user_id=name))["user_info"]["user_role"]

    assert (back.status_code, again.status_code) == (200, 200)
    assert first != "proxy_admin"
    assert second == "proxy_admin"
    discovery = (await live.http.get("/.well-known/litellm-ui-config")).json()
    assert (discovery["sso_configured"], discovery["proxy_base_url"]) == (True, live.origin)


async def test_secrets_are_sealed_in_the_table_and_masked_in_answers_and_the_trail(
    desk: Desk, live: LiveGateway, clean: None
) -> None:
    changed = await update(desk, google(live))
    shown = await desk.get("/get/sso_settings")
    row = await desk.value('SELECT sso_settings::text FROM "LiteLLM_SSOConfig" WHERE id = $1', "sso_config")
    trail = await desk.get("/audit", object_id="sso_config", page_size=1)

    masked = f"****{SECRET[-4:]}"
    assert (changed["status"], changed["settings"]["google_client_secret"]) == ("success", masked)
    assert (shown["values"]["google_client_id"], shown["values"]["google_client_secret"]) == (
        "client",
        masked,
    )
    assert shown["values"]["generic_client_id"] is None
    assert shown["provenance"]["google_client_id"] == "database"
    assert shown["provenance"]["generic_scope"] is None
    assert shown["field_schema"]["properties"].keys() == shown["values"].keys()
    assert SECRET not in row
    assert '"client"' not in row
    entry = trail["audit_logs"][0]
    assert (entry["table_name"], entry["action"]) == ("LiteLLM_SSOConfig", "updated")
    assert entry["updated_values"]["google_client_secret"] == "*****"
    assert SECRET not in str(trail)


async def test_a_masked_secret_stays_and_null_takes_a_member_away(
    desk: Desk, live: LiveGateway, clean: None
) -> None:
    first = await update(desk, google(live))
    await update(desk, {**first["settings"], "google_client_id": "another"})
    stored = await live.gateway.parts.inventory.sso.stored()
    cleared = await update(
        desk, {"google_client_id": None, "google_client_secret": "", "proxy_base_url": None}
    )
    await until_served(live, None)

    assert (stored["google_client_id"], stored["google_client_secret"]) == ("another", SECRET)
    assert set(cleared["settings"].values()) == {None}


@pytest.mark.parametrize(
    ("members", "param"),
    [
        ({"google_client_secret": None}, "google_client_secret"),
        ({"proxy_base_url": None}, "proxy_base_url"),
        ({"proxy_base_url": "gateway"}, "proxy_base_url"),
        (
            {"google_client_id": None, "microsoft_client_id": "x", "microsoft_client_secret": "y"},
            "microsoft_tenant",
        ),
        (
            {"google_client_id": None, "generic_client_id": "x", "generic_client_secret": "y"},
            "generic_authorization_endpoint",
        ),
        ({"saml_idp_metadata_url": "https://idp"}, "saml_idp_metadata_url"),
        ({"ui_access_mode": "admin_only"}, "ui_access_mode"),
        ({"role_mappings": {"provider": "google"}}, "role_mappings"),
    ],
)
async def test_what_could_not_be_served_is_refused_whole(
    desk: Desk, live: LiveGateway, clean: None, members: dict[str, object], param: str
) -> None:
    error = (await update(desk, google(live, **members), status=400))["error"]

    assert error["param"] == param
    assert SECRET not in str(error)
    assert await desk.value('SELECT count(*) FROM "LiteLLM_SSOConfig"') == 0


async def test_a_wrong_row_leaves_the_login_as_it_is(desk: Desk, live: LiveGateway, clean: None) -> None:
    await update(desk, google(live))
    await until_served(live, "google")
    served = live.gateway.parts.logins.sso
    wrong = {"google_client_id": "x", "role_mappings": {"a": 1}}
    await desk.run('UPDATE "LiteLLM_SSOConfig" SET sso_settings = $1::jsonb', json.dumps(wrong))
    live.gateway.parts.added.note_change()
    await eventually(lambda: "role_mappings" in live.gateway.parts.added.current.sso)

    assert live.gateway.parts.logins.sso is served


async def test_what_litellm_stored_in_the_clear_is_read(desk: Desk, live: LiveGateway, clean: None) -> None:
    row = f"""{{"google_client_id": "c", "google_client_secret": "s", "proxy_base_url": "{live.origin}"}}"""
    await desk.run(
        """INSERT INTO "LiteLLM_SSOConfig" (id, sso_settings, updated_at) VALUES ('sso_config', $1, now())""",
        row,
    )
    live.gateway.parts.added.note_change()

    await until_served(live, "google")


async def test_variables_of_the_database_name_the_provider_too(
    desk: Desk, live: LiveGateway, clean: None
) -> None:
    variables = {"GOOGLE_CLIENT_ID": "c", "GOOGLE_CLIENT_SECRET": SECRET, "PROXY_BASE_URL": live.origin}
    await desk.post("/config/update", {"environment_variables": variables})
    await until_served(live, "google")
    shown = await desk.get("/get/sso_settings")
    await desk.post("/config/update", {"environment_variables": dict.fromkeys(variables)})
    await until_served(live, None)

    assert shown["provenance"]["google_client_secret"] == "environment"
    assert SECRET not in json.dumps(shown)


async def test_a_secret_of_a_variable_goes_to_no_endpoint_that_it_was_not_set_beside(
    desk: Desk, live: LiveGateway, clean: None
) -> None:
    origin = "https://idp.example.com"
    endpoints = {
        "GENERIC_AUTHORIZATION_ENDPOINT": f"{origin}/authorize",
        "GENERIC_TOKEN_ENDPOINT": f"{origin}/token",
        "GENERIC_USERINFO_ENDPOINT": f"{origin}/userinfo",
    }
    client = {"GENERIC_CLIENT_ID": "c", "GENERIC_CLIENT_SECRET": SECRET, "PROXY_BASE_URL": live.origin}
    await desk.post("/config/update", {"environment_variables": {**client, **endpoints}})
    await until_served(live, "generic")
    masked = (await desk.get("/get/sso_settings"))["values"]["generic_client_secret"]
    moved = {"generic_token_endpoint": "https://elsewhere.example.com/token"}

    refused = await update(desk, moved, status=400)
    refused_too = await update(desk, {**moved, "generic_client_secret": masked}, status=400)
    same = await update(desk, {"generic_client_secret": masked, "generic_scope": "openid"})
    sent_again = await update(desk, {**moved, "generic_client_secret": SECRET})
    stored = await live.gateway.parts.inventory.sso.stored()
    await desk.post("/config/update", {"environment_variables": dict.fromkeys({**client, **endpoints})})

    assert refused["error"]["param"] == refused_too["error"]["param"] == "generic_client_secret"
    assert same["settings"]["generic_client_secret"] == masked, "what was sent as shown stays"
    assert sent_again["status"] == "success"
    assert stored["generic_client_secret"] == SECRET


async def test_only_proxy_admins_change_and_viewers_see(desk: Desk, live: LiveGateway, clean: None) -> None:
    seen = {}
    for role in ("internal_user", "internal_user_viewer", "proxy_admin_viewer"):
        _, key = await desk.make_user(role)
        get = await desk.ask("GET", "/get/sso_settings", key)
        patch = await desk.ask("PATCH", PATH, key, json={})
        seen[role] = (get.status_code, patch.status_code)
    nobody = await live.http.get("/get/sso_settings")

    assert seen == {
        "internal_user": (401, 401),
        "internal_user_viewer": (401, 401),
        "proxy_admin_viewer": (200, 401),
    }
    assert nobody.status_code == 401


async def test_bodies_that_are_none_are_refused(desk: Desk, live: LiveGateway, clean: None) -> None:
    wrong = await update(desk, {"google_client_id": 1}, status=422)
    headers = {**bearer(MASTER_KEY), "x-gatewright-strict": "true"}
    unknown = await live.http.patch(PATH, json={"google_client": "x"}, headers=headers)

    assert wrong["detail"][0]["loc"] == ["body", "google_client_id"]
    assert unknown.status_code == 422


async def test_without_stored_models_nothing_is_stored_that_nobody_reads(
    desk: Desk, live: LiveGateway, clean: None
) -> None:
    live.gateway.parts.added.is_enabled = False
    try:
        refused = await update(desk, google(live), status=400)
    finally:
        live.gateway.parts.added.is_enabled = True

    assert "store_model_in_db" in refused["error"]["message"]


async def test_statements_are_counted(desk: Desk, live: LiveGateway, clean: None) -> None:
    assert await statements(desk, "GET", "/get/sso_settings") == 1
    assert await statements(desk, "PATCH", PATH, json=google(live)) == 5


async def test_a_stored_secret_goes_to_no_other_endpoint(desk: Desk, live: LiveGateway, clean: None) -> None:
    endpoints = {
        f"generic_{name}_endpoint": f"https://idp.example/{name}"
        for name in ("authorization", "token", "userinfo")
    }
    client = {"generic_client_id": "client", "generic_client_secret": SECRET, "proxy_base_url": live.origin}
    shown = (await update(desk, {**client, **endpoints}))["settings"]
    moved = {"generic_token_endpoint": "https://attacker.example/token"}
    for sent in (moved, {**shown, **moved}):
        answer = await desk.ask("PATCH", "/update/sso_settings", json=sent)
        assert (answer.status_code, answer.json()["error"]["param"]) == (400, "generic_client_secret")
    await update(desk, {**moved, "generic_client_secret": SECRET})
