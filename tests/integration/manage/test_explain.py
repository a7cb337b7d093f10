"""What would become of a request: the answer of `/auth/explain` beside that of the request itself."""

import asyncio
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest

from gateway.identity.invalidation import CHANNEL
from gateway.ids import hash_token
from tests.integration.counting import heard
from tests.integration.manage.conftest import Desk
from tests.integration.serving import (
    INPUT_NANOS,
    MASTER_KEY,
    UPSTREAM_KEY,
    LiveGateway,
    deployment,
    eventually,
)
from tests.upstreams import replies

pytestmark = pytest.mark.asyncio(loop_scope="session")
SECRET_MODEL = "a-model-of-others"
CHAT = "/v1/chat/completions"


@dataclass
class Case:
    """A key and a request that it is refused, or not: what the key, body, headers and configuration have."""

    rule: str | None
    key: dict[str, object] = field(default_factory=dict)
    body: dict[str, object] = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)
    sections: dict[str, Any] = field(default_factory=dict)
    model: str = "m"


def general(**settings: object) -> dict[str, Any]:
    return {"general_settings": settings}


def litellm(**settings: object) -> dict[str, Any]:
    return {"litellm_settings": settings}


TOOL = {"tools": [{"type": "function", "function": {"name": "delete"}}]}
ONLY_SEARCH = {"metadata": {"allowed_tools": ["search"]}}
CASES = {
    "nothing against it": Case(None),
    "a route that is not served": Case(
        "served_routes", sections=general(allowed_routes=["/key/*", "/auth/explain"])
    ),
    "a route that is served": Case(None, sections=general(allowed_routes=["/key/*", "/auth/explain", CHAT])),
    "disabled routes": Case("disabled_routes", sections=general(disable_llm_api_endpoints=True)),
    "a body without sense": Case("body", body={"messages": []}),
    "a banned member": Case("banned_members", body={"api_base": "http://x"}),
    "a model of others": Case("model_access", {"models": [SECRET_MODEL]}),
    "a model of its own": Case(None, {"models": ["m"]}),
    "a fallback of others": Case(
        "fallback_models",
        {"models": ["m"]},
        {"fallbacks": ["n"]},
        sections=general(enforce_fallback_model_access=True),
    ),
    "a fallback of its own": Case(
        None,
        {"models": ["m", "n"]},
        {"fallbacks": ["n"]},
        sections=general(enforce_fallback_model_access=True),
    ),
    "client tags": Case(
        "client_tags",
        body={"metadata": {"tags": ["a"]}},
        sections=general(reject_clientside_metadata_tags=True),
    ),
    "no client tags": Case(None, sections=general(reject_clientside_metadata_tags=True)),
    "no end user": Case("end_user_named", sections=general(enforce_user_param=True)),
    "an end user": Case(None, body={"user": "ann"}, sections=general(enforce_user_param=True)),
    "a missing member": Case("required_members", {"metadata": {"enforced_params": ["metadata.run"]}}),
    "no missing member": Case(
        None, {"metadata": {"enforced_params": ["metadata.run"]}}, {"metadata": {"run": 1}}
    ),
    "a closed route": Case("admin_only_routes", sections=general(admin_only_routes=[CHAT])),
    "another route of the key": Case("allowed_routes", {"allowed_routes": ["/v1/embeddings"]}),
    "a route of the key": Case(None, {"allowed_routes": [CHAT]}),
    "a tool of others": Case("tools", ONLY_SEARCH, TOOL),
    "a tool of its own": Case(None, {"metadata": {"allowed_tools": ["delete"]}}, TOOL),
    "a cache control": Case(
        "cache_controls", {"allowed_cache_controls": ["ttl"]}, {"cache": {"no-cache": True}}
    ),
    "an allowed cache control": Case(None, {"allowed_cache_controls": ["ttl"]}, {"cache": {"ttl": 1}}),
    "an unknown model": Case("model_exists", model="nobody-has-it"),
    "a spent budget": Case("budgets", {"max_budget": 0}),
    "a budget with room": Case(None, {"max_budget": 1, "soft_budget": 0}),
    "no requests": Case("rates", {"rpm_limit": 0}),
    "some requests": Case(None, {"rpm_limit": 5, "tpm_limit": 10_000}),
    "no slots": Case("rates", {"max_parallel_requests": 0}),
    "a budget and a rate": Case("budgets", {"max_budget": 0, "rpm_limit": 0}),
    "another budget of the model": Case(
        "budgets", {"model_max_budget": {"m": {"budget_limit": 0, "time_period": "1d"}}}
    ),
    "a budget of another model": Case(
        None, {"model_max_budget": {"n": {"budget_limit": 0, "time_period": "1d"}}}
    ),
    "an alias to what is not allowed": Case("model_access", {"models": ["other"], "aliases": {"m": "n"}}),
    "a trace id that is missing": Case("trace_id", sections=general(require_trace_id=True)),
    "a trace id": Case(None, headers={"x-litellm-trace-id": "t"}, sections=general(require_trace_id=True)),
}


