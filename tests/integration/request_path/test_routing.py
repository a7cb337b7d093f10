"""Several deployments, retries, fallbacks, cooldowns and timeouts, as a client sees them."""

import pytest

from tests.integration.serving import LiveGateway, chat_body, deployment
from tests.upstreams import SeenRequest, Upstream, Wire, replies

pytestmark = pytest.mark.asyncio(loop_scope="session")

BUSY = replies.error(503, "Overloaded.")
TOO_LONG = replies.error(400, "Too long.", code="context_length_exceeded")


def models_seen(live: LiveGateway) -> list[str]:
    return [request.json["model"] for request in live.upstream.requests]


def failing(*models: str, reply=BUSY):
    """An upstream on which these models fail and others answer."""

    async def answer(wire: Wire, request: SeenRequest) -> None:
        await (reply if request.json["model"] in models else replies.ok())(wire, request)

    return answer


async def test_another_deployment_takes_over_at_once(live: LiveGateway, key: str) -> None:
    live.configure(
        deployment("m", live.upstream, "openai/a", order=1),
        deployment("m", live.upstream, "openai/b", order=2),
    )
    live.upstream.default = failing("a")
    answer = await live.chat(key, num_retries=0)
    assert answer.status_code == 200
    assert models_seen(live) == ["a", "b"]
    assert answer.json()["model"] == "m"


async def test_both_deployments_of_a_name_are_used(live: LiveGateway, key: str) -> None:
    live.configure(deployment("m", live.upstream, "openai/a"), deployment("m", live.upstream, "openai/b"))
    for _ in range(40):
        assert (await live.chat(key)).status_code == 200
    assert set(models_seen(live)) == {"a", "b"}


async def test_a_failed_call_is_retried_and_the_header_counts(live: LiveGateway, key: str) -> None:
    live.configure(deployment("m", live.upstream, "openai/a"), deployment("m", live.upstream, "openai/a"))
    live.upstream.script += [BUSY]
    answer = await live.chat(key)
    assert answer.status_code == 200
    assert answer.headers["x-litellm-attempted-retries"] == "1"
    assert (await live.row(key)).details["attempted_retries"] == 1


async def test_the_row_of_a_failure_names_the_last_deployment_that_failed(
    live: LiveGateway, key: str
) -> None:
    live.configure(
        deployment("m", live.upstream, "openai/a", order=1),
        deployment("m", live.upstream, "groq/b", order=2, info_id="the-second"),
    )
    live.upstream.default = failing("a", "b")
    assert (await live.chat(key)).status_code == 503
    row = await live.row(key)
    assert (row.model_id, row.model, row.custom_llm_provider) == ("the-second", "b", "groq")
    assert row.details["error_information"]["llm_provider"] == "groq"
    assert row.nanos == 0


async def test_the_callers_number_of_retries_counts(live: LiveGateway, key: str) -> None:
    live.upstream.default = BUSY
    answer = await live.post("/v1/chat/completions", key, chat_body(), x_litellm_num_retries="0")
    assert answer.status_code == 503
    assert len(live.upstream.requests) == 1


