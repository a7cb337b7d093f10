"""Guardrails on the real path: every mode, endpoint and outcome, and what the record says of each."""

import asyncio
import json
from collections.abc import Callable
from typing import Any, ClassVar

import httpx
import msgspec
import pytest

from gateway.guardrails.choice import Installed
from gateway.guardrails.hookimpls import GuardrailHooks
from gateway.hooks.dispatch import compile_hooks
from gateway.sdk import Content, Direction, Edit, Guardrail, GuardrailCall, Verdict
from gateway.settings.guardrails import GuardrailEntry, GuardrailMode
from tests.integration.serving import MASTER_KEY, LiveGateway, bearer, deployment
from tests.upstreams import replies

pytestmark = pytest.mark.asyncio(loop_scope="session")

SECRET = "AKIAIOSFODNN7EXAMPLE"
WORD = "there"
"""What the probe looks for: the upstream's usual answer has it, and so have the requests of these tests."""
PATHS = {
    "chat": "/v1/chat/completions",
    "completion": "/v1/completions",
    "embedding": "/v1/embeddings",
}
PRE, DURING, POST = GuardrailMode.PRE_CALL, GuardrailMode.DURING_CALL, GuardrailMode.POST_CALL


class Probe(Guardrail):
    """Keeps all that it is shown, and does as it is told where it finds the word."""

    window: ClassVar[int | None] = None

    def __init__(self, outcome: str = "pass") -> None:
        self.outcome = outcome
        self.shown: list[Content] = []

    async def inspect(self, content: Content, call: GuardrailCall) -> Verdict | None:
        self.shown.append(content)
        if self.outcome == "hang":
            await asyncio.Event().wait()
        if self.outcome == "raise":
            raise RuntimeError("secret detail of the plugin")
        if self.outcome == "garbage":
            return "yes"  # type: ignore[return-value]  what a careless author may return
        found = [
            Edit(place, piece.text.index(WORD), piece.text.index(WORD) + len(WORD), "[MASKED]")
            for place, piece in content.texts()
            if WORD in piece.text
        ]
        if found and self.outcome == "block":
            return Verdict(refusal="Not that.", categories=("word",), score=0.9)
        if found and self.outcome == "mask":
            return Verdict(edits=tuple(found), categories=("word",), masked={"word": len(found)})
        if self.outcome == "impossible":
            return Verdict(edits=(Edit(0, 0, 10_000, ""),))
        return None

    @property
    def text(self) -> str:
        return "\n".join(piece.text for content in self.shown for piece in content.pieces)


def install(live: LiveGateway, guardrail: Guardrail, *modes: GuardrailMode, **members: Any) -> None:
    """Set up one guardrail, for everybody unless told otherwise."""
    members = {"name": "probe", "kind": "probe", "is_default": True, "deadline_seconds": 0.2, **members}
    installed = Installed(GuardrailEntry(modes=frozenset(modes), **members), guardrail)
    found: dict[int, tuple[str, object]] = {}
    for items in live.gateway.snapshot.hooks.implementations.values():
        for item in items:
            owner = getattr(item.call, "__self__", None)
            if owner is not None and not isinstance(owner, GuardrailHooks):
                found[id(owner)] = (item.plugin, owner)
    hooks = compile_hooks([*found.values(), ("guardrails", GuardrailHooks([installed], live.gateway.clock))])
    plugins = msgspec.structs.replace(live.gateway.snapshot.plugins, hooks=hooks)
    live.gateway.snapshot = msgspec.structs.replace(live.gateway.snapshot, plugins=plugins)


async def ask(live: LiveGateway, key: str, call: "Call | None" = None, **members: object) -> httpx.Response:
    call = call or Call()
    text = f"who is {WORD}?"
    content: dict[str, object] = {
        "chat": {"messages": [{"role": "user", "content": text}]},
        "completion": {"prompt": text},
        "embedding": {"input": [text]},
    }[call.endpoint]
    if call.is_stream:
        content["stream"] = True
    return await live.post(PATHS[call.endpoint], key, {"model": "m", **content, **members})


