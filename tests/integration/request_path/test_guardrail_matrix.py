"""The matrix: every endpoint family, mode and outcome, whole and as a stream, with a guardrail that watches.

The guardrail has seen all that the upstream and the client got, or the request was refused.
"""

import json
from pathlib import Path
from typing import Any

import httpx
import pytest
from litestar.handlers import ASGIRouteHandler

from gateway.app import create_app
from gateway.domain import MODEL_ENDPOINTS, Endpoint
from gateway.sdk import Direction, PieceKind
from gateway.settings.guardrails import GuardrailMode
from gateway.settings.load import load_settings
from gateway.wire.sse import EventSplitter, event_payload
from tests.integration.request_path.guarded import (
    ANSWERS,
    CALLS,
    DURING,
    POST,
    PRE,
    ROWS,
    WORD,
    Call,
    Probe,
    ask,
    install,
    refusal_of,
)
from tests.integration.serving import LiveGateway
from tests.upstreams import Reply, replies

pytestmark = pytest.mark.asyncio(loop_scope="session")

each_call = pytest.mark.parametrize("call", CALLS, ids=str)


@each_call
@pytest.mark.parametrize("mode", [PRE, DURING])
async def test_a_guardrail_sees_what_the_upstream_gets(
    live: LiveGateway, key: str, mode: GuardrailMode, call: Call
) -> None:
    probe = Probe()
    install(live, probe, mode)
    answer = await ask(live, key, call, unknown_member={"deep": ["unheard"]})
    assert answer.status_code == 200
    assert answer.headers["x-litellm-applied-guardrails"] == "probe"
    assert f"who is {WORD}?" in probe.text
    assert "unheard" in probe.text
    (outcome,) = (await live.row(key)).details["guardrail_information"]
    assert outcome["guardrail_mode"] == mode
    assert (outcome["guardrail_status"], outcome["guardrail_action"]) == ("success", "pass")
    assert outcome["scanned_characters"] >= len(f"who is {WORD}?")


@each_call
@pytest.mark.parametrize("mode", [PRE, DURING])
@pytest.mark.parametrize("outcome", ["block", "raise", "hang", "garbage", "impossible"])
async def test_a_request_that_is_not_passed_is_refused(
    live: LiveGateway, key: str, mode: GuardrailMode, outcome: str, call: Call
) -> None:
    install(live, Probe(outcome), mode)
    answer = await ask(live, key, call)
    error = refusal_of(answer)
    expected = (400, "guardrail_blocked") if outcome == "block" else (503, "guardrail_failed")
    assert (answer.status_code, error["type"]) == expected
    assert error["guardrail"] == "probe"
    assert "secret detail" not in answer.text
    row = await live.row(key)
    assert row.status == "failure"
    # Beside the call, what takes its time is too late to keep it from the provider.
    is_sent = mode is not PRE and outcome == "hang"
    assert (row.nanos > 0) is is_sent
    assert len(live.upstream.requests) == is_sent
    assert row.details["applied_guardrails"] == ["probe"]
    (told,) = row.details["guardrail_information"]
    failed = ("guardrail_failed_to_respond", "failed")
    assert (told["guardrail_status"], told["guardrail_action"]) == (
        ("guardrail_intervened", "block") if outcome == "block" else failed
    )
    assert live.held_nanos(key) == 0


@each_call
async def test_a_masked_request_goes_upstream_masked(live: LiveGateway, key: str, call: Call) -> None:
    install(live, Probe("mask"), PRE)
    answer = await ask(live, key, call, unknown_member={"kept": [1, None]})
    assert answer.status_code == 200
    sent = live.upstream.requests[0]
    assert WORD.encode() not in sent.body
    assert b"who is [MASKED]?" in sent.body
    assert sent.json["unknown_member"] == {"kept": [1, None]}
    (outcome,) = (await live.row(key)).details["guardrail_information"]
    assert outcome["masked_entity_count"] == {"word": 1}
    assert WORD not in json.dumps(outcome)


async def test_what_is_sent_already_is_not_masked_but_refused(live: LiveGateway, key: str) -> None:
    install(live, Probe("mask"), DURING)
    answer = await ask(live, key)
    assert (answer.status_code, answer.json()["error"]["type"]) == (503, "guardrail_failed")
    assert "pre_call" in answer.json()["error"]["message"]


