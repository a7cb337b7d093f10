"""Guardrails on pass-throughs: the address, bodies and answers of every kind, in every mode and outcome."""

import json
from typing import Any

import httpx
import msgspec
import pytest

from gateway.guardrails.choice import Installed
from gateway.guardrails.hookimpls import GuardrailHooks
from gateway.sdk import Direction
from gateway.settings.guardrails import GuardrailEntry, GuardrailMode
from tests.integration.request_path.guarded import DURING, POST, PRE, WORD, Probe, refusal_of
from tests.integration.serving import LiveGateway, bearer, deployment
from tests.upstreams import replies

pytestmark = pytest.mark.asyncio(loop_scope="session")

OUTCOMES = ["pass", "mask", "block", "raise", "hang", "garbage"]
BODY = {"query": f"who is {WORD}?", "top": 3, "metadata": {"note": "unheard"}}


def declare(live: LiveGateway, probe: Probe, *modes: GuardrailMode, **members: Any) -> None:
    """Serve one pass-through whose target is the upstream, with a guardrail that everybody has."""
    one = {"path": "/svc", "target": f"{live.upstream.origin}/api", "include_subpath": True, **members}
    live.configure(deployment("m", live.upstream), general_settings={"pass_through_endpoints": [one]})
    entry = GuardrailEntry(
        name="probe", kind="probe", modes=frozenset(modes), is_default=True, deadline_seconds=0.2
    )
    guarding = GuardrailHooks([Installed(entry, probe)], live.gateway.clock)
    snapshot = live.gateway.snapshot
    core = snapshot.core
    checks = snapshot.pass_through_hooks.implementations["authorize"][0].call.__self__
    hooks = snapshot.plugins.with_core((core.authentication, checks, core.admission, guarding)).hooks
    live.gateway.snapshot = msgspec.structs.replace(snapshot, pass_through_hooks=hooks)


async def call(live: LiveGateway, key: str, path: str = "/svc", **sent: Any) -> httpx.Response:
    headers = {**bearer(key), **sent.pop("headers", {})}
    return await live.http.request(sent.pop("method", "POST"), path, headers=headers, **sent)


@pytest.mark.parametrize("mode", [PRE, DURING])
@pytest.mark.parametrize("outcome", OUTCOMES)
async def test_a_request_is_inspected(live: LiveGateway, key: str, mode: GuardrailMode, outcome: str) -> None:
    probe = Probe(outcome)
    declare(live, probe, mode, cost_per_request=0.5)
    live.upstream.default = replies.raw(200, b'{"fine": true}')
    answer = await call(live, key, "/svc/below?q=asked", json=BODY)
    row = await live.row(key)
    assert all(text in probe.text for text in (BODY["query"], "unheard", "/below", "asked"))
    if outcome == "pass" or (outcome == "mask" and mode is PRE):
        assert (answer.status_code, answer.json()) == (200, {"fine": True})
        sent = live.upstream.requests[0]
        masked = json.loads(json.dumps(BODY).replace(WORD, "[MASKED]"))
        assert sent.json == (masked if outcome == "mask" else BODY)
        assert sent.headers["content-length"] == str(len(sent.body))
        assert answer.headers["x-litellm-applied-guardrails"] == "probe"
        assert (row.status, row.nanos) == ("success", 500_000_000)
    else:
        assert answer.status_code == (400 if outcome == "block" else 503)
        assert refusal_of(answer)["guardrail"] == "probe"
        # What is refused beside the call before it goes out does not go out.
        is_sent = mode is DURING and outcome == "hang"
        assert len(live.upstream.requests) == is_sent
        assert (row.status, row.nanos) == ("failure", 500_000_000 if is_sent else 0)
    assert row.details["guardrail_information"][0]["guardrail_mode"] == mode
    assert live.held_nanos(key) == 0


async def test_what_is_not_edited_goes_byte_for_byte(live: LiveGateway, key: str) -> None:
    declare(live, Probe("mask"), PRE, POST)
    live.upstream.default = replies.raw(200, b'{ "fine" :  true }')
    answer = await call(live, key, content=b'{ "q" : 1.50 }', headers={"content-type": "application/json"})
    assert live.upstream.requests[0].body == b'{ "q" : 1.50 }'
    assert answer.content == b'{ "fine" :  true }'


async def test_what_is_masked_in_an_address_is_refused(live: LiveGateway, key: str) -> None:
    declare(live, Probe("mask"), PRE)
    for path in (f"/svc/{WORD}", f"/svc?q={WORD}"):
        assert (await call(live, key, path, method="GET")).status_code == 400
    assert live.upstream.requests == []