@pytest.mark.parametrize(
    ("settings", "reply"),
    [
        ({"fallbacks": [{"m": ["spare"]}]}, BUSY),
        ({"default_fallbacks": ["spare"]}, BUSY),
        ({"context_window_fallbacks": [{"m": ["spare"]}]}, TOO_LONG),
        ({"content_policy_fallbacks": [{"m": ["spare"]}]}, replies.error(400, "No.", code="content_filter")),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
async def test_a_fallback_answers_and_says_so(live: LiveGateway, key: str, settings, reply) -> None:
    live.configure(
        deployment("m", live.upstream, "openai/a"),
        deployment("spare", live.upstream, "openai/b", info_id="spare-id"),
        router_settings={**settings, "num_retries": 0},
    )
    live.upstream.default = failing("a", reply=reply)
    answer = await live.chat(key)
    assert answer.status_code == 200, answer.text
    assert models_seen(live) == ["a", "b"]
    assert answer.json()["model"] == "spare"
    assert answer.headers["x-litellm-attempted-fallbacks"] == "1"
    assert answer.headers["x-litellm-model-group"] == "spare"
    assert answer.headers["x-litellm-model-id"] == "spare-id"
    row = await live.row(key)
    assert (row.model_group, row.details["attempted_fallbacks"]) == ("spare", 1)


async def test_a_stream_falls_back_before_its_first_byte(live: LiveGateway, key: str) -> None:
    live.configure(
        deployment("m", live.upstream, "openai/a"),
        deployment("spare", live.upstream, "openai/b"),
        router_settings={"fallbacks": [{"m": ["spare"]}], "num_retries": 0},
    )
    live.upstream.default = failing("a")
    answer = await live.chat(key, stream=True)
    assert '"model":"spare"' in answer.text
    assert answer.text.endswith("data: [DONE]\n\n")


async def test_the_clients_own_fallbacks_are_tried(live: LiveGateway, key: str) -> None:
    live.configure(deployment("m", live.upstream, "openai/a"), deployment("spare", live.upstream, "openai/b"))
    live.upstream.default = failing("a")
    answer = await live.chat(key, fallbacks=["spare"], num_retries=0)
    assert answer.status_code == 200
    assert "fallbacks" not in live.upstream.requests[1].json


async def test_the_clients_fallbacks_open_no_model_that_the_key_may_not_use(live: LiveGateway) -> None:
    live.configure(deployment("m", live.upstream, "openai/a"), deployment("dear", live.upstream, "openai/b"))
    live.upstream.default = failing("a")
    answer = await live.chat(await live.make_key(models=["m"]), fallbacks=["dear"], num_retries=0)
    assert answer.status_code == 503
    assert models_seen(live) == ["a"]


async def test_an_alias_among_the_clients_fallbacks_opens_nothing_either(live: LiveGateway) -> None:
    live.configure(deployment("m", live.upstream, "openai/a"), deployment("dear", live.upstream, "openai/b"))
    live.upstream.default = failing("a")
    key = await live.make_key(models=["m"], aliases={"nick": "dear"})
    assert (await live.chat(key, fallbacks=["nick"], num_retries=0)).status_code == 503
    assert models_seen(live) == ["a"]


async def test_an_alias_among_the_clients_fallbacks_is_followed(live: LiveGateway) -> None:
    live.configure(deployment("m", live.upstream, "openai/a"), deployment("spare", live.upstream, "openai/b"))
    live.upstream.default = failing("a")
    key = await live.make_key(models=["m", "nick"], aliases={"nick": "spare"})
    assert (await live.chat(key, fallbacks=["nick"], num_retries=0)).status_code == 200
    assert models_seen(live) == ["a", "b"]


@pytest.mark.parametrize("is_enforced", [False, True])
async def test_configured_fallbacks_open_no_model_where_the_operator_says_so(
    live: LiveGateway,
    is_enforced: bool,  # noqa: FBT001  pytest passes it by name
) -> None:
    live.configure(
        *(deployment(name, live.upstream, f"openai/{name}") for name in ("m", "dear", "open")),
        router_settings={"fallbacks": [{"m": ["dear", "open"]}], "num_retries": 0},
        general_settings={"enforce_fallback_model_access": is_enforced},
    )
    live.upstream.default = failing("m")
    answer = await live.chat(await live.make_key(models=["m", "open"]))
    assert answer.status_code == 200, answer.text
    assert models_seen(live) == ["m", "open" if is_enforced else "dear"]


async def test_where_no_configured_fallback_is_open_the_models_own_error_is_told(live: LiveGateway) -> None:
    live.configure(
        deployment("m", live.upstream, "openai/m"),
        deployment("dear", live.upstream, "openai/dear"),
        router_settings={"fallbacks": [{"m": ["dear"]}], "num_retries": 0},
        litellm_settings={"enforce_fallback_model_access": True},
    )
    live.upstream.default = failing("m")
    assert (await live.chat(await live.make_key(models=["m"]))).status_code == 503
    assert models_seen(live) == ["m"]


LIMITS_OF_THE_DEAR_MODEL = {
    "budget": {"model_max_budget": {"dear": {"budget_limit": 0, "time_period": "1d"}}},
    "budget of a pattern": {"model_max_budget": {"de*": {"budget_limit": 100}}},
    "rate": {"model_rpm_limit": {"dear": 5}},
}


@pytest.mark.parametrize("limits", LIMITS_OF_THE_DEAR_MODEL.values(), ids=LIMITS_OF_THE_DEAR_MODEL)
async def test_the_clients_fallbacks_evade_no_limit_on_a_model(
    live: LiveGateway, limits: dict[str, object]
) -> None:
    """What a request costs counts for the limits of the model that it asks for."""
    live.configure(deployment("m", live.upstream, "openai/a"), deployment("dear", live.upstream, "openai/b"))
    live.upstream.default = failing("a")
    key = await live.make_key(**limits)
    assert (await live.chat(key, fallbacks=["dear"], num_retries=0)).status_code == 503
    assert models_seen(live) == ["a"]


async def test_a_limit_on_both_models_leaves_the_clients_fallback(live: LiveGateway) -> None:
    live.configure(deployment("m-a", live.upstream, "openai/a"), deployment("m-b", live.upstream, "openai/b"))
    live.upstream.default = failing("a")
    key = await live.make_key(model_max_budget={"m-*": {"budget_limit": 100}})
    assert (await live.chat(key, "m-a", fallbacks=["m-b"], num_retries=0)).status_code == 200


async def test_fallbacks_can_be_switched_off_by_the_client(live: LiveGateway, key: str) -> None:
    live.configure(
        deployment("m", live.upstream, "openai/a"),
        deployment("spare", live.upstream, "openai/b"),
        router_settings={"fallbacks": [{"m": ["spare"]}], "num_retries": 0},
    )
    live.upstream.default = failing("a")
    assert (await live.chat(key, disable_fallbacks=True)).status_code == 503
    assert models_seen(live) == ["a"]


async def test_a_deployment_that_is_limited_is_left_alone_for_a_while(live: LiveGateway, key: str) -> None:
    live.configure(
        deployment("m", live.upstream, "openai/a", order=1),
        deployment("m", live.upstream, "openai/b", order=2),
    )
    live.upstream.default = failing("a", reply=replies.error(429, "Slow down.", {"retry-after": "60"}))
    assert (await live.chat(key)).status_code == 200
    assert (await live.chat(key)).status_code == 200
    assert models_seen(live) == ["a", "b", "b"]


async def test_when_everything_cools_down_the_client_is_told_to_wait(live: LiveGateway, key: str) -> None:
    live.configure(deployment("m", live.upstream), router_settings={"allowed_fails": 0, "num_retries": 0})
    live.upstream.default = BUSY
    assert (await live.chat(key)).status_code == 503
    answer = await live.chat(key)
    assert (answer.status_code, answer.json()["error"]["type"]) == (429, "no_deployment_available")
    assert len(live.upstream.requests) == 1


@pytest.mark.parametrize("where", ["deployment", "router", "header", "member"])
async def test_a_slow_upstream_times_out(live: LiveGateway, key: str, where: str) -> None:
    params = {"timeout": 0.2} if where == "deployment" else {}
    router = {"timeout": 0.2} if where == "router" else {}
    live.configure(deployment("m", live.upstream, **params), router_settings={"num_retries": 0, **router})
    live.upstream.default = replies.never()
    headers = {"x_litellm_timeout": "0.2"} if where == "header" else {}
    members = {"timeout": 0.2} if where == "member" else {}
    answer = await live.post("/v1/chat/completions", key, chat_body(**members), **headers)
    assert (answer.status_code, answer.json()["error"]["type"]) == (408, "timeout_error")
    assert (await live.row(key)).status == "failure"


async def test_a_wildcard_serves_any_name_below_it(live: LiveGateway, key: str) -> None:
    live.configure(deployment("openai/*", live.upstream, "openai/*"))
    answer = await live.chat(key, "openai/gpt-new")
    assert answer.status_code == 200
    assert models_seen(live) == ["gpt-new"]
    assert answer.json()["model"] == "openai/gpt-new"


async def test_an_alias_of_the_router_is_followed(live: LiveGateway, key: str) -> None:
    live.configure(deployment("m", live.upstream), router_settings={"model_group_alias": {"nick": "m"}})
    answer = await live.chat(key, "nick")
    assert (answer.status_code, answer.json()["model"]) == (200, "nick")


async def test_an_alias_of_the_key_is_followed(live: LiveGateway) -> None:
    answer = await live.chat(await live.make_key(aliases={"nick": "m"}), "nick")
    assert (answer.status_code, answer.json()["model"]) == (200, "nick")


async def test_a_dearer_fallback_is_not_tried_where_the_budget_has_no_room(live: LiveGateway) -> None:
    dear = deployment("dear", live.upstream, "openai/b", input_cost_per_token=1, output_cost_per_token=1)
    live.configure(
        deployment("m", live.upstream, "openai/a"),
        dear,
        router_settings={"fallbacks": [{"m": ["dear"]}], "num_retries": 0},
    )
    live.upstream.default = failing("a")
    poor = await live.make_key(max_budget=0.05)
    assert (await live.chat(poor)).status_code == 503
    assert models_seen(live) == ["a"]
    assert live.held_nanos(poor) == 0


async def test_the_second_upstream_is_used_when_the_first_is_down(live: LiveGateway, key: str) -> None:
    async with Upstream() as other:
        live.configure(deployment("m", "http://127.0.0.1:9/v1", order=1), deployment("m", other, order=2))
        answer = await live.chat(key)
        assert answer.status_code == 200
        assert len(other.requests) == 1
