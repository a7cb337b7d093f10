"""Credentials of the database: made, changed, shown masked, deleted, and encrypted anew."""

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from joserfc.jwk import RSAKey

from gateway.db.sealing import Seal
from gateway.domain import Secret
from tests.integration.counting import counting
from tests.integration.manage.conftest import Desk
from tests.integration.manage.counting import statements
from tests.integration.manage.inventory import SECRET, Served
from tests.integration.serving import MASTER_KEY, LiveGateway, deployment

pytestmark = pytest.mark.asyncio(loop_scope="session")

OTHER = "sk-another-credential-9876543210"


@pytest_asyncio.fixture(loop_scope="session")
async def served(live: LiveGateway) -> AsyncIterator[Served]:
    served = Served(live)
    yield served
    await served.empty()


async def make(desk: Desk, name: str, **members: Any) -> dict[str, Any]:
    values = {"api_key": SECRET, "api_base": desk.live.upstream.base_url}
    body = {"credential_name": name, "credential_info": {}, "credential_values": values, **members}
    return await desk.post("/credentials", body)


async def change(desk: Desk, name: str, status: int = 200, **members: Any) -> dict[str, Any]:
    answer = await desk.ask("PATCH", f"/credentials/{name}", json={"credential_info": {}, **members})
    assert answer.status_code == status, answer.text
    return answer.json()


class TestServing:
    async def test_models_follow_their_credential(
        self, desk: Desk, live: LiveGateway, served: Served, unique
    ):
        name, model, key = unique("team/credential"), unique("model"), await live.make_key()
        assert await make(desk, name) == {"success": True, "message": "Credential created successfully"}
        # At once, as scripts do: this worker has not heard of the credential.
        params = {"model": "openai/real-model", "litellm_credential_name": name}
        await desk.post("/model/new", {"model_name": model, "litellm_params": params})
        await served.until(lambda catalog: catalog.find(model))
        await live.chat(key, model)
        assert live.upstream.requests[-1].headers["authorization"] == f"Bearer {SECRET}"

        await change(desk, name, credential_values={"api_key": OTHER})

        def uses_other(catalog: Any) -> bool:
            headers = catalog.find(model).deployments[0].headers
            return headers["authorization"].reveal() == f"Bearer {OTHER}"

        await served.until(uses_other)
        answer = await desk.ask("DELETE", f"/credentials/{name}")
        assert answer.json() == {"success": True, "message": "Credential deleted successfully"}
        await served.until(lambda catalog: catalog.find(model) is None and catalog.faults)

    async def test_a_model_of_the_configuration_waits_for_its_credential(
        self, desk: Desk, live: LiveGateway, served: Served, unique
    ):
        name = unique("credential")
        own = deployment("waits", live.upstream, litellm_credential_name=name)
        live.configure(deployment("m", live.upstream), own)
        assert live.gateway.snapshot.catalog.find("waits") is None
        await make(desk, name)
        await served.until(lambda catalog: catalog.find("waits"))


class TestShowing:
    async def test_values_are_masked_wherever_they_are_shown(
        self, desk: Desk, live: LiveGateway, served: Served, unique
    ):
        name = unique("credential")
        await make(desk, name, credential_info={"provider": "openai"}, display_name="D")
        listed = await desk.get("/credentials")
        (shown,) = [item for item in listed["credentials"] if item["credential_name"] == name]
        assert listed["success"] is True
        assert shown == {
            "credential_name": name,
            "display_name": "D",
            "credential_info": {"provider": "openai"},
            "credential_values": {"api_key": "****6789", "api_base": live.upstream.base_url},
            "source": "database",
        }
        assert await desk.get(f"/credentials/by_name/{name}") == shown
        trail = await desk.get("/audit", object_id=name)
        assert SECRET not in json.dumps([listed, trail])
        sql = 'SELECT credential_values::text FROM "LiteLLM_CredentialsTable" WHERE credential_name = $1'
        stored = json.loads(await desk.value(sql, name))
        assert live.gateway.parts.added.seal.open(stored["api_key"]) == SECRET != stored["api_key"]

    async def test_the_configurations_are_shown_too(self, desk: Desk, live: LiveGateway):
        own = {"credential_name": "own", "credential_values": {"api_key": SECRET}}
        live.configure(credential_list=[own])
        shown = await desk.get("/credentials/by_name/own")
        assert (shown["source"], shown["credential_values"]) == ("config", {"api_key": "****6789"})
        assert await desk.get("/credentials") == {"success": True, "credentials": [shown]}
        answer = await desk.ask("DELETE", "/credentials/own")
        assert answer.status_code == 404

    async def test_a_models_own_credential_can_be_shown_and_taken_over(
        self, desk: Desk, live: LiveGateway, served: Served, unique
    ):
        params = {"model": "openai/x", "api_key": SECRET, "api_base": live.upstream.base_url, "rpm": 3}
        made = await desk.post("/model/new", {"model_name": unique("m"), "litellm_params": params})
        shown = await desk.get(f"/credentials/by_model/{made['model_id']}")
        assert shown["credential_values"] == {"api_key": "****6789", "api_base": live.upstream.base_url}
        name = unique("credential")
        await make(desk, name, credential_values=None, model_id=made["model_id"])
        taken = await desk.get(f"/credentials/by_name/{name}")
        assert taken["credential_values"] == shown["credential_values"]


