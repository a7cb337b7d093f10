"""Tokens of an identity provider, from the real client to the books."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import openai
import pytest
import pytest_asyncio

from gateway.domain import Principal, Role
from gateway.hooks import RequestHead
from tests.conftest import DatabaseFactory
from tests.integration.counting import counting, quiet
from tests.integration.serving import (
    MASTER_KEY,
    LiveGateway,
    ServerProcess,
    bearer,
    chat_body,
    deployment,
)
from tests.oidc import OidcProvider, make_key
from tests.upstreams import Upstream

pytestmark = pytest.mark.asyncio(loop_scope="session")


@pytest_asyncio.fixture(loop_scope="session")
async def provider() -> AsyncIterator[OidcProvider]:
    async with OidcProvider() as provider:
        yield provider


def accept(live: LiveGateway, provider: OidcProvider, *models: Any, **settings: object) -> None:
    """Have the gateway take the provider's tokens, with further members of `litellm_jwtauth`."""
    issuer = {"issuer": provider.issuer, "audience": "gateway"}
    live.configure(
        *(models or (deployment("m", live.upstream),)),
        general_settings={
            "enable_jwt_auth": True,
            "disable_reset_budget": True,
            "litellm_jwtauth": {"issuers": [issuer], **settings},
        },
    )


async def manage(live: LiveGateway, path: str, **body: object) -> Any:
    answer = await live.post(path, MASTER_KEY, body)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def test_the_real_client_passes_a_token_as_its_key(live: LiveGateway, provider: OidcProvider) -> None:
    accept(live, provider, user_id_jwt_field="sub", user_id_upsert=True)

    answer = await live.openai(provider.token(sub="jwt-ada")).chat.completions.create(
        model="m", messages=[{"role": "user", "content": "Say hello"}]
    )

    assert answer.choices[0].message.content
    rows = [row for row in await live.rows() if row.user == "jwt-ada"]
    assert len(rows) == 1
    spent = await live.gateway.parts.database.fetch_value(
        'SELECT spend FROM "LiteLLM_UserTable" WHERE user_id = $1', "jwt-ada"
    )
    assert round(spent * 1e9) == rows[0].nanos > 0


async def who(live: LiveGateway, token: str, path: str = "/v1/chat/completions", **headers: str) -> Principal:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    head = RequestHead("POST", path, {**bearer(token), **named})
    found = await live.gateway.snapshot.hooks.authenticate(head)
    assert found is not None
    return found


@pytest_asyncio.fixture(loop_scope="session")
async def company(live: LiveGateway) -> None:
    """An organization, three teams and a user, made once and found by every test."""
    database = live.gateway.parts.database
    known = 'SELECT 1 FROM "LiteLLM_TeamTable" WHERE team_id = $1'
    if await database.fetch_value(known, "jt-red") is None:
        await database.execute(
            'INSERT INTO "LiteLLM_BudgetTable" (budget_id, created_by, updated_by) VALUES ($1, $1, $1)', "jt"
        )
        await database.execute(
            'INSERT INTO "LiteLLM_OrganizationTable" (organization_id, organization_alias, budget_id, models,'
            " created_by, updated_by) VALUES ('jt-org', 'JT Acme', 'jt', '{}', 'x', 'x'),"
            " ('jt-other', 'Other', 'jt', '{}', 'x', 'x')"
        )
        await database.execute(
            'INSERT INTO "LiteLLM_AgentsTable" (agent_id, agent_name, agent_card_params, created_by,'
            " updated_by) VALUES ('jt-agent', 'jt-agent', '{}', 'x', 'x')"
        )
        await manage(live, "/user/new", user_id="jt-eve", user_email="Eve@Example.com", auto_create_key=False)
        for name, models in (("red", ["m"]), ("blue", ["n"]), ("green", [])):
            await manage(live, "/team/new", team_id=f"jt-{name}", team_alias=f"Team {name}", models=models)
        await manage(live, "/team/update", team_id="jt-green", organization_id="jt-org")
        member = {"user_id": "jt-eve", "role": "user"}
        await manage(live, "/team/member_add", team_id="jt-red", member=member)