def refusal_of(answer: httpx.Response) -> dict[str, Any]:
    """The error of an answer, or of the last event of a stream."""
    if answer.headers["content-type"].startswith("text/event-stream"):
        events = [event for event in answer.text.split("\n\n") if event]
        return json.loads(events[-1].removeprefix("data: "))["error"]
    return answer.json()["error"]


class Call(msgspec.Struct, frozen=True):
    """One way to ask."""

    endpoint: str = "chat"
    is_stream: bool = False

    def __str__(self) -> str:
        return f"{self.endpoint}-{'stream' if self.is_stream else 'whole'}"


ANSWERS = [Call("chat"), Call("chat", is_stream=True), Call("completion"), Call("completion", is_stream=True)]
CALLS = [*ANSWERS, Call("embedding")]
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
    assert (row.nanos == 0) is (mode is PRE), "beside the call something was used"
    assert len(live.upstream.requests) == (mode is not PRE)
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


each_answer = pytest.mark.parametrize("call", ANSWERS, ids=str)
windows = pytest.mark.parametrize("window", [None, 5], ids=["whole", "window"])


def with_window(window: int | None, outcome: str) -> Probe:
    return type("Windowed", (Probe,), {"window": window})(outcome)


@each_answer
@windows
async def test_a_guardrail_sees_what_the_client_gets(
    live: LiveGateway, key: str, call: Call, window: int | None
) -> None:
    plain = (await ask(live, key, call)).content
    probe = with_window(window, "pass")
    install(live, probe, POST)
    answer = await ask(live, await live.make_key(), call)
    assert (answer.status_code, answer.content) == (200, plain)
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
    assert answer.text.count("[MASKED]") == 1
    row = await live.row(key)
    assert row.status == "success"
    assert row.details["guardrail_information"][0]["guardrail_action"] == "mask"


async def test_a_broken_stream_tells_nothing_that_nobody_inspected(live: LiveGateway, key: str) -> None:
    install(live, with_window(None, "mask"), POST)
    live.upstream.script.append(replies.stream(["Hello", WORD], ends=False))
    answer = await ask(live, key, Call(is_stream=True))
    assert WORD not in answer.text
    assert (await live.row(key)).status == "failure"


async def test_a_lenient_guardrail_that_fails_lets_everything_pass(live: LiveGateway, key: str) -> None:
    install(live, Probe("raise"), PRE, DURING, POST, is_lenient=True)
    for is_stream in (False, True):
        assert (await ask(live, key, Call(is_stream=is_stream))).status_code == 200
    outcomes = [row.details["guardrail_information"] for row in await live.rows(key)]
    assert [len(found) for found in outcomes] == [3, 3]
    assert {item["guardrail_action"] for found in outcomes for item in found} == {"failed"}


async def test_a_failing_upstream_ends_what_goes_on_beside_it(live: LiveGateway, key: str) -> None:
    install(live, Probe("hang"), DURING, deadline_seconds=60)
    live.upstream.default = replies.error(400, "Bad.")
    assert (await ask(live, key)).status_code == 400
    assert (await live.row(key)).details["applied_guardrails"] == ["probe"]


async def test_what_no_guardrail_can_read_is_refused(live: LiveGateway, key: str) -> None:
    install(live, Probe(), PRE)
    for value in ([1, 2, 3], [[1, 2], [3]]):
        answer = await live.post(PATHS["embedding"], key, {"model": "m", "input": value})
        assert (answer.status_code, answer.json()["error"]["param"]) == (400, "input")
    assert live.upstream.requests == []


CONFIGURED = [
    {
        "guardrail_name": "secrets",
        "litellm_params": {
            "guardrail": "hide-secrets",
            "mode": ["pre_call", "post_call"],
            "default_on": True,
        },
    },
    {
        "guardrail_name": "words",
        "litellm_params": {
            "guardrail": "keywords",
            "mode": "pre_call",
            "blocked_words": [{"keyword": "aurora"}, {"keyword": "borealis", "action": "MASK"}],
        },
    },
]