async def test_what_may_be_read_in_two_ways_is_refused(live: LiveGateway, key: str) -> None:
    """Of two members of one name the upstream may take the one that no guardrail was shown."""
    install(live, Probe("mask"), PRE)
    message = f'{{"role": "user", "content": "{WORD}", "content": "harmless"}}'
    body = f'{{"model": "m", "messages": [{message}]}}'
    headers = {"authorization": f"Bearer {key}", "content-type": "application/json"}
    answer = await live.http.post(f"/v1/{Endpoint.CHAT}", content=body, headers=headers)
    assert (answer.status_code, answer.json()["error"]["param"]) == (400, "messages")
    assert live.upstream.requests == []


each_answer = pytest.mark.parametrize("call", ANSWERS, ids=str)
windows = pytest.mark.parametrize("window", [None, 5], ids=["whole", "window"])


def with_window(window: int | None, outcome: str) -> Probe:
    return type("Windowed", (Probe,), {"window": window})(outcome)


@each_answer
@windows
async def test_a_guardrail_sees_what_the_client_gets(
    live: LiveGateway, key: str, call: Call, window: int | None
) -> None:
    # The id of a response that is stored is sealed, each time otherwise.
    members = {"store": False} if call.endpoint is Endpoint.RESPONSES else {}
    plain = (await ask(live, key, call, **members)).content
    probe = with_window(window, "pass")
    install(live, probe, POST)
    answer = await ask(live, await live.make_key(), call, **members)
    assert answer.status_code == 200
    if is_told_anew(call):
        assert data_of(answer)[-1] == events_in(plain)[-1] | {"sequence_number": len(data_of(answer)) - 1}
    else:
        assert answer.content == plain
    assert {content.direction for content in probe.shown} == {Direction.RESPONSE}
    assert "Hello there" in probe.text or ("Hello" in probe.text and "there" in probe.text)


@each_answer
@windows
@pytest.mark.parametrize("outcome", ["block", "raise", "hang", "garbage", "impossible"])
async def test_an_answer_that_is_not_passed_is_charged_and_not_told(
    live: LiveGateway, call: Call, window: int | None, outcome: str
) -> None:
    key = await live.make_key()
    assert (await ask(live, key, call)).status_code == 200
    price = (await live.row(key)).nanos
    key = await live.make_key()
    install(live, with_window(window, outcome), POST)
    answer = await ask(live, key, call)
    assert answer.status_code == (200 if call.is_stream else 400 if outcome == "block" else 503)
    assert WORD not in answer.text
    error = refusal_of(answer)
    assert error["type"] == ("guardrail_blocked" if outcome == "block" else "guardrail_failed")
    row = await live.row(key)
    assert row.status == "failure"
    assert row.nanos == price if not call.is_stream else row.nanos > 0
    assert row.details["guardrail_information"][0]["guardrail_mode"] == POST


@each_answer
@windows
async def test_a_masked_answer_reaches_the_client_masked(
    live: LiveGateway, key: str, call: Call, window: int | None
) -> None:
    install(live, with_window(window, "mask"), POST)
    answer = await ask(live, key, call)
    assert answer.status_code == 200
    assert WORD not in answer.text
    # The events of a response say each text four times.
    assert answer.text.count("[MASKED]") == (5 if is_told_anew(call) else 1)
    row = await live.row(key)
    assert row.status == "success"
    assert row.details["guardrail_information"][0]["guardrail_action"] == "mask"


def is_told_anew(call: Call) -> bool:
    """Whether the client of a guarded call gets events that the gateway made of what was inspected."""
    return call.is_stream and call.endpoint is Endpoint.RESPONSES


each_end = pytest.mark.parametrize("outcome", ["pass", "mask", "block", "raise", "hang"])


@each_end
@windows
@pytest.mark.parametrize("endpoint", [endpoint for endpoint, row in ROWS.items() if row.has_text])
async def test_a_broken_stream_tells_nothing_that_nobody_inspected(
    live: LiveGateway, key: str, endpoint: Endpoint, window: int | None, outcome: str
) -> None:
    probe = with_window(window, outcome)
    install(live, probe, POST)
    live.upstream.script.append(replies.stream(["Hello", WORD, "unfinished"], ends=False))
    answer = await ask(live, key, Call(endpoint, is_stream=True))
    assert refusal_of(answer)["message"]
    told = text_of(answer)
    assert told in probe.text.replace("\n", "") or outcome == "mask"
    assert (WORD in told) <= (outcome == "pass")
    row = await live.row(key)
    assert row.status == "failure"
    assert live.held_nanos(key) == 0