def configure(live: LiveGateway, sections: Mapping[str, Any]) -> None:
    live.configure(deployment("m", live.upstream), deployment("n", live.upstream), **sections)


async def ask(desk: Desk, question: Mapping[str, object], key: str = MASTER_KEY) -> dict[str, Any]:
    return await desk.post("/auth/explain", question, key)


def counters(live: LiveGateway) -> object:
    accounts = live.gateway.parts.ledger.accounts
    return (
        {
            key: (money.settled, money.held)
            for key, money in accounts._money.items()
            if money.settled or money.held
        },
        {key: (one.count, one.began, one.ends_at) for key, one in accounts._windows.items() if one.ends_at},
        {key: one.used for key, one in accounts._slots.items() if one.used},
        live.gateway.parts.journal.position,
        len(live.upstream.requests),
    )


@pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())
async def test_it_says_what_the_request_is_answered(live: LiveGateway, desk: Desk, case: Case) -> None:
    configure(live, {})
    key = await live.make_key(**case.key)
    configure(live, case.sections)
    body = {"messages": [{"role": "user", "content": "hello"}], **case.body}
    question = {"key": key, "model": case.model, "body": body, "headers": case.headers}
    before = counters(live)
    told = await ask(desk, question)
    assert counters(live) == before
    answer = await live.post(CHAT, key, {"model": case.model, **body}, **case.headers)
    assert told["is_allowed"] == (answer.status_code == 200), (told["refusal"], answer.text)
    refusal = told["refusal"]
    if case.rule is None:
        assert refusal is None
        assert {one["verdict"] for one in told["rules"]} <= {"passes", "does_not_apply"}
        return
    error = answer.json()["error"]
    assert (refusal["rule"], refusal["status"]) == (case.rule, answer.status_code)
    assert (refusal["type"], refusal["param"]) == (error["type"], error["param"])
    assert refusal["help"]
    if case.rule != "rates":
        assert refusal["message"] == error["message"]


async def change(live: LiveGateway, sql: str, *args: object) -> None:
    """Change the database as the management API would: everybody hears of it."""
    database = live.gateway.parts.database
    await database.execute(sql, *args)
    await database.execute("SELECT pg_notify($1, '*')", CHANNEL)
    await heard(live)


KEY_COLUMNS = {
    "key_blocked": "blocked = TRUE",
    "key_expired": "expires = '2020-01-01'",
    "stored_settings": """model_max_budget = '{"m": "lots"}'""",
}


@pytest.mark.parametrize("rule", KEY_COLUMNS)
async def test_a_key_that_does_not_hold_is_told_of(live: LiveGateway, desk: Desk, rule: str) -> None:
    key = await live.make_key()
    sql = f'UPDATE "LiteLLM_VerificationToken" SET {KEY_COLUMNS[rule]} WHERE token = $1'
    await change(live, sql, hash_token(key))
    told = await ask(desk, {"key": key, "model": "m"})
    error = (await live.chat(key)).json()["error"]
    assert told["refusal"]["rule"] == rule
    assert (str(told["refusal"]["status"]), told["refusal"]["type"]) == (error["code"], error["type"])