async def test_guardrails_of_the_configuration(live: LiveGateway, key: str) -> None:
    live.configure(deployment("m", live.upstream), guardrails=CONFIGURED)
    live.upstream.default = replies.ok(f"It is {SECRET} indeed")
    for is_stream in (False, True):
        message = {"role": "user", "content": f"my key is {SECRET}"}
        answer = await live.chat(key, messages=[message], stream=is_stream)
        assert answer.status_code == 200
        assert SECRET not in answer.text
        assert "REDACTED" in answer.text
    assert all(SECRET.encode() not in seen.body for seen in live.upstream.requests)
    assert all(SECRET not in row.text for row in await live.rows(key))


@pytest.mark.parametrize(
    "named",
    [
        lambda: {"guardrails": ["words"]},
        lambda: {"metadata": {"guardrails": ["words"]}},
        lambda: {"guardrails": [{"words": {"extra_body": {"x": 1}}}]},
    ],
    ids=["names", "metadata", "options"],
)
async def test_a_request_adds_a_guardrail(
    live: LiveGateway, key: str, named: Callable[[], dict[str, Any]]
) -> None:
    live.configure(deployment("m", live.upstream), guardrails=CONFIGURED)
    message = {"role": "user", "content": "Project Aurora"}
    assert (await live.chat(key, messages=[message])).status_code == 200
    answer = await live.chat(key, messages=[message], **named())
    assert (answer.status_code, answer.json()["error"]["guardrail"]) == (400, "words")
    assert "aurora" not in answer.text.lower()


@pytest.mark.parametrize("owner", ["key", "team"])
async def test_a_key_and_a_team_have_guardrails(live: LiveGateway, owner: str) -> None:
    live.configure(deployment("m", live.upstream), guardrails=CONFIGURED)
    if owner == "key":
        key = await live.make_key(guardrails=["words"])
    else:
        made = await live.post("/team/new", MASTER_KEY, {"guardrails": ["words"]})
        key = await live.make_key(team_id=made.json()["team_id"])
    answer = await live.chat(key, messages=[{"role": "user", "content": "aurora and borealis"}])
    assert (answer.status_code, answer.json()["error"]["guardrail"]) == (400, "words")
    answer = await live.chat(key, messages=[{"role": "user", "content": "Borealis"}])
    assert answer.headers["x-litellm-applied-guardrails"] == "secrets,words"
    assert live.upstream.requests[-1].json["messages"][0]["content"] == "[KEYWORD_REDACTED]"


@pytest.mark.parametrize("member", ["disable_global_guardrails", "disable_global_guardrail"])
async def test_who_may_not_switches_nothing_off(live: LiveGateway, key: str, member: str) -> None:
    live.configure(deployment("m", live.upstream), guardrails=CONFIGURED)
    answer = await live.chat(key, **{member: True})
    assert (answer.status_code, answer.json()["error"]["param"]) == (403, member)
    answer = await live.chat(key, metadata={member: True})
    assert (answer.status_code, answer.json()["error"]["param"]) == (403, f"metadata.{member}")
    answer = await live.chat(MASTER_KEY, **{member: True})
    assert (answer.status_code, "x-litellm-applied-guardrails" in answer.headers) == (200, False)
    team = {"metadata": {"guardrails": {"modify_guardrails": True}}}
    made = await live.post("/team/new", MASTER_KEY, team)
    own = await live.make_key(team_id=made.json()["team_id"])
    answer = await live.chat(own, **{member: True})
    assert (answer.status_code, "x-litellm-applied-guardrails" in answer.headers) == (200, False)


