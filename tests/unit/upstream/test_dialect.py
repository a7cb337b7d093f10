import json

import msgspec
import pytest

from gateway.domain import Deployment, Endpoint, Secret
from gateway.errors import BadRequest
from gateway.hooks import RequestBody
from gateway.upstream.dialect import (
    CallBounds,
    asks_for_stream_usage,
    build_stored_request,
    build_upstream_request,
    is_mock,
)
from gateway.upstream.gateway_members import GATEWAY_MEMBERS

BOUNDS = CallBounds(max_response_bytes=1000, stream_seconds=3600.0)
DEPLOYMENT = Deployment(
    id="d1",
    group="mine",
    provider="openai",
    model="gpt-4o",
    urls={Endpoint.CHAT: "https://example.test/v1/chat/completions"},
    headers={"authorization": Secret("Bearer upstream-key")},
    timeout_seconds=20.0,
    stream_timeout_seconds=7.0,
)


def change(**members: object) -> Deployment:
    return msgspec.structs.replace(DEPLOYMENT, **members)


def build(body: bytes, deployment: Deployment = DEPLOYMENT, **options):
    options = {"is_stream": False, "bounds": BOUNDS} | options
    return build_upstream_request(deployment, Endpoint.CHAT, RequestBody.parse(body), **options)


def test_the_model_becomes_the_providers_name_and_the_rest_stays_byte_for_byte():
    request = build(
        b'{"model":"mine","messages":[ {"role":"user", "content":"\\u00e9"} ],"unknown":{"a" : 1.50}}'
    )

    assert request.body == (
        b'{"model":"gpt-4o","messages":[ {"role":"user", "content":"\\u00e9"} ],"unknown":{"a" : 1.50}}'
    )
    assert request.url == "https://example.test/v1/chat/completions"


def test_of_a_repeated_member_the_upstream_sees_only_the_one_that_was_checked():
    request = build(b'{"model":"mine","max_tokens":1,"max_tokens":999999}')

    assert request.body == b'{"model":"gpt-4o","max_tokens":999999}'


@pytest.mark.parametrize(
    "name", [*sorted(GATEWAY_MEMBERS), "litellm_metadata", "mock_response", "user_api_key_x", "_x"]
)
def test_what_speaks_to_the_gateway_does_not_leave_it(name):
    body = msgspec.json.encode({"model": "mine", name: {"any": "thing"}, "temperature": 1})

    assert json.loads(build(body).body) == {"model": "gpt-4o", "temperature": 1}


def test_defaults_fill_what_the_caller_left_out_and_drops_win_over_both():
    deployment = change(
        defaults={
            "temperature": msgspec.Raw(b"0.1"),
            "top_p": msgspec.Raw(b"0.2"),
            "metadata": msgspec.Raw(b"{}"),
        },
        dropped_params=frozenset({"seed", "absent"}),
    )

    request = build(b'{"model":"mine","temperature":1,"seed":2,"metadata":{"mine":1}}', deployment)

    assert json.loads(request.body) == {"model": "gpt-4o", "temperature": 1, "top_p": 0.2, "metadata": {}}


@pytest.mark.parametrize(
    ("given", "sent"),
    [
        (b"", {"include_usage": True}),
        (b',"stream_options":null', {"include_usage": True}),
        (b',"stream_options":{"include_usage":false,"x":1}', {"include_usage": True, "x": 1}),
        (b',"stream_options":7', 7),
    ],
)
def test_a_stream_is_asked_for_its_usage(given, sent):
    request = build(b'{"model":"mine"' + given + b"}", is_stream=True)

    assert json.loads(request.body)["stream_options"] == sent


@pytest.mark.parametrize(
    ("deployment", "options"),
    [
        (DEPLOYMENT, {"is_stream": False}),
        (change(does_stream_usage=False), {"is_stream": True}),
    ],
)
def test_usage_is_not_asked_for_where_it_has_no_place(deployment, options):
    assert b"stream_options" not in build(b'{"model":"mine"}', deployment, **options).body


@pytest.mark.parametrize(
    ("body", "asks"),
    [
        (b"{}", False),
        (b'{"stream_options":{"include_usage":true}}', True),
        (b'{"stream_options":{"include_usage":false}}', False),
        (b'{"stream_options":{"include_usage":"true"}}', False),
        (b'{"stream_options":[]}', False),
        (b'{"stream_options":null}', False),
    ],
)
def test_whether_the_caller_asked_for_usage(body, asks):
    assert asks_for_stream_usage(RequestBody.parse(body)) is asks


def test_headers_are_the_deployments():
    headers = build(b'{"model":"mine"}').headers

    assert dict(headers) == {
        "content-type": "application/json",
        "accept-encoding": "identity",
        "authorization": "Bearer upstream-key",
    }
    assert len(headers) == 3


def test_times_come_from_the_caller_then_from_the_deployment():
    asked = CallBounds(1000, 3600.0, timeout_seconds=3.0, silence_seconds=2.0)

    assert build(b'{"model":"mine"}').timeout_seconds == 20.0
    assert build(b'{"model":"mine"}', bounds=asked).timeout_seconds == 3.0
    assert build(b'{"model":"mine"}', is_stream=True).timeout_seconds == 3600.0
    assert build(b'{"model":"mine"}', is_stream=True).read_timeout_seconds == 7.0
    assert build(b'{"model":"mine"}', is_stream=True, bounds=asked).read_timeout_seconds == 2.0


def test_an_endpoint_that_the_deployment_lacks_is_the_callers_error():
    with pytest.raises(BadRequest, match="does not serve embeddings"):
        build_upstream_request(
            DEPLOYMENT,
            Endpoint.EMBEDDINGS,
            RequestBody.parse(b'{"model":"mine"}'),
            is_stream=False,
            bounds=BOUNDS,
        )


def test_a_deployment_with_a_mock_response_is_answered_by_the_gateway():
    deployment = change(mock_response="hi")

    request = build(b'{"model":"mine","mock_response":"the caller\'s"}', deployment)

    assert is_mock(deployment)
    assert request.url == "mock:chat/completions"
    assert json.loads(request.body)["mock_response"] == "hi"


def test_a_stored_response_is_asked_for_below_the_address_of_responses():
    azure = change(urls={Endpoint.RESPONSES: "https://up.example/openai/v1/responses?api-version=preview"})

    request = build_stored_request(azure, "GET", "resp_1/input_items", {"limit": "5"}, BOUNDS)

    assert request.url == (
        "https://up.example/openai/v1/responses/resp_1/input_items?api-version=preview&limit=5"
    )
    assert (request.method, request.body) == ("GET", b"")
    assert "content-type" not in dict(request.headers)
    with pytest.raises(BadRequest, match="does not serve responses"):
        build_stored_request(change(urls={}), "DELETE", "resp_1", {}, BOUNDS)