REQUESTED_TOOLS: dict[str, Any] = {
    "messages": [
        {"role": "user", "content": "Go on."},
        {
            "role": "assistant",
            "content": None,
            "tool_calls": [
                {
                    "id": "c1",
                    "type": "function",
                    "function": {"name": "go", "arguments": f'{{"to":"{WORD}"}}'},
                }
            ],
        },
        {"role": "tool", "tool_call_id": "c1", "content": f"I went {WORD}."},
    ],
    "tools": [{"type": "function", "function": {"name": "go", "description": f"Go {WORD}."}}],
}


@pytest.mark.parametrize("mode", [PRE, DURING])
@pytest.mark.parametrize("outcome", ["pass", "mask", "block", "raise", "hang"])
async def test_tool_calls_and_results_of_a_request(
    live: LiveGateway, key: str, mode: GuardrailMode, outcome: str
) -> None:
    probe = Probe(outcome)
    install(live, probe, mode)
    answer = await live.post(f"/v1/{Endpoint.CHAT}", key, {"model": "m", **REQUESTED_TOOLS})
    kinds = {piece.kind for content in probe.shown for piece in content.pieces if WORD in piece.text}
    assert kinds == {PieceKind.TOOL_CALL, PieceKind.TOOL_RESULT, PieceKind.DEFINITION}
    is_answered = outcome == "pass" or (outcome == "mask" and mode is PRE)
    assert (answer.status_code == 200) is is_answered
    if outcome == "mask" and mode is PRE:
        sent = live.upstream.requests[0]
        assert WORD.encode() not in sent.body
        assert sent.body.count(b"[MASKED]") == 3
        call = sent.json["messages"][1]["tool_calls"][0]["function"]
        assert json.loads(call["arguments"]) == {"to": "[MASKED]"}
    if not is_answered:
        assert len(live.upstream.requests) == (mode is not PRE and outcome == "hang")
        assert (await live.row(key)).status == "failure"


def tool_call(is_stream: bool) -> Reply:  # noqa: FBT001  as the calls say it
    """An answer that calls a tool; in a stream the word is spread over several events."""
    head = {"id": "chatcmpl-up", "created": 1, "model": "m"}
    named = {"index": 0, "id": "c1", "type": "function", "function": {"name": "go", "arguments": ""}}
    if not is_stream:
        named["function"] = {"name": "go", "arguments": f'{{"to":"{WORD}"}}'}
        choice = {"index": 0, "message": {"role": "assistant", "content": None, "tool_calls": [named]}}
        body = {**head, "object": "chat.completion", "choices": [{**choice, "finish_reason": "tool_calls"}]}
        usage = {"prompt_tokens": 11, "completion_tokens": 7, "total_tokens": 18}
        return replies.raw(200, json.dumps({**body, "usage": usage}).encode())
    parts = [
        named,
        *({"index": 0, "function": {"arguments": part}} for part in ('{"to":"', "th", "ere", '"}')),
    ]
    deltas = [{"tool_calls": [part]} for part in parts]
    choices = [{"index": 0, "delta": delta, "finish_reason": None} for delta in deltas]
    choices.append({"index": 0, "delta": {}, "finish_reason": "tool_calls"})
    bodies = [{**head, "object": "chat.completion.chunk", "choices": [choice]} for choice in choices]
    events = [f"data: {json.dumps(body)}\n\n".encode() for body in bodies]
    return replies.stream_of(*events, b"data: [DONE]\n\n")