async def test_an_administrator_takes_a_key_out(live: LiveGateway) -> None:
    live.configure(deployment("m", live.upstream), guardrails=CONFIGURED)
    for metadata in ({"disable_global_guardrails": True}, {"opted_out_global_guardrails": ["secrets"]}):
        key = await live.make_key(metadata=metadata)
        assert "x-litellm-applied-guardrails" not in (await live.chat(key)).headers


async def test_an_unknown_guardrail_is_refused(live: LiveGateway, key: str) -> None:
    answer = await live.chat(key, guardrails=["nobody"])
    assert (answer.status_code, answer.json()["error"]["param"]) == (400, "guardrails")
    own = await live.make_key(guardrails=["nobody"])
    answer = await live.chat(own)
    assert (answer.status_code, answer.json()["error"]["type"]) == (503, "guardrail_failed")
    assert live.upstream.requests == []


async def test_a_tag_chooses_the_mode(live: LiveGateway, key: str) -> None:
    probe = Probe()
    install(live, probe, tag_modes={"careful": frozenset({PRE, POST})})
    await ask(live, key)
    assert probe.shown == []
    await ask(live, key, metadata={"tags": ["careful"]})
    assert [content.direction for content in probe.shown] == [Direction.REQUEST, Direction.RESPONSE]


async def test_the_real_client_gets_a_guarded_stream(live: LiveGateway, key: str) -> None:
    live.configure(deployment("m", live.upstream), guardrails=CONFIGURED)
    words = ["one", "two", f"is {SECRET}", *(["word"] * 200)]
    live.upstream.default = replies.stream(words)
    stream = await live.openai(key).chat.completions.create(
        model="m", messages=[{"role": "user", "content": "Say"}], stream=True
    )
    text = "".join([chunk.choices[0].delta.content or "" async for chunk in stream if chunk.choices])
    assert SECRET not in text
    assert text.startswith("one two is [REDACTED:aws_access_key_id]")
    assert text.count("word") == 200
    assert (await live.http.get("/health/liveliness", headers=bearer(key))).status_code == 200


PERSONAL = [
    {
        "guardrail_name": "people",
        "litellm_params": {
            "guardrail": "presidio",
            "mode": ["pre_call", "post_call"],
            "default_on": True,
            "pii_entities_config": {"EMAIL_ADDRESS": "REPLACE"},
            "output_parse_pii": True,
        },
    }
]


@pytest.mark.parametrize("is_stream", [False, True], ids=["whole", "stream"])
async def test_personal_data_leaves_the_house_as_stand_ins_and_comes_back(
    live: LiveGateway,
    key: str,
    is_stream: bool,  # noqa: FBT001  pytest passes it by name
) -> None:
    live.configure(deployment("m", live.upstream), guardrails=PERSONAL)
    words = ["Write", "to", "<EMAIL", "_ADDRESS_1>", "today"] if is_stream else ["to <EMAIL_ADDRESS_1>"]
    live.upstream.default = replies.stream(words) if is_stream else replies.ok(words[0])
    message = {"role": "user", "content": "who is jane@example.com?"}
    answer = await live.chat(key, messages=[message], stream=is_stream)
    assert live.upstream.requests[0].json["messages"][0]["content"] == "who is <EMAIL_ADDRESS_1>?"
    if not is_stream:
        assert answer.json()["choices"][0]["message"]["content"] == "to jane@example.com"
    assert "jane@example.com" not in (await live.row(key)).text


async def test_the_beginning_of_a_key_does_not_leave_before_its_end(live: LiveGateway, key: str) -> None:
    live.configure(deployment("m", live.upstream), guardrails=CONFIGURED)
    body = ["MIIEowIBAAKCAQEA7abcdefghijklmnop"] * 100
    words = ["-----BEGIN RSA PRIVATE KEY-----\n", *body, "\n-----END RSA PRIVATE KEY-----"]
    live.upstream.default = replies.stream(words)
    answer = await live.chat(key, stream=True)
    assert "MIIEow" not in answer.text
    assert "REDACTED:private_key" in answer.text
