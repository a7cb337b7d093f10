"""Guardrails on the real path: who has which, and what those of the configuration do."""

from collections.abc import Callable
from typing import Any

import pytest

from gateway.domain import Endpoint
from gateway.ids import hash_token
from gateway.sdk import Direction
from tests.integration.request_path.guarded import (
    DURING,
    POST,
    PRE,
    Call,
    Probe,
    ask,
    install,
)
from tests.integration.serving import MASTER_KEY, LiveGateway, bearer, deployment
from tests.upstreams import replies

pytestmark = pytest.mark.asyncio(loop_scope="session")

SECRET = "AKIAIOSFODNN7EXAMPLE"


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
        answer = await live.post(f"/v1/{Endpoint.EMBEDDINGS}", key, {"model": "m", "input": value})
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


async def test_every_object_of_a_key_has_guardrails(live: LiveGateway) -> None:
    live.configure(deployment("m", live.upstream), guardrails=CONFIGURED)
    words = {"guardrails": ["words"]}
    team = (await live.post("/team/new", MASTER_KEY, {})).json()["team_id"]
    user = (await live.post("/user/new", MASTER_KEY, {**words, "auto_create_key": False})).json()["user_id"]
    project = await live.post("/project/new", MASTER_KEY, {"team_id": team, "project_alias": "p", **words})
    made = {"organization_alias": "o", "metadata": words}
    organization = (await live.post("/organization/new", MASTER_KEY, made)).json()["organization_id"]
    for owner in (
        {"user_id": user},
        {"team_id": team, "project_id": project.json()["project_id"]},
        {"organization_id": organization},
    ):
        answer = await live.chat(
            await live.make_key(**owner), messages=[{"role": "user", "content": "aurora"}]
        )
        assert (answer.status_code, answer.json()["error"].get("guardrail")) == (400, "words"), owner
    assert (await live.chat(await live.make_key(team_id=team))).status_code == 200


async def test_a_list_that_cannot_be_read_lets_nothing_pass(live: LiveGateway) -> None:
    key = await live.make_key()
    # As somebody else may have written it: the gateway's own routes refuse it.
    sql = """UPDATE "LiteLLM_VerificationToken" SET metadata = '{"guardrails": "words"}' WHERE token = $1"""
    await live.gateway.parts.database.execute(sql, hash_token(key))
    live.gateway.parts.principals.clear()
    answer = await live.chat(key)
    assert answer.status_code == 403
    assert "metadata.guardrails" in answer.json()["error"]["message"]


AURORA = [{"role": "user", "content": "aurora"}]


async def test_a_model_has_guardrails_under_each_of_its_names(live: LiveGateway, key: str) -> None:
    guarded = deployment("guarded", live.upstream, guardrails=["words"])
    wild = deployment("wild/*", live.upstream, guardrails=["words"])
    live.configure(
        deployment("m", live.upstream),
        guarded,
        wild,
        guardrails=CONFIGURED,
        router_settings={"model_group_alias": {"other": "guarded"}},
    )
    assert (await live.chat(key, messages=AURORA)).status_code == 200
    for name in ("guarded", "other", "wild/any"):
        answer = await live.chat(key, model=name, messages=AURORA)
        assert (answer.status_code, answer.json()["error"].get("guardrail")) == (400, "words"), name


@pytest.mark.parametrize("is_stream", [False, True], ids=["whole", "stream"])
async def test_a_fallback_to_a_guarded_model_is_guarded(
    live: LiveGateway,
    key: str,
    is_stream: bool,  # noqa: FBT001  pytest passes it by name
) -> None:
    words = {**CONFIGURED[1]["litellm_params"], "mode": ["pre_call", "during_call", "post_call"]}
    live.configure(
        deployment("m", live.upstream),
        deployment("guarded", live.upstream, guardrails=["words", "secrets"]),
        guardrails=[CONFIGURED[0], {"guardrail_name": "words", "litellm_params": words}],
        router_settings={"fallbacks": [{"m": ["guarded"]}], "num_retries": 0},
    )
    live.upstream.script.append(replies.error(500, "down"))
    answer = await live.chat(key, messages=AURORA, stream=is_stream)
    assert (answer.status_code, answer.json()["error"].get("guardrail")) == (400, "words")
    assert len(live.upstream.requests) == 1

    told = ["so", "borealis", "it", "is"]
    live.upstream.default = replies.stream(told) if is_stream else replies.ok(" ".join(told))
    sent = [{"role": "user", "content": "borealis"}]
    live.upstream.script.append(replies.error(500, "down"))
    answer = await live.chat(key, messages=sent, stream=is_stream)
    assert answer.status_code == 200
    assert live.upstream.requests[-2].json["messages"] == sent
    assert live.upstream.requests[-1].json["messages"][0]["content"] == "[KEYWORD_REDACTED]"
    assert "borealis" not in answer.text
    assert answer.headers["x-litellm-applied-guardrails"] == "secrets,words"
    rows = await live.rows(key)
    assert rows[-1].details["applied_guardrails"] == ["secrets", "words"]


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