async def test_everything_that_refuses_is_told(live: LiveGateway, desk: Desk) -> None:
    key = await live.make_key(models=["n"], max_budget=0, rpm_limit=0, allowed_routes=["/v1/embeddings"])
    told = await ask(desk, {"key": key, "model": "m"})
    refusing = [one["rule"] for one in told["rules"] if one["verdict"] == "refuses"]
    assert refusing == ["model_access", "allowed_routes", "budgets", "rates"]
    assert {(one["kind"], one["verdict"]) for one in told["limits"]} == {
        ("budget", "refuses"),
        ("requests", "refuses"),
    }


async def test_what_is_named_is_judged_as_the_request_would_be(
    live: LiveGateway, desk: Desk, key: str
) -> None:
    live.configure(
        deployment("m", live.upstream, region_name="eu-west-1"),
        deployment("far", live.upstream, region_name="us-east-1"),
    )
    blocked, bound, helped = (f"customer-{secrets.token_hex(4)}" for _ in range(3))
    for name, columns in (
        (blocked, (True, None, None)),
        (bound, (False, "eu", None)),
        (helped, (False, "eu", "m")),
    ):
        sql = """INSERT INTO "LiteLLM_EndUserTable" (user_id, blocked, allowed_model_region, default_model)
                 VALUES ($1, $2, $3, $4)"""
        await change(live, sql, name, *columns)
    for name, rule in ((blocked, "named_objects"), (bound, "region"), (helped, None)):
        told = await ask(desk, {"key": key, "model": "far", "user": name})
        answer = await live.chat(key, model="far", user=name)
        assert told["is_allowed"] == (answer.status_code == 200)
        if rule is not None:
            assert (told["refusal"]["rule"], told["refusal"]["type"]) == (
                rule,
                answer.json()["error"]["type"],
            )
    assert told["model"]["asked"] == "far"
    assert told["model"]["served_by"] == "m"


async def test_limits_are_told_with_what_is_left_of_them(live: LiveGateway, desk: Desk) -> None:
    key = await live.make_key(
        max_budget=1, budget_duration="1d", rpm_limit=3, key_alias=f"a-{secrets.token_hex(4)}"
    )
    await live.chat(key)
    await live.settled()
    spent = live.settled_nanos(key)
    assert spent > 0
    told = await ask(desk, {"key": key, "model": "m"})
    budget, rate = told["limits"]
    assert (budget["scope"], budget["scope_id"], budget["kind"]) == ("key", hash_token(key), "budget")
    assert (budget["limit"], budget["spend"], budget["held"]) == (1.0, spent / 1e9, 0.0)
    assert budget["remaining"] == pytest.approx(1 - spent / 1e9)
    assert budget["resets_at"].endswith("T00:00:00Z")
    assert (rate["kind"], rate["limit"], rate["used"], rate["remaining"]) == ("requests", 3, 1, 2)
    assert rate["resets_at"] is not None


async def test_what_requests_under_way_hold_is_told(live: LiveGateway, desk: Desk) -> None:
    key = await live.make_key(max_budget=1, max_parallel_requests=4)
    body = {"messages": [{"role": "user", "content": "Say hello"}]}
    told = await ask(desk, {"key": key, "model": "m", "body": body})
    assert told["limits"][0]["held"] == 0.0
    live.upstream.default = replies.held()
    stuck = asyncio.create_task(live.chat(key))
    await eventually(lambda: live.held_nanos(key) > 0)
    during = await ask(desk, {"key": key, "model": "m"})
    live.upstream.release.set()
    await stuck
    # The prompt is estimated by its bytes, in which the two requests differ by some spaces.
    assert during["limits"][0]["held"] == pytest.approx(told["estimate"]["cost"], abs=2 * INPUT_NANOS / 1e9)
    assert [one["used"] for one in during["limits"] if one["kind"] == "max_parallel_requests"] == [1]


