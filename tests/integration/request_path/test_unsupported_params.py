"""Parameters that a provider does not take: refused without a call upstream, or left out."""

import json

import pytest

from tests.integration.serving import LiveGateway, deployment

pytestmark = pytest.mark.asyncio(loop_scope="session")


@pytest.mark.parametrize("is_stream", [False, True], ids=["whole", "stream"])
async def test_a_refused_parameter_costs_nothing_and_is_recorded(
    live: LiveGateway,
    key: str,
    is_stream: bool,  # noqa: FBT001  pytest passes it by name
) -> None:
    live.configure(deployment("m", live.upstream, "groq/llama"))
    answer = await live.chat(key, logit_bias={"1": 1}, stream=is_stream)
    error = answer.json()["error"]
    assert (answer.status_code, error["type"], error["param"]) == (400, "invalid_request_error", "logit_bias")
    assert error["message"].startswith("litellm.UnsupportedParamsError: ")
    assert live.upstream.requests == []
    row = await live.row(key)
    assert (row.status, row.nanos) == ("failure", 0)
    assert live.held_nanos(key) == 0


@pytest.mark.parametrize(
    ("settings", "params", "request_members"),
    [
        ({"drop_params": True}, {}, {}),
        ({}, {"drop_params": True}, {}),
        ({}, {}, {"drop_params": True}),
    ],
    ids=["everywhere", "deployment", "request"],
)
async def test_it_is_left_out_where_somebody_says_so(
    live: LiveGateway,
    key: str,
    settings: dict[str, object],
    params: dict[str, object],
    request_members: dict[str, object],
) -> None:
    model = deployment("m", live.upstream, "groq/llama", **params)
    live.configure(model, litellm_settings=settings)
    answer = await live.chat(key, logit_bias={"1": 1}, top_p=0.5, **request_members)
    assert answer.status_code == 200
    (request,) = live.upstream.requests
    sent = json.loads(request.body)
    assert sent["top_p"] == 0.5
    assert not {"logit_bias", "drop_params"} & sent.keys()