class TestChanges:
    async def test_what_is_not_sent_stays_and_masked_values_are_no_change(
        self, desk: Desk, live: LiveGateway, served: Served, unique
    ):
        name = unique("credential")
        await make(desk, name, credential_info={"a": 1})
        await change(desk, name, credential_info={"b": 2}, credential_values={"api_key": "****6789"})
        await change(desk, name, credential_values_to_delete=["api_base"], credential_name=f"{name}-2")
        shown = await desk.get(f"/credentials/by_name/{name}-2")
        assert shown["credential_info"] == {"a": 1, "b": 2}
        assert shown["credential_values"] == {"api_key": "****6789"}
        await desk.get(f"/credentials/by_name/{name}", status=404)

    async def test_refusals(self, desk: Desk, served: Served, unique):
        name, other = unique("credential"), unique("credential")
        await make(desk, name)
        await make(desk, other)
        body = {"credential_name": name, "credential_info": {}, "credential_values": {"api_key": "k"}}
        assert (await desk.refusal("/credentials", body))[::2] == (409, "credential_name")
        empty = {**body, "credential_name": "new", "credential_values": {}}
        assert (await desk.refusal("/credentials", empty))[::2] == (400, "credential_values")
        assert (await desk.refusal("/credentials", {**body, "credential_name": " "}))[0] == 400
        unknown = {**body, "credential_name": "new", "model_id": "none"}
        assert (await desk.refusal("/credentials", unknown))[::2] == (404, "model_id")
        await change(desk, name, 409, credential_name=other)
        await change(desk, "none", 404)
        await desk.post("/credentials", {"credential_name": "x"}, status=422)
        await desk.get("/credentials/by_model/none", status=404)

    @pytest.mark.parametrize("role", ["internal_user", "internal_user_viewer", "proxy_admin_viewer"])
    async def test_only_proxy_admins_change_and_viewers_look(self, desk: Desk, role):
        _, key = await desk.make_user(role)
        sees = role == "proxy_admin_viewer"
        for path in ("/credentials", "/credentials/by_name/x", "/credentials/migrate-encryption/check"):
            answer = await desk.ask("GET", path, key)
            assert (answer.status_code != 401) is sees, path
        for method, path in (
            ("POST", "/credentials"),
            ("PATCH", "/credentials/x"),
            ("DELETE", "/credentials/x"),
            ("POST", "/credentials/migrate-encryption"),
        ):
            assert (await desk.ask(method, path, key, json={})).status_code == 401, path