async def test_aliases_and_cooling_deployments_are_told(live: LiveGateway, desk: Desk) -> None:
    key = await live.make_key(aliases={"fast": "m"})
    one = (await ask(desk, {"key": key, "model": "fast"}))["model"]
    assert (one["asked"], one["resolved"], one["served_by"]) == ("fast", "m", "fast")
    (found,) = one["deployments"]
    assert found["is_cooling_down"] is False
    live.upstream.script.append(replies.error(401))
    assert (await live.chat(key)).status_code == 401
    told = await ask(desk, {"key": key, "model": "m"})
    refused = (await live.chat(key)).json()["error"]
    assert told["model"]["deployments"][0]["is_cooling_down"] is True
    assert (told["refusal"]["rule"], told["refusal"]["type"]) == ("deployments", refused["type"])


async def test_the_model_that_takes_over_is_told(live: LiveGateway, desk: Desk) -> None:
    live.configure(deployment("m", live.upstream), deployment("n", live.upstream, "openai/other"))
    budget = {"m": {"budget_limit": 0, "time_period": "1d"}}
    fallbacks = {"m": ["absent", "n"]}
    key = await live.make_key(model_max_budget=budget, budget_fallbacks=fallbacks)
    told = await ask(desk, {"key": key, "model": "m"})
    assert (await live.chat(key)).json()["model"] == told["model"]["served_by"] == "n"
    assert told["is_allowed"] is True
    assert [(one["model"], one["refusal"] is None) for one in told["budget_fallbacks"]] == [
        ("absent", False),
        ("n", True),
    ]
    closed = await live.make_key(model_max_budget=budget, budget_fallbacks=fallbacks, models=["m"])
    told, answer = await ask(desk, {"key": closed, "model": "m"}), await live.chat(closed)
    assert (told["refusal"]["rule"], told["refusal"]["message"]) == (
        "budgets",
        answer.json()["error"]["message"],
    )


async def test_a_free_model_is_held_to_no_budget(live: LiveGateway, desk: Desk) -> None:
    live.configure(deployment("m", live.upstream, input_cost_per_token=0, output_cost_per_token=0))
    told = await ask(desk, {"key": await live.make_key(max_budget=0), "model": "m"})
    assert (told["is_allowed"], told["model"]["is_free"]) == (True, True)
    assert [one["verdict"] for one in told["limits"]] == ["does_not_apply"]


async def test_strict_budgets_are_judged_by_what_the_body_would_hold(live: LiveGateway, desk: Desk) -> None:
    configure(live, {"gatewright": {"budget_mode": "strict"}})
    key = await live.make_key(max_budget=0.001)
    for tokens, is_allowed in ((7, True), (100, False)):
        body = {"messages": [{"role": "user", "content": "Say hello"}], "max_tokens": tokens}
        told = await ask(desk, {"key": key, "model": "m", "body": body})
        assert told["is_allowed"] is is_allowed
        assert (told["estimate"]["cost"] > 0.001) is not is_allowed
        assert ((await live.chat(key, max_tokens=tokens)).status_code == 200) is is_allowed


async def test_the_address_is_judged_where_it_is_said(live: LiveGateway, desk: Desk, key: str) -> None:
    configure(live, general(allowed_ips=["127.0.0.1"]))
    verdicts = []
    for address in (None, "127.0.0.1", "10.0.0.1"):
        told = await ask(desk, {"key": key, "model": "m", "client_ip": address})
        verdicts.append((told["rules"][0]["rule"], told["rules"][0]["verdict"], told["is_allowed"]))
    assert verdicts == [
        ("client_address", "not_judged", True),
        ("client_address", "passes", True),
        ("client_address", "refuses", False),
    ]
    # Others would find out by asking which addresses are let in.
    for address in ("127.0.0.1", "10.0.0.1"):
        told = await ask(desk, {"model": "m", "client_ip": address}, key)
        assert told["rules"][0]["verdict"] == "not_judged"