MAPPED: dict[str, tuple[dict[str, object], dict[str, object], dict[str, object]]] = {
    "a user by id": ({"user_id_jwt_field": "sub"}, {"sub": "jt-eve"}, {"user_id": "jt-eve"}),
    "a user by address": (
        {"user_email_jwt_field": "mail.work", "user_id_jwt_field": "uid"},
        {"mail": {"work": "EVE@example.com"}},
        {"user_id": "jt-eve", "user_email": "eve@example.com"},
    ),
    "a team": ({"team_id_jwt_field": "client_id"}, {"client_id": "jt-red"}, {"team_id": "jt-red"}),
    "a team's first of a list": (
        {"team_id_jwt_field": "t"},
        {"t": ["jt-blue", "jt-red"]},
        {"team_id": "jt-blue"},
    ),
    "teams, those unknown left out": (
        {"team_ids_jwt_field": "groups"},
        {"groups": ["nobody", "jt-red", "jt-blue"]},
        {"team_id": "jt-red"},
    ),
    "a team by alias": ({"team_alias_jwt_field": "ns"}, {"ns": "Team blue"}, {"team_id": "jt-blue"}),
    "a claim whose name has a dot": (
        {"team_alias_jwt_field": "kubernetes\\.io.namespace"},
        {"kubernetes.io": {"namespace": "Team blue"}},
        {"team_id": "jt-blue"},
    ),
    "an id before an alias": (
        {"team_id_jwt_field": "t", "team_alias_jwt_field": "ns"},
        {"t": "jt-red", "ns": "Team blue"},
        {"team_id": "jt-red"},
    ),
    "a default team": (
        {"team_id_jwt_field": "t", "team_id_default": "jt-blue"},
        {},
        {"team_id": "jt-blue"},
    ),
    "the user's only team where none is claimed": (
        {"team_id_jwt_field": "t", "user_id_jwt_field": "sub"},
        {"sub": "jt-eve"},
        {"team_id": "jt-red"},
    ),
    "the user's teams of the database": (
        {"fallback_to_db_teams": True, "user_id_jwt_field": "sub"},
        {"sub": "jt-eve"},
        {"team_id": "jt-red"},
    ),
    "the user's team in the place of an unknown one": (
        {"team_claim_fallback": True, "team_ids_jwt_field": "groups", "user_id_jwt_field": "sub"},
        {"sub": "jt-eve", "groups": ["elsewhere"]},
        {"team_id": "jt-red"},
    ),
    "an organization": ({"org_id_jwt_field": "o"}, {"o": "jt-org"}, {"organization_id": "jt-org"}),
    "an organization by alias": (
        {"org_alias_jwt_field": "o"},
        {"o": "JT Acme"},
        {"organization_id": "jt-org"},
    ),
    "the team's organization": (
        {"team_id_jwt_field": "t"},
        {"t": "jt-green"},
        {"organization_id": "jt-org"},
    ),
    "an end user": ({"end_user_id_jwt_field": "c"}, {"c": "jt-c"}, {"end_user_id": "jt-c"}),
    "an agent": ({"agent_id_jwt_field": "a"}, {"a": "jt-agent"}, {"agent_id": "jt-agent"}),
    "nothing where a claim is missing or empty": (
        {"org_id_jwt_field": "o", "end_user_id_jwt_field": "e", "team_id_jwt_field": "t"},
        {"o": "", "t": {}},
        {"organization_id": None, "end_user_id": None, "team_id": None},
    ),
    "no teams in a claim of a wrong type": (
        {"team_ids_jwt_field": "groups"},
        {"groups": {"jt-red": True}},
        {"team_id": None},
    ),
    "an administrator by scope": (
        {},
        {"scope": "openid litellm_proxy_admin"},
        {"role": Role.PROXY_ADMIN},
    ),
    "an administrator by a scope of one's own": (
        {"admin_jwt_scope": "boss"},
        {"scope": ["boss"]},
        {"role": Role.PROXY_ADMIN},
    ),
    "a role from a mapping, and the object that it is": (
        {
            "roles_jwt_field": "realm.roles",
            "object_id_jwt_field": "oid",
            "role_mappings": [{"role": "api.team", "internal_role": "team"}],
            "enforce_rbac": True,
        },
        {"realm": {"roles": ["x", "api.team"]}, "oid": "jt-red"},
        {"role": Role.TEAM, "team_id": "jt-red"},
    ),
    "a role by what the token names": (
        {"enforce_rbac": True, "user_id_jwt_field": "sub"},
        {"sub": "jt-eve"},
        {"role": Role.INTERNAL_USER, "user_id": "jt-eve"},
    ),
    "a user's role by a pattern": (
        {
            "user_id_jwt_field": "sub",
            "user_roles_jwt_field": "roles",
            "jwt_litellm_role_map": [{"jwt_role": "viewer-*", "litellm_role": "proxy_admin_viewer"}],
        },
        {"sub": "jt-eve", "roles": ["viewer-emea"]},
        {"role": Role.PROXY_ADMIN_VIEWER},
    ),
    "none of the original's own marks": (
        {"team_id_jwt_field": "_litellm_team_id", "team_ids_jwt_field": "_litellm_team_ids"},
        {"_litellm_team_ids": ["jt-red"], "_litellm_team_id": "jt-red", "_litellm_jwt_issuer": "x"},
        {"team_id": None},
    ),
}


