import base64
import json
import struct

import pytest

from gateway import errors
from gateway.domain import Deployment, Endpoint, OnDisconnect
from gateway.hooks import RequestBody
from gateway.upstream.clients import UpstreamClients
from gateway.upstream.dialect import CallBounds, build_upstream_request
from gateway.upstream.http1.client import Http1Client
from gateway.upstream.mock import MockClient
from gateway.upstream.pyreqwest_client import PyreqwestClient

BOUNDS = CallBounds(1_000_000, 60.0)


def build(
    body: dict[str, object],
    endpoint: Endpoint = Endpoint.CHAT,
    *,
    mock_response: str | None = None,
    is_stream=False,
):
    deployment = Deployment(
        id="d", group="g", provider="mock", model="m", urls={}, mock_response=mock_response
    )
    parsed = RequestBody.parse(json.dumps({"model": "g", **body}).encode())
    return build_upstream_request(deployment, endpoint, parsed, is_stream=is_stream, bounds=BOUNDS)


async def send(*args, **options):
    return json.loads((await MockClient().send(build(*args, **options))).body)


async def test_a_chat_completion_has_the_contracts_default_usage():
    answer = await send({"messages": []}, mock_response="Hello")

    assert answer["object"] == "chat.completion"
    assert answer["choices"][0]["message"] == {"role": "assistant", "content": "Hello", "refusal": None}
    assert answer["usage"] == {"prompt_tokens": 10, "completion_tokens": 20, "total_tokens": 30}


async def test_equal_requests_get_equal_answers():
    assert await send({"messages": []}) == await send({"messages": []})
    assert (await send({"messages": []}))["id"] != (await send({"messages": [1]}))["id"]


async def test_a_completion_has_text():
    answer = await send({"prompt": "x"}, Endpoint.COMPLETIONS, mock_response="Hello")

    assert (answer["object"], answer["choices"][0]["text"]) == ("text_completion", "Hello")


@pytest.mark.parametrize("asks", [True, False])
async def test_a_stream_adds_up_to_the_text(asks):
    options = {"stream_options": {"include_usage": True}} if asks else {}
    deployment = Deployment(
        id="d",
        group="g",
        provider="mock",
        model="m",
        urls={},
        mock_response="one two three four five",
        does_stream_usage=asks,
    )
    body = RequestBody.parse(json.dumps({"model": "g", "messages": [], "stream": True, **options}).encode())
    request = build_upstream_request(deployment, Endpoint.CHAT, body, is_stream=True, bounds=BOUNDS)
    chunks = []
    async with MockClient().stream(request) as stream:
        while chunk := await stream.read_chunk():
            chunks.append(chunk)

    assert chunks[-1] == b"data: [DONE]\n\n"
    events = [json.loads(chunk[6:]) for chunk in chunks[:-1]]
    deltas = [event["choices"][0]["delta"] for event in events if event["choices"]]
    assert "".join(delta.get("content", "") for delta in deltas) == "one two three four five"
    assert len(deltas) > 2
    assert any(event.get("usage") for event in events) is asks


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("litellm.RateLimitError", errors.UpstreamRateLimited),
        ("Exception: litellm.ContextWindowExceededError", errors.ContextWindowExceeded),
        ("litellm.InternalServerError: boom", errors.UpstreamInternalError),
    ],
)
async def test_a_text_that_names_an_error_raises_it(text, kind):
    with pytest.raises(kind):
        await send({"messages": []}, mock_response=text)
    with pytest.raises(kind):
        await MockClient().stream(build({"messages": []}, mock_response=text)).__aenter__()


async def test_a_text_that_names_no_known_error_is_an_answer():
    assert "litellm.Nothing" in json.dumps(await send({"messages": []}, mock_response="litellm.Nothing"))


@pytest.mark.parametrize(
    ("members", "count", "size"),
    [
        ({"input": "a"}, 1, 1536),
        ({"input": ["a", "b"]}, 2, 1536),
        ({"input": [1, 2, 3]}, 1, 1536),
        ({"input": [[1], [2]], "dimensions": 8}, 2, 8),
        ({"input": "a", "dimensions": 10**9}, 1, 1536),
    ],
)
async def test_embeddings_have_the_right_shape(members, count, size):
    data = (await send(members, Endpoint.EMBEDDINGS))["data"]

    assert [len(item["embedding"]) for item in data] == [size] * count
    assert all(abs(sum(x * x for x in item["embedding"]) - 1) < 1e-6 for item in data)


async def test_embeddings_depend_on_the_input_alone_and_come_as_base64_too():
    plain = (await send({"input": ["a", "b", "a"], "dimensions": 4}, Endpoint.EMBEDDINGS))["data"]
    coded = (await send({"input": "a", "dimensions": 4, "encoding_format": "base64"}, Endpoint.EMBEDDINGS))[
        "data"
    ]

    assert plain[0]["embedding"] == plain[2]["embedding"] != plain[1]["embedding"]
    numbers = struct.unpack("<4f", base64.b64decode(coded[0]["embedding"]))
    assert numbers == pytest.approx(plain[0]["embedding"], rel=1e-6)


async def test_each_deployment_gets_the_client_that_suits_it():
    clients = UpstreamClients()
    plain = Deployment(id="d", group="g", provider="openai", model="m", urls={})
    stoppable = Deployment(
        id="e", group="g", provider="vllm", model="m", urls={}, on_disconnect=OnDisconnect.CANCEL
    )
    mocked = Deployment(id="f", group="g", provider="openai", model="m", urls={}, mock_response="x")

    assert isinstance(clients.client_for(plain), PyreqwestClient)
    assert clients.client_for(plain) is clients.client_for(plain)
    assert isinstance(clients.client_for(stoppable), Http1Client)
    assert isinstance(clients.client_for(mocked), MockClient)
    await clients.close()