async def test_other_routes_are_explained_too(live: LiveGateway, desk: Desk) -> None:
    key = await live.make_key(allowed_routes=["/v1/embeddings", "/engines/{}/completions"])
    for route, is_allowed in (
        ("/v1/embeddings", True),
        ("/engines/m/completions", True),
        ("/completions", False),
    ):
        told = await ask(desk, {"key": key, "model": "m", "route": route})
        assert (told["is_allowed"], told["model"]["asked"]) == (is_allowed, "m")
    refusal = await desk.refusal("/auth/explain", {"key": key, "model": "m", "route": "/key/info"})
    assert refusal == (400, "invalid_request_error", "route")


async def test_who_asks_about_whom(live: LiveGateway, desk: Desk) -> None:
    owner = f"user-{secrets.token_hex(4)}"
    alias = f"alias-{secrets.token_hex(4)}"
    one = await live.make_key(user_id=owner, key_alias=alias)
    sibling, other = await live.make_key(user_id=owner), await live.make_key()
    for named in (one, hash_token(one), alias):
        told = await ask(desk, {"key": named, "model": "m"})
        assert (told["key"]["token"], told["key"]["user_id"]) == (hash_token(one), owner)
        for asker in (one, sibling):
            told = await ask(desk, {"key": named, "model": "m"}, asker)
            assert told["key"] == {"key_name": f"sk-...{one[-4:]}", "key_alias": alias}
        for asker in (other,):
            question = {"key": named, "model": "m"}
            assert await desk.refusal("/auth/explain", question, asker) == (403, "auth_error", "key")
    # Nobody learns which keys there are.
    for named in ("sk-nobody-has-this-key", "no-such-alias"):
        question = {"key": named, "model": "m"}
        assert await desk.refusal("/auth/explain", question, other) == (403, "auth_error", "key")
        assert await desk.refusal("/auth/explain", question) == (404, "not_found_error", "key")
    assert (await ask(desk, {"model": "m"}, other))["key"]["key_name"] == f"sk-...{other[-4:]}"
    viewer = (await desk.make_user("proxy_admin_viewer"))[1]
    assert (await ask(desk, {"key": one, "model": "m"}, viewer))["key"]["token"] == hash_token(one)


async def test_an_owner_hears_nothing_of_models_that_are_not_open(live: LiveGateway, desk: Desk) -> None:
    live.configure(deployment("m", live.upstream), deployment(SECRET_MODEL, live.upstream))
    key = await live.make_key(models=["n", "hidden-entry"], max_budget=5)
    answers = [await ask(desk, {"model": model}, key) for model in (SECRET_MODEL, "there-is-no-such-model")]
    for told in answers:
        assert told["model"] == {"asked": told["model"]["asked"]}
        assert (told["limits"], told["estimate"]) == ([], None)
        assert "hidden-entry" not in str(told)
    first, second = ([(one["rule"], one["verdict"]) for one in told["rules"]] for told in answers)
    assert first == second
    told = await ask(desk, {"key": key, "model": SECRET_MODEL})
    assert told["model"]["deployments"] != []
    assert [one["limit"] for one in told["limits"]] == [5.0]