class TestEncryption:
    async def test_other_formats_are_counted_and_encrypted_anew(
        self, desk: Desk, live: LiveGateway, served: Served, unique
    ):
        name = unique("credential")
        await make(desk, name, credential_values={"api_key": SECRET, "other": SECRET})
        await desk.run(
            """UPDATE "LiteLLM_CredentialsTable" SET credential_values =
               jsonb_set(jsonb_set(credential_values, '{other}', '"plain"'), '{lost}', '"v3:gcm:AAAA"')
               WHERE credential_name = $1""",
            name,
        )
        place = "LiteLLM_CredentialsTable.credential_values"
        before = (await desk.get("/credentials/migrate-encryption/check"))["report"][place]
        assert (before["encrypted"], before["plain"], len(before["unreadable"])) == (1, 1, 1)
        sql = 'SELECT credential_values::text FROM "LiteLLM_CredentialsTable" WHERE credential_name = $1'
        stored = await desk.value(sql, name)
        dry = await desk.post("/credentials/migrate-encryption?dry_run=true", {})
        assert dry["report"][place] == before
        assert await desk.value(sql, name) == stored
        done = await desk.post("/credentials/migrate-encryption", {})
        assert done == {"status": "success", "dry_run": False, "report": done["report"]}
        assert await desk.value(sql, name) != stored
        shown = await desk.get(f"/credentials/by_name/{name}")
        assert shown["credential_values"] == {
            "api_key": "****6789",
            "other": "****",
            "lost": "cannot be decrypted",
        }

    async def test_a_new_master_key_takes_the_secrets_along(
        self, desk: Desk, live: LiveGateway, served: Served, unique
    ):
        name, model, new = unique("credential"), unique("model"), "sk-new-master-key-of-the-tests-42"
        await make(desk, name)
        params = {"model": "openai/x", "litellm_credential_name": name, "api_key": SECRET}
        await served.until(lambda _: name in live.gateway.parts.added.current.credentials)
        await desk.post("/model/new", {"model_name": model, "litellm_params": params})
        await served.until(lambda catalog: catalog.find(model))
        logging = [{"callback_name": "langfuse", "callback_vars": {"langfuse_secret_key": SECRET}}]
        team_id = (await desk.post("/team/new", {"metadata": {"logging": logging}}))["team_id"]
        weak = {"key": MASTER_KEY, "new_master_key": "short"}
        assert (await desk.refusal("/key/regenerate", weak))[::2] == (400, "new_master_key")
        _, admin = await desk.make_user("proxy_admin")
        assert (await desk.refusal("/key/regenerate", {"new_master_key": new}, admin))[0] == 403
        answer = await desk.post("/key/regenerate", {"key": MASTER_KEY, "new_master_key": new})
        assert answer["key"] == new
        sql = "SELECT litellm_params ->> 'api_key' FROM \"LiteLLM_ProxyModelTable\" WHERE model_name = $1"
        assert Seal(Secret(new)).open(await desk.value(sql, model)) == SECRET
        sql = """SELECT metadata #>> '{logging,0,callback_vars,langfuse_secret_key}'
                 FROM "LiteLLM_TeamTable" WHERE team_id = $1"""
        assert Seal(Secret(new)).open(await desk.value(sql, team_id)) == SECRET
        # This process knows both keys, and goes on.
        assert (await desk.get(f"/credentials/by_name/{name}"))["credential_values"]["api_key"] == "****6789"
        await served.tell()
        await served.until(lambda catalog: catalog.find(model) and not catalog.faults)
        # What this process seals from now on must be opened by those that later tests start.
        await desk.post("/key/regenerate", {"new_master_key": MASTER_KEY})
        assert Seal(Secret(MASTER_KEY)).open(await desk.value(sql, team_id)) == SECRET

    async def test_a_process_that_lacks_the_new_key_goes_on_with_what_it_has(
        self, desk: Desk, live: LiveGateway, served: Served, unique
    ):
        model = unique("model")
        params = {"model": "openai/x", "api_key": SECRET}
        model_id = (await desk.post("/model/new", {"model_name": model, "litellm_params": params}))[
            "model_id"
        ]
        await served.until(lambda catalog: catalog.find(model))
        other = Seal(Secret("sk-a-key-that-only-others-know-1"))
        closed = json.dumps({name: other.close(value) for name, value in params.items()})
        sql = 'UPDATE "LiteLLM_ProxyModelTable" SET litellm_params = $2::jsonb WHERE model_id = $1'
        await desk.run(sql, model_id, closed)
        await served.tell()
        await served.until(lambda catalog: model_id in catalog.faults)
        assert live.gateway.snapshot.catalog.find(model)
        refused = await desk.post(
            "/key/regenerate", {"new_master_key": "sk-new-master-key-of-the-tests-43"}, status=400
        )
        assert model_id in refused["error"]["message"]


async def test_statements_are_counted(desk: Desk, live: LiveGateway, served: Served, unique):
    name = unique("credential")
    counted = {}
    for what, ask in {
        "make": lambda: make(desk, name),
        "list": lambda: desk.get("/credentials"),
        "show": lambda: desk.get(f"/credentials/by_name/{name}"),
        "change": lambda: change(desk, name, credential_values={"a": "b"}),
    }.items():
        async with counting(live) as counter:
            await ask()
        counted[what] = len(counter)
    assert counted == {"make": 4, "list": 1, "show": 2, "change": 5}


async def test_many_secrets_are_encrypted_anew_by_as_many_statements(
    desk: Desk, live: LiveGateway, served: Served, unique
):
    counted = []
    for size in (1, 5):
        for _ in range(size):
            await make(desk, unique("credential"))
        counted.append(await statements(desk, "POST", "/credentials/migrate-encryption"))
    assert counted[0] == counted[1]


class TestPublicKeys:
    async def test_the_public_half_is_shown(self, desk: Desk, unique):
        name = unique("team/signing")
        key = RSAKey.generate_key(2048)
        pem = key.as_pem(private=True).decode()
        values = {
            "private_key": pem.replace("\n", "\\n"),
            "broken": "-----BEGIN PRIVATE KEY-----",
            "api_key": SECRET,
        }
        await make(desk, name, credential_values=values)
        answer = await desk.ask("GET", f"/credentials/{name}/jwks")
        (shown,) = answer.json()["keys"]
        assert shown == {**key.as_dict(private=False), "kid": key.thumbprint(), "use": "sig"}
        assert "d" not in shown
        assert (await desk.ask("GET", "/credentials/none/jwks")).status_code == 404
        masked = await desk.ask("GET", f"/credentials/{name}")
        assert (masked.status_code, pem[100:140] in masked.text, SECRET in masked.text) == (200, False, False)
        assert (
            await desk.ask("GET", f"/credentials/{name}/jwks", await desk.live.make_key())
        ).status_code == 401
