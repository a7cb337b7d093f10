"""Secrets that models refer to are read in Vault and Conjur, as the database says."""

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from tests.integration.manage.conftest import Desk
from tests.integration.manage.counting import statements
from tests.integration.serving import LiveGateway, eventually
from tests.secret_servers import ConjurServer, SecretServer, VaultServer

pytestmark = pytest.mark.asyncio(loop_scope="session")

VAULT, CONJUR = "/config_overrides/hashicorp_vault", "/config_overrides/cyberark"
TOKEN = "root-token-of-the-tests"
KEY = "sk-key-of-the-provider-1"


@pytest_asyncio.fixture(loop_scope="session")
async def clean(desk: Desk, live: LiveGateway) -> AsyncIterator[None]:
    """Nothing stored before and after."""
    yield
    for table in ("LiteLLM_ConfigOverrides", "LiteLLM_ProxyModelTable", "LiteLLM_CredentialsTable"):
        await desk.run(f'DELETE FROM "{table}"')
    live.gateway.parts.added.note_change()
    await eventually(lambda: not live.gateway.parts.added.current.managers)


def conjur(server: SecretServer, **more: object) -> dict[str, object]:
    where = {"cyberark_api_base": server.address, "cyberark_account": "company"}
    return {
        **where,
        "cyberark_username": "host/gateway",
        "cyberark_api_key": "api-key-of-the-tests",
        **more,
    }


async def keep_in(desk: Desk, path: str, body: dict[str, object]) -> None:
    """Have secrets read there, and wait for this worker to have heard of it."""
    answer = await desk.post(path, body)
    assert answer["status"] == "success"
    added, kind = desk.live.gateway.parts.added, path.rpartition("/")[2]
    await eventually(lambda: kind in added.current.managers)


async def make_model(desk: Desk, name: str, reference: str) -> str:
    params = {"model": "openai/x", "api_key": f"os.environ/{reference}", "api_base": "http://127.0.0.1:1"}
    answer = await desk.post("/model/new", {"model_name": name, "litellm_params": params})
    return answer["model_id"]


def key_of(live: LiveGateway, name: str) -> str | None:
    """The key that is sent for the first deployment of a name."""
    group = live.gateway.snapshot.catalog.find(name)
    if group is None:
        return None
    sent = {header.lower(): value.reveal() for header, value in group.deployments[0].headers.items()}
    return sent.get("authorization", "").removeprefix("Bearer ")


async def until_key(live: LiveGateway, name: str, key: str) -> None:
    await eventually(lambda: key_of(live, name) == key)


async def test_models_have_keys_that_vault_keeps(
    desk: Desk, live: LiveGateway, clean: None, unique: Any
) -> None:
    async with VaultServer(PROVIDER_KEY=KEY) as vault:
        await keep_in(desk, VAULT, {"vault_addr": vault.address, "vault_token": TOKEN})
        name = unique("model")
        await make_model(desk, name, "PROVIDER_KEY")
        await until_key(live, name, KEY)
        shown = await desk.get("/model/info")
        tried = await desk.post(f"{VAULT}/test_connection", {})
        vault.secrets["PROVIDER_KEY"] = "sk-key-of-the-provider-2"
        live.gateway.parts.added._secrets._read_at -= 301_000_000_000
        live.gateway.parts.added.note_change()
        await until_key(live, name, "sk-key-of-the-provider-2")

        vault.status = 503
        live.gateway.parts.added._secrets._read_at -= 301_000_000_000
        live.gateway.parts.added.note_change()
        await eventually(lambda: vault.requests["/v1/secret/data/PROVIDER_KEY"] >= 3)
        failed = await desk.post(f"{VAULT}/test_connection", {})

    assert KEY not in json.dumps(shown)
    assert tried == {"status": "success", "message": "Successfully connected to HashiCorp Vault"}
    assert failed == {"status": "error", "message": "Vault answered with status 503."}
    assert key_of(live, name) == "sk-key-of-the-provider-2"


async def test_credentials_have_values_that_conjur_keeps(
    desk: Desk, live: LiveGateway, clean: None, unique: Any
) -> None:
    async with ConjurServer(**{"llm/provider-key": KEY}) as server:
        await keep_in(desk, CONJUR, conjur(server))
        credential, name = unique("credential"), unique("model")
        values = {"api_key": "os.environ/llm/provider-key", "api_base": "http://127.0.0.1:1"}
        await desk.post(
            "/credentials",
            {"credential_name": credential, "credential_values": values, "credential_info": {}},
        )
        added = live.gateway.parts.added
        await eventually(lambda: credential in added.current.credentials)
        params = {"model": "openai/x", "litellm_credential_name": credential}
        await desk.post("/model/new", {"model_name": name, "litellm_params": params})
        await until_key(live, name, KEY)
        tried = await desk.post(f"{CONJUR}/test_connection", {})
        server.key = "another"
        refused = await desk.post(f"{CONJUR}/test_connection", {})

    assert tried["status"] == "success"
    assert refused == {"status": "error", "message": "Conjur answered with status 401."}