@pytest.mark.usefixtures("company")
@pytest.mark.parametrize("case", MAPPED)
async def test_claims_become(case: str, live: LiveGateway, provider: OidcProvider) -> None:
    settings, claims, expected = MAPPED[case]
    accept(live, provider, **settings)

    principal = await who(live, provider.token(**claims))

    assert {name: getattr(principal, name) for name in expected} == expected


REFUSED: dict[str, tuple[dict[str, object], dict[str, object], int, str]] = {
    "a user whom nobody knows": ({"user_id_jwt_field": "sub"}, {"sub": "jt-x"}, 401, "doesn't exist in db"),
    "an address that nobody has": (
        {"user_email_jwt_field": "email"},
        {"email": "jt-x@example.com"},
        401,
        "doesn't exist in db",
    ),
    "the operator's own name": (
        {"user_id_jwt_field": "sub", "user_id_upsert": True},
        {"sub": "default_user_id"},
        401,
        "reserved",
    ),
    "a team that nobody knows": ({"team_id_jwt_field": "t"}, {"t": "jt-x"}, 404, "Team doesn't exist in db"),
    "groups of which none is a team": (
        {"team_ids_jwt_field": "g"},
        {"g": ["jt-x"]},
        404,
        "Team doesn't exist",
    ),
    "an organization that nobody knows": ({"org_id_jwt_field": "o"}, {"o": "jt-x"}, 404, "Organization"),
    "an agent that nobody knows": ({"agent_id_jwt_field": "a"}, {"a": "jt-x"}, 404, "Agent"),
    "a team of another organization": (
        {"org_id_jwt_field": "o", "team_id_jwt_field": "t"},
        {"o": "jt-other", "t": "jt-green"},
        403,
        "another organization",
    ),
    "no team where teams are required": (
        {"enforce_team_based_model_access": True, "team_ids_jwt_field": "g"},
        {},
        403,
        "members of teams only",
    ),
    "an address of another domain": (
        {"user_email_jwt_field": "email", "user_allowed_email_domain": "example.com", "user_id_upsert": True},
        {"email": "eve@example.com.evil.org"},
        403,
        "domain",
    ),
    "an address that nobody proved": (
        {"user_email_jwt_field": "email", "user_allowed_email_domain": "example.com"},
        {"email": "eve@example.com", "email_verified": False},
        403,
        "proven address",
    ),
    "no role that is admitted": (
        {"user_roles_jwt_field": "roles", "user_allowed_roles": ["basic"]},
        {"roles": ["other"]},
        403,
        "none of the roles",
    ),
    "no role where roles are enforced": ({"enforce_rbac": True}, {}, 403, "Unmatched token"),
    "an unmapped role beside mappings": (
        {
            "enforce_rbac": True,
            "user_id_jwt_field": "sub",
            "roles_jwt_field": "roles",
            "role_mappings": [{"role": "api", "internal_role": "internal_user"}],
        },
        {"sub": "jt-eve", "roles": ["other"]},
        403,
        "Unmatched token",
    ),
    "a claim that no id can be": ({"user_id_jwt_field": "sub"}, {"sub": "x" * 300}, 401, "longer than 256"),
    "a claim with a character that is none": (
        {"user_id_jwt_field": "sub"},
        {"sub": "a\0b"},
        401,
        "no id can",
    ),
}