@windows
@pytest.mark.parametrize("is_stream", [False, True], ids=["whole", "stream"])
@pytest.mark.parametrize("outcome", ["pass", "mask", "block", "raise", "hang"])
async def test_tool_calls_of_an_answer(
    live: LiveGateway,
    key: str,
    is_stream: bool,  # noqa: FBT001  pytest passes it by name
    window: int | None,
    outcome: str,
) -> None:
    probe = with_window(window, outcome)
    install(live, probe, POST)
    live.upstream.script.append(tool_call(is_stream))
    answer = await ask(live, key, Call(is_stream=is_stream))
    told = arguments_of(answer)
    if outcome in ("pass", "mask"):
        assert json.loads(told) == {"to": WORD if outcome == "pass" else "[MASKED]"}
        kinds = {piece.kind for content in probe.shown for piece in content.pieces if WORD in piece.text}
        assert kinds == {PieceKind.TOOL_CALL}
        calls = {(tool.name, tool.call_id) for content in probe.shown for tool in content.tools}
        assert calls == (set() if is_stream and window is not None else {("go", "c1")})
    else:
        assert WORD not in told
        assert refusal_of(answer)["guardrail"] == "probe"
        assert (await live.row(key)).status == "failure"


MODELS_IN_PATHS = {"/openai/deployments", "/engines"}
ALIASES = ["", *(f"{mount}/m" for mount in sorted(MODELS_IN_PATHS))]
"""What may stand before the name of an endpoint besides `/v1`."""


ELSEWHERE = {
    Endpoint.PASS_THROUGH: "test_guarded_pass_through.py",
    Endpoint.MCP: "test_mcp_guardrail_matrix.py",
}
"""Endpoints of no model, and where their rows are."""


@each_call
@pytest.mark.parametrize("before", ALIASES, ids=["bare", "engines", "deployments"])
async def test_other_paths_of_an_endpoint_are_guarded_too(
    live: LiveGateway, key: str, before: str, call: Call
) -> None:
    body = ROWS[call.endpoint].ask(f"who is {WORD}?") | {"model": "m", "stream": call.is_stream}
    path = f"{before}/{call.endpoint}"
    bare = live.gateway.snapshot
    install(live, Probe("block"), PRE)
    answer = await live.post(path, key, body)
    assert refusal_of(answer)["type"] == "guardrail_blocked"
    assert live.upstream.requests == []
    live.gateway.snapshot = bare
    probe = with_window(5, "mask")
    install(live, probe, POST)
    answer = await live.post(path, key, body)
    assert answer.status_code == 200
    assert probe.shown
    assert WORD not in answer.text
    assert ("[MASKED]" in answer.text) is ROWS[call.endpoint].has_text


async def test_every_endpoint_family_has_its_row(live: LiveGateway) -> None:
    """A new way to a model has to say here how guardrails see it."""
    settings = load_settings(live.folder / "config.yaml", live.environ)
    handlers = [getattr(route, "route_handler", None) for route in create_app(settings, live.environ).routes]
    served = {path for handler in handlers if isinstance(handler, ASGIRouteHandler) for path in handler.paths}
    assert set(ROWS) == set(MODEL_ENDPOINTS)
    assert set(Endpoint) - set(ROWS) == set(ELSEWHERE)
    assert all((Path(__file__).parent / file).exists() for file in ELSEWHERE.values())
    assert served == {f"{base}/{endpoint}" for base in ("", "/v1") for endpoint in ROWS} | MODELS_IN_PATHS


def data_of(answer: httpx.Response) -> list[dict[str, Any]]:
    """The answer, or the events of a stream, without the error and the end."""
    if not answer.headers["content-type"].startswith("text/event-stream"):
        return [answer.json()]
    return events_in(answer.content)


def events_in(stream: bytes) -> list[dict[str, Any]]:
    payloads = [event_payload(event) for event in EventSplitter().feed(stream)]
    return [json.loads(payload) for payload in payloads if payload and payload != b"[DONE]"]


def text_of(answer: httpx.Response) -> str:
    choices = [choice for data in data_of(answer) for choice in data.get("choices", [data])]
    return "".join(choice.get("text") or delta_of(choice) or "" for choice in choices)


def arguments_of(answer: httpx.Response) -> str:
    choices = [choice for data in data_of(answer) for choice in data.get("choices", [])]
    said = [choice.get("message") or choice.get("delta") or {} for choice in choices]
    calls = [call for one in said for call in one.get("tool_calls", [])]
    return "".join(call["function"].get("arguments", "") for call in calls)


def delta_of(said: dict[str, Any]) -> str | None:
    """What a choice of a chunk, or an event of a response, adds."""
    delta = said.get("delta", {})
    return delta if isinstance(delta, str) else delta.get("content")
