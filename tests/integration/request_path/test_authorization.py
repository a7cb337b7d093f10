"""What restricts a request beside its key, from the database and the configuration to the answer."""

import secrets

import httpx
import pytest

from gateway.domain import Scope, ScopeKind
from gateway.identity.invalidation import CHANNEL
from tests.integration.counting import heard
from tests.integration.serving import MASTER_KEY, LiveGateway, bearer, chat_body, deployment

pytestmark = pytest.mark.asyncio(loop_scope="session")


def unique(word: str) -> str:
    return f"{word}-{secrets.token_hex(4)}"


async def run(live: LiveGateway, sql: str, *args: object) -> None:
    """Change the database as the management API would: everybody hears of it."""
    database = live.gateway.parts.database
    await database.execute(sql, *args)
    await database.execute("SELECT pg_notify($1, '*')", CHANNEL)
    await heard(live)


async def add_budget(live: LiveGateway, usd: float, **columns: object) -> str:
    name = unique("budget")
    await run(
        live,
        """INSERT INTO "LiteLLM_BudgetTable" (budget_id, max_budget, rpm_limit, created_by, updated_by)
        VALUES ($1, $2, $3, 'x', 'x')""",
        name,
        usd,
        columns.get("rpm_limit"),
    )
    return name


async def add_end_user(live: LiveGateway, **columns: object) -> str:
    name = unique("customer")
    names = ", ".join(["user_id", *columns])
    marks = ", ".join(f"${number}" for number in range(1, len(columns) + 2))
    await run(live, f'INSERT INTO "LiteLLM_EndUserTable" ({names}) VALUES ({marks})', name, *columns.values())
    return name


def error_of(answer: httpx.Response) -> tuple[int, str, object]:
    error = answer.json()["error"]
    return answer.status_code, error["type"], error["param"]


async def test_a_blocked_end_user_is_refused_whoever_names_it(live: LiveGateway, key: str) -> None:
    customer = await add_end_user(live, blocked=True)
    for caller in (key, MASTER_KEY):
        assert error_of(await live.chat(caller, user=customer)) == (401, "auth_error", "user")
    assert (await live.chat(key, user="somebody-else")).status_code == 200
    assert len(live.upstream.requests) == 1


async def test_an_end_user_has_the_models_that_it_has(live: LiveGateway, key: str) -> None:
    live.configure(deployment("m", live.upstream), deployment("n", live.upstream))
    customer = await add_end_user(live, models=["n"])
    refused = await live.chat(key, user=customer)
    assert error_of(refused) == (403, "customer_model_access_denied", "model")
    assert (await live.chat(key, model="n", user=customer)).status_code == 200


async def test_an_end_users_budget_is_refused_once_it_is_spent(live: LiveGateway, key: str) -> None:
    budget = await add_budget(live, 1e-9)
    one, other = (await add_end_user(live, budget_id=budget) for _ in range(2)), None
    first = await anext(one)
    assert (await live.chat(key, user=first)).status_code == 200
    await live.settled()
    refused = await live.chat(key, user=first)
    assert error_of(refused)[:2] == (422, "budget_exceeded")
    assert f"ExceededBudget: End User={first} over budget" in refused.json()["error"]["message"]
    # The row is shared, the spend is not.
    other = await anext(one)
    assert (await live.chat(key, user=other)).status_code == 200


async def test_a_spent_end_user_stays_spent_when_it_is_read_anew(live: LiveGateway, key: str) -> None:
    customer = await add_end_user(live, budget_id=await add_budget(live, 1e-9))
    assert (await live.chat(key, user=customer)).status_code == 200
    await live.settled()
    await run(live, "SELECT 1")
    assert (await live.chat(key, user=customer)).status_code == 422
    await live.gateway.parts.drain.flush()
    await run(live, "SELECT 1")
    assert (await live.chat(key, user=customer)).status_code == 422


async def test_the_default_budget_holds_for_end_users_that_nobody_knows(live: LiveGateway, key: str) -> None:
    budget = await add_budget(live, 0)
    settings = {"max_end_user_budget_id": budget}
    live.configure(deployment("m", live.upstream), litellm_settings=settings)
    assert (await live.chat(key, user=unique("new"))).status_code == 422
    assert (await live.chat(key)).status_code == 200
    live.configure(deployment("m", live.upstream))
    assert (await live.chat(key, user=unique("new"))).status_code == 200