@pytest.mark.usefixtures("company")
@pytest.mark.parametrize("case", REFUSED)
async def test_refused_is(case: str, live: LiveGateway, provider: OidcProvider) -> None:
    settings, claims, status, text = REFUSED[case]
    accept(live, provider, **settings)

    answer = await live.chat(provider.token(**claims))

    assert (answer.status_code, answer.json()["error"]["type"]) == (status, "auth_error")
    assert text in answer.json()["error"]["message"]


@pytest.mark.usefixtures("company")
async def test_the_first_team_that_may_use_the_model_asks(live: LiveGateway, provider: OidcProvider) -> None:
    models = deployment("m", live.upstream), deployment("n", live.upstream), deployment("o", live.upstream)
    accept(live, provider, *models, team_ids_jwt_field="groups")
    token = provider.token(groups=["jt-red", "jt-blue"], sub="several")
    earlier = {row.request_id for row in await live.rows()}

    asked = {model: await live.chat(token, model) for model in ("m", "n", "o")}
    chosen = await live.post("/v1/chat/completions", token, chat_body("m"), x_litellm_team_id="Team blue")
    foreign = await live.post("/v1/chat/completions", token, chat_body("m"), x_litellm_team_id="jt-green")
    listed = await live.http.get("/v1/models", headers=bearer(token))

    assert {name: answer.status_code for name, answer in asked.items()} == {"m": 200, "n": 200, "o": 403}
    assert asked["o"].json()["error"]["type"] == "team_model_access_denied"
    assert (chosen.status_code, foreign.status_code) == (403, 403)
    assert "['jt-red', 'jt-blue']" in foreign.json()["error"]["message"]
    assert [item["id"] for item in listed.json()["data"]] == ["m", "n"]
    teams = {
        row.model_group: row.team_id
        for row in await live.rows()
        if row.request_id not in earlier and row.status == "success"
    }
    assert teams == {"m": "jt-red", "n": "jt-blue"}


@pytest.mark.usefixtures("company")
async def test_budgets_of_the_team_hold_for_tokens(live: LiveGateway, provider: OidcProvider) -> None:
    await manage(live, "/team/new", team_id="jt-poor", max_budget=0)
    accept(live, provider, team_id_jwt_field="t")
    token = provider.token(t="jt-poor")

    refused = await live.chat(token)
    await manage(live, "/team/update", team_id="jt-poor", max_budget=1)
    async with asyncio.timeout(30):
        while (await live.chat(token)).status_code != 200:  # noqa: ASYNC110  there is no event to wait on
            await asyncio.sleep(0.01)

    assert refused.status_code == 422
    assert refused.json()["error"]["type"] == "budget_exceeded"


@pytest.mark.usefixtures("company")
async def test_a_blocked_team_is_refused_unless_there_is_another(
    live: LiveGateway, provider: OidcProvider
) -> None:
    await manage(live, "/team/new", team_id="jt-shut")
    await manage(live, "/team/block", team_id="jt-shut")
    accept(live, provider, team_ids_jwt_field="t")

    alone, beside = await live.chat(provider.token(t=["jt-shut"])), provider.token(t=["jt-shut", "jt-red"])

    assert alone.status_code == 401
    assert "is blocked" in alone.text
    assert (await live.chat(beside)).status_code == 200


