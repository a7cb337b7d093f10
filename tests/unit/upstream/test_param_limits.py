import json

import msgspec
import pytest

from gateway.domain import Deployment, Endpoint
from gateway.errors import UnsupportedParams
from gateway.hooks import RequestBody
from gateway.upstream.dialect import CallBounds, build_upstream_request

BOUNDS = CallBounds(max_response_bytes=1000, stream_seconds=3600.0)
DEPLOYMENT = Deployment(
    id="d1",
    group="mine",
    provider="groq",
    model="llama",
    urls={Endpoint.CHAT: "https://example.test/v1/chat/completions"},
    refused_params=frozenset({"logit_bias", "temperature", "n", "seed"}),
    dropped_params=frozenset({"user"}),
)


def send(deployment: Deployment = DEPLOYMENT, **members: object) -> dict[str, object]:
    body = RequestBody.parse(json.dumps({"model": "mine", **members}).encode())
    request = build_upstream_request(deployment, Endpoint.CHAT, body, is_stream=False, bounds=BOUNDS)
    sent = json.loads(request.body)
    del sent["model"]
    return sent


def test_what_a_deployment_does_not_take_is_refused_by_name():
    with pytest.raises(UnsupportedParams) as caught:
        send(logit_bias={}, seed=1, top_p=1)
    error = caught.value
    assert (error.status, error.type, error.param) == (400, "invalid_request_error", "logit_bias")
    assert error.message.startswith(
        "litellm.UnsupportedParamsError: groq does not take logit_bias, seed for model=mine."
    )
    assert "llama" not in error.message


def test_an_operators_default_that_is_not_taken_is_refused_too():
    deployment = msgspec.structs.replace(DEPLOYMENT, defaults={"seed": msgspec.Raw(b"1")})
    with pytest.raises(UnsupportedParams):
        send(deployment)


@pytest.mark.parametrize("members", [{"seed": None}, {"temperature": 1}, {"temperature": 1.0}, {"n": 1}])
def test_what_says_nothing_is_left_out_without_a_word(members):
    assert send(top_p=0.5, **members) == {"top_p": 0.5}


@pytest.mark.parametrize("members", [{"temperature": 0.99}, {"n": 2}, {"seed": 1}, {"temperature": True}])
def test_any_other_value_is_refused(members):
    with pytest.raises(UnsupportedParams):
        send(**members)


def test_a_request_has_its_parameters_dropped_when_it_says_so():
    assert send(logit_bias={}, temperature=0.1, top_p=0.5, drop_params=True) == {"top_p": 0.5}


@pytest.mark.parametrize("value", [False, None, "true", 1])
def test_nothing_but_true_drops(value):
    with pytest.raises(UnsupportedParams):
        send(logit_bias={}, drop_params=value)


def test_a_request_sends_what_it_allows_and_the_operators_drops_stay():
    allowed = ["logit_bias", "user", 7]
    assert send(logit_bias={"1": 2}, user="u", allowed_openai_params=allowed) == {"logit_bias": {"1": 2}}
    with pytest.raises(UnsupportedParams):
        send(logit_bias={"1": 2}, seed=1, allowed_openai_params=allowed)


def test_a_request_names_more_to_drop_but_not_what_its_cost_hangs_on():
    unwanted = ["top_p", "max_tokens", "messages", "absent"]
    sent = send(top_p=0.5, max_tokens=5, messages=[], additional_drop_params=unwanted)
    assert sent == {"max_tokens": 5, "messages": []}
    assert send(top_p=0.5, additional_drop_params="top_p") == {"top_p": 0.5}


def test_a_request_cannot_drop_an_operators_default():
    deployment = msgspec.structs.replace(DEPLOYMENT, defaults={"top_p": msgspec.Raw(b"0.1")})
    assert send(deployment, top_p=0.5, additional_drop_params=["top_p"]) == {"top_p": 0.1}