async def test_a_tags_budget_is_refused_for_every_key_that_carries_it(live: LiveGateway) -> None:
    tag, budget = unique("tag"), await add_budget(live, 0)
    await run(
        live,
        'INSERT INTO "LiteLLM_TagTable" (tag_name, budget_id, updated_at) VALUES ($1, $2, now())',
        tag,
        budget,
    )
    marked, free = await live.make_key(metadata={"tags": [tag]}), await live.make_key()
    refused = await live.chat(marked)
    assert error_of(refused)[:2] == (422, "budget_exceeded")
    assert f"Budget has been exceeded! Tag={tag}" in refused.json()["error"]["message"]
    assert (await live.chat(free)).status_code == 200
    assert (await live.chat(free, metadata={"tags": [tag]})).status_code == 422


async def test_a_key_may_limit_its_tags(live: LiveGateway) -> None:
    key = await live.make_key(metadata={"tag_rpm_limit": {"slow": 1}})
    answers = [await live.chat(key, metadata={"tags": ["slow"]}) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [200, 429]
    assert (await live.chat(key, metadata={"tags": ["fast"]})).status_code == 200


async def test_a_tag_that_is_limited_twice_is_charged_once(live: LiveGateway) -> None:
    tag, budget = unique("tag"), await add_budget(live, 1)
    sql = 'INSERT INTO "LiteLLM_TagTable" (tag_name, budget_id, updated_at) VALUES ($1, $2, now())'
    await run(live, sql, tag, budget)
    key = await live.make_key(metadata={"tags": [tag], "tag_rpm_limit": {tag: 100}})
    await live.chat(key)
    row = await live.row(key)
    assert live.gateway.parts.ledger.settled(Scope(ScopeKind.TAG, tag)) == row.nanos > 0


async def test_an_end_users_budget_per_model_and_day_survives_being_read_anew(
    live: LiveGateway, key: str
) -> None:
    live.configure(deployment("m", live.upstream), deployment("n", live.upstream))
    budget = await add_budget(live, 1)
    limits = '{"m": {"budget_limit": 0.000000001, "time_period": "1d"}}'
    sql = 'UPDATE "LiteLLM_BudgetTable" SET model_max_budget = $2::jsonb WHERE budget_id = $1'
    await run(live, sql, budget, limits)
    customer = await add_end_user(live, budget_id=budget)
    assert (await live.chat(key, user=customer)).status_code == 200
    await live.settled()
    assert (await live.chat(key, user=customer)).status_code == 422
    await live.gateway.parts.drain.flush()
    await run(live, "SELECT 1")
    assert (await live.chat(key, user=customer)).status_code == 422
    assert (await live.chat(key, model="n", user=customer)).status_code == 200


async def test_each_session_of_an_agent_has_its_own_rate(live: LiveGateway, key: str) -> None:
    agent = unique("agent")
    await run(
        live,
        """INSERT INTO "LiteLLM_AgentsTable" (agent_id, agent_name, agent_card_params, session_rpm_limit,
        created_by, updated_by) VALUES ($1, $1, '{}', 1, 'x', 'x')""",
        agent,
    )

    async def ask(session: str) -> int:
        body = {"model": "m", "messages": [{"role": "user", "content": "x"}]}
        headers = {"x_litellm_agent_id": agent, "x_litellm_session_id": session}
        return (await live.post("/v1/chat/completions", key, body, **headers)).status_code

    assert [await ask("one"), await ask("one"), await ask("two")] == [200, 429, 200]
    rows = await live.rows(key)
    sql = 'SELECT spend FROM "LiteLLM_AgentsTable" WHERE agent_id = $1'
    spent = await live.gateway.parts.database.fetch_value(sql, agent)
    assert round(spent * 1e9) == sum(row.nanos for row in rows) > 0
    assert {row.agent_id for row in rows} == {agent}


async def test_only_deployments_in_the_region_of_the_end_user_answer(live: LiveGateway, key: str) -> None:
    live.configure(
        deployment("m", live.upstream, "openai/of-the-eu", region_name="eu-west-1"),
        deployment("m", live.upstream, "openai/of-the-us", region_name="us-east-1"),
        deployment("far", live.upstream, "openai/far", region_name="us-east-1"),
    )
    bound = await add_end_user(live, allowed_model_region="eu")
    helped = await add_end_user(live, allowed_model_region="eu", default_model="m")
    for _ in range(4):
        assert (await live.chat(key, user=bound)).status_code == 200
    assert {request.json["model"] for request in live.upstream.requests} == {"of-the-eu"}
    refused = await live.chat(key, model="far", user=bound)
    assert error_of(refused) == (403, "customer_model_access_denied", "model")
    answer = await live.chat(key, model="far", user=helped)
    assert (answer.status_code, answer.json()["model"]) == (200, "m")
    assert live.upstream.requests[-1].json["model"] == "of-the-eu"


async def test_a_default_model_is_checked_as_any(live: LiveGateway) -> None:
    live.configure(
        deployment("m", live.upstream, region_name="eu-west-1"),
        deployment("far", live.upstream, region_name="us-east-1"),
    )
    key = await live.make_key(models=["far"])
    helped = await add_end_user(live, allowed_model_region="eu", default_model="m")
    assert error_of(await live.chat(key, model="far", user=helped))[:2] == (403, "key_model_access_denied")


async def test_a_teams_own_model_is_there_for_the_team_only(live: LiveGateway) -> None:
    team = unique("team")
    await run(live, 'INSERT INTO "LiteLLM_TeamTable" (team_id, models) VALUES ($1, $2)', team, ["special"])
    own = deployment(
        f"model_name_{team}_1",
        live.upstream,
        "openai/own",
        info_team_id=team,
        info_team_public_model_name="special",
    )
    live.configure(deployment("m", live.upstream), own)
    member, stranger = await live.make_key(team_id=team), await live.make_key()
    answer = await live.chat(member, model="special")
    assert (answer.status_code, answer.json()["model"]) == (200, "special")
    assert live.upstream.requests[-1].json["model"] == "own"
    for name in ("special", f"model_name_{team}_1"):
        assert (await live.chat(stranger, model=name)).status_code == 400
    listed = [await live.http.get("/v1/models", headers=bearer(key)) for key in (member, stranger)]
    names = [[model["id"] for model in answer.json()["data"]] for answer in listed]
    assert names == [["special"], ["m"]]


async def test_a_free_model_is_served_when_the_budget_is_spent_and_a_dear_one_is_not(
    live: LiveGateway,
) -> None:
    free = deployment("free", live.upstream, input_cost_per_token=0, output_cost_per_token=0)
    live.configure(free, deployment("m", live.upstream))
    key = await live.make_key(max_budget=0)
    assert (await live.chat(key, model="free")).status_code == 200
    assert (await live.chat(key)).status_code == 422


async def test_a_free_model_leads_to_no_dear_one_when_the_budget_is_spent(live: LiveGateway) -> None:
    dead = deployment("free", "http://127.0.0.1:1/v1", input_cost_per_token=0, output_cost_per_token=0)
    settings = {"fallbacks": [{"free": ["m"]}], "num_retries": 0}
    live.configure(dead, deployment("m", live.upstream), router_settings=settings)
    assert (await live.chat(await live.make_key(max_budget=1), model="free")).status_code == 200
    assert (await live.chat(await live.make_key(max_budget=0), model="free")).status_code == 500
    assert len(live.upstream.requests) == 1


async def test_addresses_and_routes_can_be_closed_for_everybody(live: LiveGateway, key: str) -> None:
    model = deployment("m", live.upstream)
    live.configure(model, general_settings={"allowed_ips": ["10.0.0.1"]})
    for path in ("/v1/models", "/key/info"):
        answer = await live.http.get(path, headers=bearer(MASTER_KEY))
        assert error_of(answer) == (403, "auth_error", "allowed_ips")
    assert error_of(await live.chat(key)) == (403, "auth_error", "allowed_ips")
    live.configure(model, general_settings={"allowed_ips": ["127.0.0.0/8"]})
    assert (await live.chat(key)).status_code == 200
    live.configure(model, general_settings={"disable_admin_endpoints": True})
    assert error_of(await live.http.get("/key/info", headers=bearer(MASTER_KEY)))[0] == 403
    assert (await live.chat(key)).status_code == 200
    live.configure(model, general_settings={"admin_only_routes": ["/key/info"]})
    refused = await live.http.get("/key/info", headers=bearer(key))
    assert error_of(refused) == (403, "auth_error", "route")
    assert (await live.http.get(f"/key/info?key={key}", headers=bearer(MASTER_KEY))).status_code == 200


async def test_a_key_whose_settings_nobody_can_read_may_nothing(live: LiveGateway) -> None:
    key = await live.make_key()
    sql = """UPDATE "LiteLLM_VerificationToken" SET model_max_budget = '{"m": "lots"}' WHERE key_name = $1"""
    await run(live, sql, f"sk-...{key[-4:]}")
    refused = await live.chat(key)
    assert error_of(refused) == (403, "auth_error", "model_max_budget.m")


@pytest.mark.parametrize(
    ("proxies", "recorded"), [(["127.0.0.0/8"], "198.51.100.7"), (["10.0.0.0/8"], "127.0.0.1")]
)
async def test_the_spend_row_tells_the_client_behind_trusted_proxies_only(
    live: LiveGateway, key: str, proxies: list[str], recorded: str
) -> None:
    settings = {"use_x_forwarded_for": True, "trusted_proxy_ranges": proxies}
    live.configure(deployment("m", live.upstream), general_settings=settings)
    forwarded = "203.0.113.1, 198.51.100.7, 127.0.0.2"
    await live.post("/v1/chat/completions", key, chat_body(), x_forwarded_for=forwarded)
    row = await live.row(key)
    assert row.requester_ip_address == row.details["requester_ip_address"] == recorded


async def test_customers_of_a_key_get_its_budget_and_keep_it(live: LiveGateway) -> None:
    budget, customer = await add_budget(live, 1e-9), unique("new")
    key = await live.make_key(end_user_budget_id=budget)
    assert (await live.chat(key, user=customer)).status_code == 200
    await live.settled()
    refused = await live.chat(key, user=customer)
    assert error_of(refused)[:2] == (422, "budget_exceeded")
    await live.gateway.parts.drain.flush()
    linked = 'SELECT budget_id FROM "LiteLLM_EndUserTable" WHERE user_id = $1'
    assert await live.gateway.parts.database.fetch_value(linked, customer) == budget
    await run(live, "SELECT 1")
    assert (await live.chat(await live.make_key(), user=customer)).status_code == 422


async def test_a_request_for_somebody_unknown_is_for_nobody_where_names_are_validated(
    live: LiveGateway, key: str
) -> None:
    customer, blocked = await add_end_user(live), await add_end_user(live, blocked=True)
    live.configure(deployment("m", live.upstream), litellm_settings={"validate_end_user_id_in_db": True})
    assert (await live.chat(key, user=unique("nobody"))).status_code == 200
    assert (await live.row(key)).end_user is None
    assert (await live.chat(key, user=blocked)).status_code == 401
    other = await live.make_key()
    assert (await live.chat(other, user=customer)).status_code == 200
    assert (await live.row(other)).end_user == customer


async def test_a_key_cannot_offer_a_budget_that_is_not_there(live: LiveGateway, key: str) -> None:
    sent = {"end_user_budget_id": "gone"}
    for path, body in (("/key/generate", sent), ("/key/update", {"key": key, **sent})):
        refused = await live.http.post(path, json=body, headers=bearer(MASTER_KEY))
        assert refused.status_code == 400
        assert "Budget not found. Budget ID: gone" in refused.text


async def test_a_permission_lists_the_agents_and_groups_that_a_key_may_name(live: LiveGateway) -> None:
    listed, grouped, other = unique("agent"), unique("agent"), unique("agent")
    for name, group in ((listed, None), (grouped, "ours"), (other, "theirs")):
        await run(
            live,
            """INSERT INTO "LiteLLM_AgentsTable" (agent_id, agent_name, agent_card_params,
                agent_access_groups, created_by, updated_by) VALUES ($1, $1, '{}', $2, 'x', 'x')""",
            name,
            [] if group is None else [group],
        )
    key = await live.make_key(object_permission={"agents": [listed], "agent_access_groups": ["ours"]})
    for name, status in ((listed, 200), (grouped, 200), (other, 403), (unique("nobody"), 403)):
        answer = await live.post("/v1/chat/completions", key, chat_body(), x_litellm_agent_id=name)
        assert answer.status_code == status, answer.text
    assert error_of(answer) == (403, "key_agent_access_denied", "agent")