async def test_a_user_whom_the_directory_deactivates_is_refused_at_once(
    live: LiveGateway, provider: OidcProvider
) -> None:
    accept(live, provider, user_id_jwt_field="sub")
    await manage(live, "/user/new", user_id="jt-left", auto_create_key=False)
    token, statuses = provider.token(sub="jt-left"), []
    for active in (True, False, True):
        operation = {"op": "replace", "value": {"active": active}}
        answer = await live.http.patch(
            "/scim/v2/Users/jt-left", json={"Operations": [operation]}, headers=bearer(MASTER_KEY)
        )
        assert answer.status_code == 200, answer.text
        async with asyncio.timeout(30):
            while (status := (await live.chat(token)).status_code) != (200 if active else 401):  # noqa: ASYNC110  only an answer tells
                await asyncio.sleep(0.01)
        statuses.append(status)
    assert statuses == [200, 401, 200]


async def test_users_and_teams_are_made(live: LiveGateway, provider: OidcProvider) -> None:
    accept(
        live,
        provider,
        user_id_jwt_field="sub",
        user_email_jwt_field="email",
        user_id_upsert=True,
        team_id_jwt_field="t",
        team_id_upsert=True,
        upsert_sso_user_to_team=True,
    )
    token = provider.token(sub="jt-new", email="New@example.org", t="jt-made")

    answers = await asyncio.gather(*(live.chat(token) for _ in range(5)))

    assert {answer.status_code for answer in answers} == {200}
    user = (await live.http.get("/user/info?user_id=jt-new", headers=bearer(MASTER_KEY))).json()
    assert user["user_info"]["user_email"].lower() == "new@example.org"
    team = (await live.http.get("/team/info?team_id=jt-made", headers=bearer(MASTER_KEY))).json()
    assert [member["user_id"] for member in team["team_info"]["members_with_roles"]] == ["jt-new"]


async def test_a_user_found_by_address_is_known_by_id_afterwards(
    live: LiveGateway, provider: OidcProvider
) -> None:
    await manage(live, "/user/new", user_id="jt-max", user_email="max@example.org", auto_create_key=False)
    accept(live, provider, user_id_jwt_field="sub", user_email_jwt_field="email")

    first = await who(live, provider.token(sub="idp|max", email="max@example.org"))
    later = await who(live, provider.token(sub="idp|max", email="changed@example.org"))
    thief = await live.chat(provider.token(sub="idp|thief", email="max@example.org"))

    assert first.user_id == later.user_id == "jt-max"
    assert thief.status_code == 401
    assert "another user" in thief.text


@pytest.mark.usefixtures("company")
async def test_the_role_of_the_token_is_kept_where_that_is_wanted(
    live: LiveGateway, provider: OidcProvider
) -> None:
    accept(
        live,
        provider,
        user_id_jwt_field="sub",
        user_id_upsert=True,
        user_roles_jwt_field="roles",
        jwt_litellm_role_map=[{"jwt_role": "look", "litellm_role": "internal_user_viewer"}],
        sync_user_role_and_teams=True,
        team_ids_jwt_field="groups",
    )

    await who(live, provider.token(sub="jt-sync", roles=["look"], groups=["jt-blue"]))

    user = (await live.http.get("/user/info?user_id=jt-sync", headers=bearer(MASTER_KEY))).json()
    assert user["user_info"]["user_role"] == "internal_user_viewer"
    assert [team["team_id"] for team in user["teams"]] == ["jt-blue"]

    await who(live, provider.token(sub="jt-sync", roles=["look"], groups=["jt-red"]))

    user = (await live.http.get("/user/info?user_id=jt-sync", headers=bearer(MASTER_KEY))).json()
    assert [team["team_id"] for team in user["teams"]] == ["jt-red"]