async def test_an_owner_sees_no_ids_and_no_numbers_of_others(live: LiveGateway, desk: Desk) -> None:
    team, customer, budget = (f"{word}-{secrets.token_hex(4)}" for word in ("team", "customer", "budget"))
    sql = 'INSERT INTO "LiteLLM_TeamTable" (team_id, team_alias, max_budget, spend) VALUES ($1, $2, 10, 1)'
    await change(live, sql, team, "The team")
    sql = """INSERT INTO "LiteLLM_BudgetTable" (budget_id, max_budget, created_by, updated_by)
             VALUES ($1, 7, 'x', 'x')"""
    await change(live, sql, budget)
    sql = """INSERT INTO "LiteLLM_EndUserTable" (user_id, blocked, budget_id, spend)
             VALUES ($1, FALSE, $2, $3)"""
    await change(live, sql, customer, budget, 2.5)
    key = await live.make_key(team_id=team)
    question = {"model": "m", "user": customer}
    seen = {one["scope"]: one for one in (await ask(desk, question, key))["limits"]}
    assert "scope_id" not in seen["team"]
    assert (seen["team"]["scope_name"], seen["team"]["limit"], seen["team"]["spend"]) == (
        "The team",
        10.0,
        1.0,
    )
    assert seen["end_user"]["verdict"] == "passes"
    assert not {"limit", "spend", "held", "remaining"} & seen["end_user"].keys()
    everything = {one["scope"]: one for one in (await ask(desk, {**question, "key": key}))["limits"]}
    assert (everything["team"]["scope_id"], everything["end_user"]["spend"]) == (team, 2.5)
    # What a refusal tells, an explanation tells too.
    await change(live, 'UPDATE "LiteLLM_EndUserTable" SET spend = 8 WHERE user_id = $1', customer)
    seen = {one["scope"]: one for one in (await ask(desk, question, key))["limits"]}
    assert (seen["end_user"]["spend"], seen["end_user"]["limit"]) == (8.0, 7.0)
    assert "Spend=8.0" in (await live.chat(key, user=customer)).json()["error"]["message"]


async def test_no_secret_is_told_to_anybody(live: LiveGateway, desk: Desk) -> None:
    key = await live.make_key(models=["n"])
    for asker in (MASTER_KEY, key):
        answer = await desk.ask("POST", "/auth/explain", asker, json={"key": key, "model": "m"})
        assert answer.status_code == 200
        for secret in (key, MASTER_KEY, UPSTREAM_KEY, live.upstream.base_url):
            assert secret not in answer.text


async def test_plugins_are_named_and_not_asked(live: LiveGateway, desk: Desk, key: str) -> None:
    section = {"plugins": {"settings": {"guardrails": {"secret_detection": {"action": "block"}}}}}
    live.configure(deployment("m", live.upstream), gatewright=section)
    told = await ask(desk, {"key": key, "model": "m"})
    assert [one["rule"] for one in told["rules"] if one["verdict"] == "not_judged"] == ["plugin:guardrails"]
    told = await ask(desk, {"model": "m"}, key)
    assert [one for one in told["rules"] if one["verdict"] == "not_judged"] == [
        {"rule": "plugin", "verdict": "not_judged"}
    ]


async def test_a_spent_budget_of_a_deployment_is_told(live: LiveGateway, desk: Desk, key: str) -> None:
    live.configure(deployment("m", live.upstream, max_budget=0, budget_duration="1d"))
    told = await ask(desk, {"key": key, "model": "m"})
    (one,) = told["model"]["deployments"]
    assert (one["is_over_budget"], one["budgets"][0]["scope"], one["budgets"][0]["limit"]) == (
        True,
        "deployment",
        0.0,
    )
    refused = (await live.chat(key)).json()["error"]
    assert (told["refusal"]["rule"], told["refusal"]["type"]) == ("deployments", refused["type"])
    (seen,) = (await ask(desk, {"model": "m"}, key))["model"]["deployments"]
    assert seen == {"id": one["id"], "is_cooling_down": False, "is_over_budget": True}


async def test_whose_a_stored_response_is_and_where_is_told(live: LiveGateway, desk: Desk) -> None:
    live.configure(deployment("m", live.upstream), deployment("n", live.upstream, "openai/other"))
    key, other = await live.make_key(), await live.make_key()
    first = await live.post("/v1/responses", key, {"model": "m", "input": "Hello"})
    body = {"input": "And?", "previous_response_id": first.json()["id"]}
    asked = {"route": "/v1/responses", "body": body}
    assert (await ask(desk, {**asked, "key": key, "model": "m"}))["is_allowed"] is True
    for who, model, rule in ((key, "n", "previous_response"), (other, "m", "body")):
        refusal = (await ask(desk, {**asked, "key": who, "model": model}))["refusal"]
        answer = await live.post("/v1/responses", who, {**body, "model": model})
        assert (refusal["rule"], refusal["message"]) == (rule, answer.json()["error"]["message"])
