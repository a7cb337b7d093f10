"""The rules around the checks of a caller, each once refused and once allowed, as a client sees it.

The checks themselves are in `tests/unit/access/test_refusals.py`, budgets and rates in
`tests/unit/admission/test_refusal_table.py`.
"""

from dataclasses import dataclass, field
from typing import Any

import pytest

from tests.integration.serving import LiveGateway, chat_body, deployment

pytestmark = pytest.mark.asyncio(loop_scope="session")


@dataclass
class Ask:
    """A request under a configuration; `key` in a header stands for a good key."""

    headers: dict[str, str] = field(default_factory=lambda: {"authorization": "Bearer key"})
    body: dict[str, Any] = field(default_factory=dict)
    settings: dict[str, dict[str, Any]] = field(default_factory=dict)
    model: dict[str, Any] = field(default_factory=dict)


@dataclass
class Case:
    refused: Ask
    allowed: Ask
    status: int
    type: str
    param: str | None
    message: str


def general(**settings: Any) -> dict[str, dict[str, Any]]:
    return {"general_settings": settings}


IN_EUROPE = "a-customer-in-europe"
PRICED_ONLY = {"litellm_settings": {"block_requests_for_models_without_pricing": True}}
UNPRICED = {"input_cost_per_token": None, "output_cost_per_token": None, "model": "openai/nobody-knows-this"}
CASES = {
    "an address": Case(
        Ask(settings=general(allowed_ips=["10.0.0.0/8"])),
        Ask(settings=general(allowed_ips=["127.0.0.1"])),
        403,
        "auth_error",
        "allowed_ips",
        "Access forbidden: IP address 127.0.0.1 not allowed.",
    ),
    "a route that is not served": Case(
        Ask(settings=general(allowed_routes=["/v1/models"])),
        Ask(settings=general(allowed_routes=["/v1/chat/*"])),
        403,
        "auth_error",
        "allowed_routes",
        "Route /v1/chat/completions not allowed. The gateway's administrator serves others only.",
    ),
    "a group of routes that is disabled": Case(
        Ask(settings=general(disable_llm_api_endpoints=True)),
        Ask(settings=general(disable_admin_endpoints=True)),
        403,
        "auth_error",
        "route",
        "Route /v1/chat/completions is disabled on this gateway.",
    ),
    "no key": Case(
        Ask(headers={}), Ask(), 401, "auth_error", None, "Authentication Error, No api key passed in."
    ),
    "an empty key": Case(
        Ask(headers={"authorization": "Bearer"}),
        Ask(),
        401,
        "auth_error",
        None,
        "Authentication Error, Malformed API Key passed in. Ensure Key has `Bearer ` prefix.",
    ),
    "no virtual key": Case(
        Ask(headers={"authorization": "Bearer hello"}),
        Ask(headers={"x-api-key": "key"}),
        401,
        "auth_error",
        None,
        "Authentication Error, LiteLLM Virtual Key expected.",
    ),
    "a key that nobody issued": Case(
        Ask(headers={"authorization": "Bearer sk-nobody-issued-this"}),
        Ask(),
        401,
        "token_not_found_in_db",
        "key",
        "Authentication Error, Invalid proxy server token passed.",
    ),
    "a model that is not there": Case(
        Ask(body={"model": "absent"}),
        Ask(),
        400,
        "invalid_request_error",
        "model",
        "/chat/completions: Invalid model name passed in model=absent. "
        "Call `/v1/models` to view available models for your key.",
    ),
    "a model that is nowhere in the region": Case(
        Ask(body={"user": IN_EUROPE}, model={"region_name": "us-east-1"}),
        Ask(body={"user": IN_EUROPE}, model={"region_name": "eu-west-1"}),
        403,
        "customer_model_access_denied",
        "model",
        "The requested model 'm' has no deployment in the region 'eu', and this end user "
        "may be served there only.",
    ),
    "a model without a price": Case(
        Ask(settings=PRICED_ONLY, model=UNPRICED),
        Ask(settings=PRICED_ONLY),
        403,
        "model_cost_map_missing",
        "model",
        "The model 'm' has no known price, and only models with one are served here. "
        "Its administrator can set input_cost_per_token and output_cost_per_token.",
    ),
    "a wrong content type": Case(
        Ask(headers={"authorization": "Bearer key", "content-type": "text/plain"}),
        Ask(headers={"authorization": "Bearer key", "content-type": "application/json; charset=utf-8"}),
        415,
        "invalid_request_error",
        "content-type",
        "This route reads JSON, and the content-type is 'text/plain'; send 'content-type: application/json'.",
    ),
}


async def send(live: LiveGateway, ask: Ask, key: str) -> Any:
    if ask.body.get("user") == IN_EUROPE:
        await live.gateway.parts.database.execute(
            """INSERT INTO "LiteLLM_EndUserTable" (user_id, allowed_model_region, blocked)
            VALUES ($1, 'eu', FALSE) ON CONFLICT DO NOTHING""",
            IN_EUROPE,
        )
    live.configure(deployment("m", live.upstream, **ask.model), **ask.settings)
    headers = {name: value.replace("key", key) for name, value in ask.headers.items()}
    return await live.http.post("/v1/chat/completions", json=chat_body("m") | ask.body, headers=headers)


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
async def test_it_is_refused_in_the_words_of_the_contract(live: LiveGateway, key: str, case: Case) -> None:
    answer = await send(live, case.refused, key)
    assert answer.status_code == case.status, answer.text
    assert set(answer.json()) == {"error"}
    error = answer.json()["error"]
    assert (error["type"], error["param"], error["code"]) == (case.type, case.param, str(case.status))
    assert error["message"].startswith(case.message)
    assert live.upstream.requests == []


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
async def test_it_is_allowed_where_nothing_speaks_against_it(live: LiveGateway, key: str, case: Case) -> None:
    answer = await send(live, case.allowed, key)
    assert answer.status_code == 200, answer.text
    assert len(live.upstream.requests) == 1