ROUTES: dict[str, tuple[dict[str, object], dict[str, object], str, bool]] = {
    "an administrator manages": ({}, {"scope": "litellm_proxy_admin"}, "/team/info?team_id=jt-red", True),
    "an administrator asks no model": ({}, {"scope": "litellm_proxy_admin"}, "/v1/chat/completions", False),
    "unless told so": (
        {"admin_allowed_routes": ["openai_routes"]},
        {"scope": "litellm_proxy_admin"},
        "/v1/chat/completions",
        True,
    ),
    "a team asks models": ({"team_id_jwt_field": "t"}, {"t": "jt-red"}, "/v1/chat/completions", True),
    "a team looks at itself": (
        {"team_id_jwt_field": "t"},
        {"t": "jt-red"},
        "/team/info?team_id=jt-red",
        True,
    ),
    "a team makes no keys": ({"team_id_jwt_field": "t"}, {"t": "jt-red"}, "/key/generate", False),
    "a team is held to its routes": (
        {"team_id_jwt_field": "t", "team_allowed_routes": ["/v1/embeddings"]},
        {"t": "jt-red"},
        "/v1/chat/completions",
        False,
    ),
    "a scope opens its models": (
        {"enforce_scope_based_access": True, "scope_mappings": [{"scope": "chat", "models": ["m"]}]},
        {"scope": "chat"},
        "/v1/chat/completions",
        True,
    ),
    "no mapped scope opens none": (
        {"enforce_scope_based_access": True, "scope_mappings": [{"scope": "chat", "models": ["m"]}]},
        {"scope": "other"},
        "/v1/chat/completions",
        False,
    ),
    "another scope opens others": (
        {"enforce_scope_based_access": True, "scope_mappings": [{"scope": "chat", "models": ["n"]}]},
        {"scope": "chat"},
        "/v1/chat/completions",
        False,
    ),
}


@pytest.mark.usefixtures("company")
@pytest.mark.parametrize("case", ROUTES)
async def test_routes_and_models(case: str, live: LiveGateway, provider: OidcProvider) -> None:
    settings, claims, path, is_open = ROUTES[case]
    accept(live, provider, **settings)
    token = provider.token(**claims)

    if path.startswith("/team"):
        answer = await live.http.get(path, headers=bearer(token))
    else:
        answer = await live.post(path, token, chat_body("m") if "chat" in path else {})

    assert (answer.status_code == 200) is is_open, answer.text
    assert is_open or answer.status_code == 403


@pytest.mark.usefixtures("company")
async def test_the_end_user_of_the_token_wins_over_the_request(
    live: LiveGateway, provider: OidcProvider
) -> None:
    accept(live, provider, end_user_id_jwt_field="customer")

    answer = await live.chat(provider.token(customer="jt-paying"), user="somebody-else")

    assert answer.status_code == 200
    customers = {row.end_user for row in await live.rows()}
    assert "jt-paying" in customers
    assert "somebody-else" not in customers


@pytest.mark.usefixtures("company")
async def test_a_known_token_costs_no_statement_and_no_call(
    live: LiveGateway, provider: OidcProvider
) -> None:
    accept(live, provider, user_id_jwt_field="sub", user_id_upsert=True)
    token = provider.token(sub="jt-eve")
    await who(live, token)
    # That the user is new may be heard only now.
    await quiet(live)
    await who(live, token)
    asked = dict(provider.requests)

    async with counting(live, holds_drain=True) as counter:
        answers = [await live.chat(token) for _ in range(3)]

    assert {answer.status_code for answer in answers} == {200}
    assert counter.statements == []
    assert dict(provider.requests) == asked


