"""Claims of tokens that stand for virtual keys: the routes, and what they change on the request path."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from gateway.ids import hash_token, new_id
from tests.integration.counting import counting
from tests.integration.manage.conftest import Desk
from tests.integration.serving import MASTER_KEY, LiveGateway, bearer, deployment
from tests.oidc import OidcProvider

pytestmark = pytest.mark.asyncio(loop_scope="session")


@pytest_asyncio.fixture(loop_scope="session")
async def provider() -> AsyncIterator[OidcProvider]:
    async with OidcProvider() as provider:
        yield provider


def accept(live: LiveGateway, provider: OidcProvider, **settings: object) -> None:
    issuer = {"issuer": provider.issuer, "audience": "gateway"}
    jwt = {"issuers": [issuer], "virtual_key_claim_field": "client.id", **settings}
    general = {"enable_jwt_auth": True, "disable_reset_budget": True, "litellm_jwtauth": jwt}
    live.configure(deployment("m", live.upstream), general_settings=general)


async def ask(live: LiveGateway, verb: str, caller: str = MASTER_KEY, /, **body: object) -> Any:
    return await live.post(f"/jwt/key/mapping/{verb}", caller, body)


async def mapped(live: LiveGateway, key: str, value: str, **body: object) -> dict[str, Any]:
    answer = await ask(live, "new", jwt_claim_name="client.id", jwt_claim_value=value, key=key, **body)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def until(live: LiveGateway, token: str, status: int) -> None:
    async with asyncio.timeout(30):
        while (await live.chat(token)).status_code != status:  # noqa: ASYNC110  there is no event to wait on
            await asyncio.sleep(0.01)


async def test_a_mapped_token_is_the_key(live: LiveGateway, provider: OidcProvider) -> None:
    accept(live, provider, unregistered_jwt_client_behavior="reject")
    key, value = await live.make_key(models=["m"]), new_id()
    token = provider.token(client={"id": value})

    before = await live.chat(token)
    made = await mapped(live, key, value, description="a client")
    await until(live, token, 200)

    assert before.status_code == 401
    assert "No virtual key is mapped" in before.text
    assert set(made) == {
        *("id", "jwt_issuer", "jwt_claim_name", "jwt_claim_value", "description", "is_active"),
        *("created_at", "updated_at", "created_by", "updated_by"),
    }
    assert (await live.row(key)).api_key == hash_token(key)
    assert (await live.chat(provider.token())).status_code == 401


async def test_a_mapping_is_switched_off_moved_and_removed(live: LiveGateway, provider: OidcProvider) -> None:
    accept(live, provider, unregistered_jwt_client_behavior="reject")
    key, other, value = await live.make_key(), await live.make_key(models=["none"]), new_id()
    token = provider.token(client={"id": value})
    made = await mapped(live, key, value)

    await until(live, token, 200)
    assert (await ask(live, "update", id=made["id"], is_active=False)).json()["is_active"] is False
    await until(live, token, 401)
    await ask(live, "update", id=made["id"], is_active=True, token=hash_token(other), description="moved")
    await until(live, token, 403)
    await ask(live, "update", id=made["id"], key=key)
    await until(live, token, 200)
    assert (await ask(live, "delete", id=made["id"])).json() == {"status": "success"}
    await until(live, token, 401)


async def test_a_mapping_follows_its_key_to_a_new_secret_and_ends_with_it(
    live: LiveGateway, provider: OidcProvider
) -> None:
    accept(live, provider, unregistered_jwt_client_behavior="reject")
    key, value = await live.make_key(), new_id()
    token = provider.token(client={"id": value})
    await mapped(live, key, value)
    await until(live, token, 200)

    rotated = await live.post(f"/key/{hash_token(key)}/regenerate", MASTER_KEY, {})
    await until(live, key, 401)
    after = await live.chat(token)
    deleted = await live.post("/key/delete", MASTER_KEY, {"keys": [rotated.json()["key"]]})
    await until(live, token, 401)

    assert (after.status_code, deleted.status_code) == (200, 200), deleted.text


async def test_an_issuers_own_mapping_wins(live: LiveGateway, provider: OidcProvider) -> None:
    accept(live, provider)
    everywhere, here, value = await live.make_key(), await live.make_key(), new_id()
    await mapped(live, everywhere, value)
    await mapped(live, here, value, jwt_issuer=provider.issuer)
    await mapped(live, await live.make_key(), value, jwt_issuer="https://elsewhere")

    assert (await live.chat(provider.token(client={"id": value}))).status_code == 200

    assert len(await live.rows(here)) == 1


async def test_without_a_mapping_a_token_speaks_for_itself(live: LiveGateway, provider: OidcProvider) -> None:
    accept(live, provider, user_id_jwt_field="sub", user_id_upsert=True)

    assert (await live.chat(provider.token(sub="jm-self", client={"id": new_id()}))).status_code == 200
    assert "jm-self" in {row.user for row in await live.rows()}


async def test_a_first_request_registers_its_client_once(live: LiveGateway, provider: OidcProvider) -> None:
    settings = {"user_id_jwt_field": "sub", "user_id_upsert": True}
    accept(live, provider, unregistered_jwt_client_behavior="auto_register", **settings)
    value = new_id()

    answers = await asyncio.gather(
        *(live.chat(provider.token(sub="jm-auto", jti=str(n), client={"id": value})) for n in range(6))
    )

    assert {answer.status_code for answer in answers} == {200}
    keys = await live.gateway.parts.database.fetch(
        'SELECT token FROM "LiteLLM_VerificationToken" WHERE user_id = $1', "jm-auto"
    )
    assert len(keys) == 1
    rows = [row for row in await live.rows() if row.user == "jm-auto"]
    assert {row.api_key for row in rows} == {keys[0]["token"]}


REFUSED: dict[str, tuple[str, dict[str, object], int, str]] = {
    "no key": ("new", {"jwt_claim_name": "a", "jwt_claim_value": "b"}, 400, "key"),
    "a key and a hash": (
        "new",
        {"jwt_claim_name": "a", "jwt_claim_value": "b", "key": "sk-1", "token": "x"},
        400,
        "key",
    ),
    "an unknown key": ("new", {"jwt_claim_name": "a", "jwt_claim_value": "b", "key": "sk-1"}, 404, "No key"),
    "no claim": ("new", {"key": "sk-1"}, 422, "jwt_claim_name"),
    "an empty claim": (
        "new",
        {"jwt_claim_name": "", "jwt_claim_value": "b", "key": "sk-1"},
        400,
        "jwt_claim",
    ),
    "a change of nothing": ("update", {"id": "nobody"}, 404, "not found"),
    "a removal of nothing": ("delete", {"id": "nobody"}, 404, "not found"),
}


@pytest.mark.parametrize("case", REFUSED)
async def test_refused_is(case: str, live: LiveGateway) -> None:
    verb, body, status, text = REFUSED[case]

    answer = await ask(live, verb, **body)

    assert answer.status_code == status, answer.text
    assert text in answer.text


async def test_a_claim_is_mapped_once(live: LiveGateway) -> None:
    key, value = await live.make_key(), new_id()
    await mapped(live, key, value)
    other = await mapped(live, key, value, jwt_issuer="https://a")

    again = await ask(live, "new", jwt_claim_name="client.id", jwt_claim_value=value, key=key)
    moved = await ask(live, "update", id=other["id"], jwt_issuer=None)

    assert (again.status_code, moved.status_code) == (409, 409)


async def test_mappings_are_listed_page_by_page(live: LiveGateway) -> None:
    key = await live.make_key()
    made = [await mapped(live, key, new_id()) for _ in range(3)]
    headers = bearer(MASTER_KEY)

    async with counting(live) as counter:
        page = (await live.http.get("/jwt/key/mapping/list?page=1&size=2", headers=headers)).json()
    shown = await live.http.get(f"/jwt/key/mapping/info?id={made[0]['id']}", headers=headers)
    wrong = await live.http.get("/jwt/key/mapping/list?size=1000", headers=headers)

    assert [item["id"] for item in page["mappings"]] == [made[2]["id"], made[1]["id"]]
    assert page["total_count"] >= 3
    assert page["total_pages"] >= 2
    assert len([one for one in counter.statements if "JWTKeyMapping" in one]) == 3
    assert shown.json() == made[0]
    assert wrong.status_code == 400


async def test_an_organizations_administrator_maps_its_keys_and_no_others(live: LiveGateway) -> None:
    database = live.gateway.parts.database
    await database.execute(
        'INSERT INTO "LiteLLM_BudgetTable" (budget_id, created_by, updated_by) VALUES ($1, $1, $1)', "jm"
    )
    await database.execute(
        'INSERT INTO "LiteLLM_OrganizationTable" (organization_id, organization_alias, budget_id, models,'
        " created_by, updated_by) VALUES ('jm-org', 'jm-org', 'jm', '{}', 'x', 'x')"
    )
    await live.post("/user/new", MASTER_KEY, {"user_id": "jm-boss", "auto_create_key": False})
    await database.execute(
        'INSERT INTO "LiteLLM_OrganizationMembership" (user_id, organization_id, user_role)'
        " VALUES ('jm-boss', 'jm-org', 'org_admin')"
    )
    boss = await live.make_key(user_id="jm-boss")
    nobody = await live.make_key()
    inside, outside = await live.make_key(organization_id="jm-org"), await live.make_key()
    claim = {"jwt_claim_name": "client.id"}

    own = await ask(live, "new", boss, **claim, jwt_claim_value=new_id(), key=inside)
    other = await ask(live, "new", boss, **claim, jwt_claim_value=new_id(), key=outside)
    unknown = await ask(live, "new", boss, **claim, jwt_claim_value=new_id(), key="sk-nobody-has-this")
    stranger = await ask(live, "new", nobody, **claim, jwt_claim_value=new_id(), key=nobody)
    foreign = await mapped(live, outside, new_id())
    moved = await ask(live, "update", boss, id=own.json()["id"], key=outside)
    seen = await live.http.get(f"/jwt/key/mapping/info?id={foreign['id']}", headers=bearer(boss))
    listed = await live.http.get("/jwt/key/mapping/list", headers=bearer(boss))
    hidden = await live.http.get("/jwt/key/mapping/list", headers=bearer(nobody))

    assert own.status_code == 200
    refused = (other, unknown, stranger, moved, seen, hidden)
    assert {answer.status_code for answer in refused} == {401}
    assert [item["id"] for item in listed.json()["mappings"]] == [own.json()["id"]]


async def test_an_organizations_administrator_maps_no_administrators_key(live: LiveGateway) -> None:
    desk = Desk(live)
    boss, key = await desk.make_user()
    organization = await desk.make_organization(boss)
    chief, _ = await desk.make_user("proxy_admin")
    chiefs = await live.make_key(user_id=chief, organization_id=organization)
    plain = await live.make_key(organization_id=organization)
    claim = {"jwt_claim_name": "client.id", "jwt_claim_value": new_id()}

    mapped_by_boss = await ask(live, "new", key, **claim, key=chiefs)
    own = await ask(live, "new", key, **claim, key=plain)
    moved = await ask(live, "update", key, id=own.json()["id"], key=chiefs)

    assert [answer.status_code for answer in (mapped_by_boss, own, moved)] == [403, 200, 403]


async def test_changes_are_noted_in_the_audit_trail(live: LiveGateway) -> None:
    made = await mapped(live, await live.make_key(), new_id())
    await ask(live, "update", id=made["id"], description="changed")
    await ask(live, "delete", id=made["id"])

    entries = await live.gateway.parts.database.fetch(
        'SELECT action FROM "LiteLLM_AuditLog" WHERE object_id = $1 ORDER BY updated_at, id', made["id"]
    )
    assert [entry["action"] for entry in entries] == ["created", "updated", "deleted"]