@pytest.mark.parametrize(
    ("body", "headers", "status"),
    [
        (b"\x00\x01", {"content-type": "application/octet-stream"}, 415),
        (b"{", {"content-type": "application/json"}, 400),
        (b'{"q": 1} {"q": 2}', {"content-type": "application/json"}, 400),
        (b"+ADw-", {"content-type": "text/plain; charset=utf-7"}, 415),
        (b'{"q": 1}', {"content-type": "application/json", "content-encoding": "gzip"}, 415),
        (b"\xff", {"content-type": "text/plain"}, 415),
        (b"a=b", {}, 415),
    ],
)
async def test_what_nobody_can_read_is_refused(
    live: LiveGateway, key: str, body: bytes, headers: dict[str, str], status: int
) -> None:
    declare(live, Probe(), PRE)
    answer = await call(live, key, content=body, headers=headers)
    assert (answer.status_code, answer.json()["error"]["param"]) == (status, "body")
    assert live.upstream.requests == []
    assert (await live.row(key)).status == "failure"


ANSWERS = {
    "json": (f'{{"says": "hello {WORD}"}}'.encode(), "application/json"),
    "list": (f'["hello {WORD}"]'.encode(), "application/vnd.list+json"),
    "text": (f"hello {WORD}".encode(), "text/plain; charset=utf-8"),
}


@pytest.mark.parametrize("outcome", OUTCOMES)
@pytest.mark.parametrize("kind", ANSWERS)
async def test_an_answer_is_inspected(live: LiveGateway, key: str, kind: str, outcome: str) -> None:
    data, media = ANSWERS[kind]
    probe = Probe(outcome)
    declare(live, probe, POST, cost_per_request=0.5)
    live.upstream.default = replies.raw(200, data, {"content-type": media, "etag": "x"})
    answer = await call(live, key, json=BODY)
    row = await live.row(key)
    assert {content.direction for content in probe.shown} == {Direction.RESPONSE}
    assert f"hello {WORD}" in probe.text
    if outcome in ("pass", "mask"):
        expected = (
            data if outcome == "pass" else data.replace(WORD.encode(), b"[MASKED]").replace(b'": "', b'":"')
        )
        assert (answer.status_code, answer.content, answer.headers["content-type"]) == (200, expected, media)
        assert row.status == "success"
    else:
        assert answer.status_code == (400 if outcome == "block" else 503)
        assert WORD not in answer.text
        assert (row.status, row.nanos) == ("failure", 500_000_000)


@pytest.mark.parametrize("outcome", OUTCOMES)
async def test_an_event_stream_is_inspected(live: LiveGateway, key: str, outcome: str) -> None:
    declare(live, Probe(outcome), POST)
    parts = ("hello ", "th", "ere", " you")
    events = [b"data: " + msgspec.json.encode({"delta": part}) + b"\n\n" for part in parts]
    live.upstream.default = replies.stream_of(*events, b"data: [DONE]\n\n")
    answer = await call(live, key, json=BODY)
    told = "".join(
        json.loads(line[6:]).get("delta", "") for line in answer.text.split("\n\n") if line[:7] == "data: {"
    )
    if outcome in ("pass", "mask"):
        assert told == f"hello {WORD if outcome == 'pass' else '[MASKED]'} you"
    else:
        assert WORD not in told
        assert refusal_of(answer)["type"] == (
            "guardrail_blocked" if outcome == "block" else "guardrail_failed"
        )
    assert (await live.row(key)).status == ("success" if outcome in ("pass", "mask") else "failure")


async def test_an_answer_that_nobody_can_read_is_refused(live: LiveGateway, key: str) -> None:
    probe = Probe()
    declare(live, probe, POST)
    for headers in ({"content-type": "image/png"}, {"content-encoding": "gzip"}):
        live.upstream.default = replies.raw(200, b"\x00", headers)
        assert (await call(live, key, json=BODY)).status_code == 502
    declare(live, probe, PRE)
    live.upstream.default = replies.raw(200, b"\x00", {"content-type": "image/png"})
    assert (await call(live, key, json=BODY)).content == b"\x00"


async def test_a_pass_through_has_guardrails_of_its_own(live: LiveGateway, key: str) -> None:
    guardrail = {"guardrail": "keywords", "mode": "pre_call", "blocked_words": [{"keyword": "aurora"}]}
    one = {"path": "/svc", "target": f"{live.upstream.origin}/api", "guardrails": {"words": None}}
    live.upstream.default = replies.raw(200, b"{}")
    general = {"pass_through_endpoints": [one, {**one, "path": "/odd", "guardrails": ["nobody"]}]}
    live.configure(
        deployment("m", live.upstream),
        general_settings=general,
        guardrails=[{"guardrail_name": "words", "litellm_params": guardrail}],
    )
    assert (await call(live, key, json={"q": "borealis"})).status_code == 200
    answer = await call(live, key, json={"q": "aurora"})
    assert (answer.status_code, answer.json()["error"]["guardrail"]) == (400, "words")
    assert (await call(live, key, "/odd", json={})).status_code == 503