async def test_who_is_refused_is_looked_up_once_until_something_changes(
    live: LiveGateway, provider: OidcProvider
) -> None:
    accept(live, provider, user_id_jwt_field="sub")
    await quiet(live)
    token = provider.token(sub="jt-late")
    first = await live.chat(token)

    async with live.gateway.parts.database.count_statements() as counter:
        refused = [(await live.chat(token)).json() for _ in range(3)]
    asked = [one for one in counter.statements if "sso_user_id" in one]
    await manage(live, "/user/new", user_id="jt-late", auto_create_key=False)
    async with asyncio.timeout(30):
        while (await live.chat(token)).status_code != 200:  # noqa: ASYNC110  there is no event to wait on
            await asyncio.sleep(0.01)

    assert refused == [first.json()] * 3
    assert asked == []


async def test_keys_work_beside_tokens(live: LiveGateway, provider: OidcProvider) -> None:
    key = await live.make_key()
    accept(live, provider)

    assert (await live.chat(key)).status_code == 200
    assert (await live.chat("not.a.token")).status_code == 401


async def test_while_the_provider_is_away_known_keys_serve_and_others_are_told_so(
    live: LiveGateway, provider: OidcProvider
) -> None:
    accept(live, provider)
    known = provider.token(sub="before")
    assert (await live.chat(known)).status_code == 200
    await provider.stop()

    other = await live.chat(provider.token(sub="after"))
    rotated = await live.chat(provider.token(key=make_key("second")))
    async with OidcProvider() as never_read:
        accept(live, never_read)
        await never_read.stop()
        unknown = await live.chat(never_read.token())

    assert other.status_code == 200
    assert rotated.status_code == 401
    assert (unknown.status_code, unknown.json()["error"]["type"]) == (503, "auth_provider_unavailable")
    assert unknown.headers["retry-after"] == "5"


async def test_the_real_client_is_told_why(live: LiveGateway, provider: OidcProvider) -> None:
    accept(live, provider)

    with pytest.raises(openai.AuthenticationError, match="Audience doesn't match"):
        await live.openai(provider.token(aud="another-application")).models.list()


@pytest_asyncio.fixture(loop_scope="session")
async def upstream_of_server() -> AsyncIterator[Upstream]:
    async with Upstream() as upstream:
        yield upstream


async def test_a_server_of_its_own_takes_tokens_by_its_file(
    provider: OidcProvider,
    upstream_of_server: Upstream,
    database_factory: DatabaseFactory,
    migrated_template: str,
    tmp_path: Path,
) -> None:
    name = await database_factory.create_async(migrated_template)
    jwt = {
        "user_id_jwt_field": "sub",
        "user_id_upsert": True,
        "issuers": [{"issuer": provider.issuer, "audience": "gateway"}],
    }
    config = {
        "model_list": [deployment("m", upstream_of_server)],
        "general_settings": {"enable_jwt_auth": True, "litellm_jwtauth": jwt},
    }

    async with ServerProcess(tmp_path, config, database_factory.url_of(name)) as server:
        genuine = await server.chat(provider.token(sub="served"))
        forged = await server.chat(provider.token(sub="served", key=make_key("stranger")))

    await database_factory.drop_async(name)
    assert (genuine.status_code, forged.status_code) == (200, 401)


@pytest.mark.parametrize(
    "path",
    [
        *("/spend/keys", "/spend/users", "/spend/tags"),
        *(f"/global/activity{rest}?start_date=2026-01-01&end_date=2026-01-31" for rest in ("", "/model")),
        *(
            f"/management/v1/spend_logs/{rest}?filter[startTime][gte]=2026-01-01T00:00:00Z"
            "&filter[startTime][lte]=2026-01-02T00:00:00Z"
            for rest in ("end_users", "users")
        ),
    ],
)
async def test_a_role_without_a_user_sees_no_figures_of_others(
    path: str, live: LiveGateway, provider: OidcProvider
) -> None:
    accept(
        live,
        provider,
        user_roles_jwt_field="roles",
        jwt_litellm_role_map=[{"jwt_role": "basic", "litellm_role": "internal_user"}],
    )

    answer = await live.http.get(path, headers=bearer(provider.token(roles=["basic"])))

    assert answer.status_code == 403, answer.text