async def test_a_name_that_is_kept_nowhere_is_refused_and_a_tenants_is_not_looked_for(
    desk: Desk, live: LiveGateway, clean: None, unique: Any
) -> None:
    async with VaultServer(PROVIDER_KEY=KEY) as vault:
        await keep_in(desk, VAULT, {"vault_addr": vault.address, "vault_token": TOKEN})
        params = {"model": "openai/x", "api_key": "os.environ/NOBODY_HAS_IT"}
        refused = await desk.refusal("/model/new", {"model_name": unique("m"), "litellm_params": params})
        user, key = await desk.make_user()
        members = [{"user_id": user, "role": "admin"}]
        team = (await desk.post("/team/new", {"members_with_roles": members}))["team_id"]
        body = {
            "model_name": unique("m"),
            "litellm_params": {**params, "api_key": "os.environ/PROVIDER_KEY"},
            "model_info": {"team_id": team},
        }
        of_tenant = await desk.refusal("/model/new", body, key)

    assert refused[0] == 400
    assert of_tenant[0] in {400, 403}
    assert vault.requests["/v1/secret/data/NOBODY_HAS_IT"] == 1
    assert vault.requests["/v1/secret/data/PROVIDER_KEY"] == 0


@pytest.mark.parametrize("path", [VAULT, CONJUR])
async def test_secrets_are_sealed_masked_and_audited(desk: Desk, clean: None, path: str) -> None:
    kind = path.rpartition("/")[2]
    bodies = {
        VAULT: {"vault_addr": "http://127.0.0.1:1", "vault_token": TOKEN, "vault_path_prefix": "llm"},
        CONJUR: conjur(type("Nowhere", (), {"address": "http://127.0.0.1:1"})()),
    }
    secret = TOKEN if path == VAULT else "api-key-of-the-tests"
    member = "vault_token" if path == VAULT else "cyberark_api_key"
    await desk.post(path, bodies[path])
    shown = await desk.get(path)
    await desk.post(path, {**shown["values"]})
    address = "vault_addr" if path == VAULT else "cyberark_api_base"
    moved = await desk.refusal(path, {address: "http://127.0.0.1:2"})
    stored = await desk.live.gateway.parts.inventory.overrides.stored(kind)
    row = await desk.value('SELECT config_value::text FROM "LiteLLM_ConfigOverrides"')
    deleted = (await desk.ask("DELETE", path)).json()
    trail = await desk.get("/audit", object_id=kind, page_size=10)
    again = await desk.ask("DELETE", path)

    assert (shown["config_type"], shown["values"][member]) == (kind, f"****{secret[-4:]}")
    assert (moved[0], moved[2], stored[address]) == (400, member, "http://127.0.0.1:1")
    assert shown["field_schema"]["properties"].keys() == shown["values"].keys()
    assert stored[member] == secret
    assert secret not in row
    assert deleted["status"] == "success"
    assert again.status_code == 404
    assert [entry["action"] for entry in trail["audit_logs"][:2]] == ["deleted", "updated"]
    assert secret not in json.dumps(trail)
    assert (await desk.post(f"{path}/test_connection", {}))["status"] == "error"


@pytest.mark.parametrize(
    ("path", "body", "param"),
    [
        (VAULT, {"vault_token": TOKEN}, "vault_addr"),
        (VAULT, {"vault_addr": "http://v"}, "vault_token"),
        (VAULT, {"vault_addr": "http://v", "approle_role_id": "x"}, "approle_secret_id"),
        (VAULT, {"vault_addr": "vault:8200", "vault_token": "x"}, "vault_addr"),
        (VAULT, {"vault_addr": "http://v", "client_cert": "x"}, "client_cert"),
        (
            VAULT,
            {"vault_addr": "http://v", "vault_token": "x", "vault_mount_name": "../sys"},
            "vault_mount_name",
        ),
        (CONJUR, {"cyberark_api_base": "http://c"}, "cyberark_account"),
        (CONJUR, {"ssl_verify": "false"}, "ssl_verify"),
        (CONJUR, {"refresh_interval": "5"}, "refresh_interval"),
    ],
)
async def test_what_nobody_could_read_by_is_refused_whole(
    desk: Desk, clean: None, path: str, body: dict[str, object], param: str
) -> None:
    assert (await desk.refusal(path, body))[::2] == (400, param)
    assert await desk.value('SELECT count(*) FROM "LiteLLM_ConfigOverrides"') == 0


@pytest.mark.parametrize(("role", "seen"), [("internal_user", 401), ("proxy_admin_viewer", 200)])
async def test_viewers_look_and_only_admins_change(desk: Desk, role: str, seen: int) -> None:
    _, key = await desk.make_user(role)
    for path in (VAULT, CONJUR):
        assert (await desk.ask("GET", path, key)).status_code == seen
        assert (await desk.ask("POST", path, key, json={})).status_code == 401
        assert (await desk.ask("DELETE", path, key)).status_code == 401
        assert (await desk.ask("POST", f"{path}/test_connection", key)).status_code == 401


async def test_a_row_that_nobody_could_read_by_is_passed_over(
    desk: Desk, live: LiveGateway, clean: None, unique: Any
) -> None:
    await desk.run(
        """INSERT INTO "LiteLLM_ConfigOverrides" (config_type, config_value, updated_at)
           VALUES ('cyberark', '{"cyberark_account": "x"}', now())"""
    )
    name = unique("model")
    await desk.post("/model/new", {"model_name": name, "litellm_params": {"model": "mock/x"}})
    await eventually(lambda: live.gateway.snapshot.catalog.find(name) is not None)
    assert (await desk.post(f"{CONJUR}/test_connection", {}))["status"] == "error"


async def test_statements_are_counted(desk: Desk, clean: None) -> None:
    body = {"vault_addr": "http://127.0.0.1:1", "vault_token": TOKEN}
    assert await statements(desk, "GET", VAULT) == 1
    assert await statements(desk, "POST", VAULT, json=body) == 5
    assert await statements(desk, "DELETE", VAULT) == 4
