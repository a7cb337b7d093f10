"""Policies on the real path: which guardrails they bring to a request, and what pipelines do."""

from typing import Any

import pytest

from tests.integration.counting import counting, quiet
from tests.integration.serving import MASTER_KEY, LiveGateway, bearer, deployment
from tests.upstreams import replies

pytestmark = pytest.mark.asyncio(loop_scope="session")


def words(name: str, word: str, **params: object) -> dict[str, Any]:
    """A guardrail that runs for nobody by itself."""
    given = {"guardrail": "keywords", "mode": "pre_call", "blocked_words": [{"keyword": word}], **params}
    return {"guardrail_name": name, "litellm_params": given}


GUARDRAILS = [
    words("no-aurora", "aurora"),
    words("no-borealis", "borealis"),
    words("no-answer", "hello", mode="post_call"),
]
POLICIES: dict[str, Any] = {
    "baseline": {"guardrails": {"add": ["no-aurora"]}},
    "strict": {"inherit": "baseline", "guardrails": {"add": ["no-borealis"]}},
    "relaxed": {"inherit": "strict", "guardrails": {"remove": ["no-aurora"]}},
}


def serve(live: LiveGateway, attachments: list[dict[str, object]], **policies: object) -> None:
    models = deployment("m", live.upstream), deployment("other", live.upstream)
    live.configure(
        *models,
        guardrails=GUARDRAILS,
        policies={**POLICIES, **policies},
        policy_attachments=attachments,
        router_settings={"fallbacks": [{"m": ["other"]}], "num_retries": 0},
    )


async def says(live: LiveGateway, key: str, text: str, **members: object) -> int:
    answer = await live.chat(key, messages=[{"role": "user", "content": text}], **members)
    return answer.status_code


async def test_an_attachment_to_everything(live: LiveGateway, key: str) -> None:
    serve(live, [{"policy": "strict", "scope": "*"}])
    assert await says(live, key, "an aurora") == 400
    assert await says(live, key, "a borealis") == 400
    answer = await live.chat(key)
    assert answer.status_code == 200
    assert answer.headers["x-litellm-applied-policies"] == "strict"
    assert answer.headers["x-litellm-policy-sources"] == "strict=scope:*"
    assert answer.headers["x-litellm-applied-guardrails"] == "no-aurora,no-borealis"
    row = (await live.rows(key))[-1]
    assert row.details["applied_policies"] == ["strict"]
    assert row.details["policy_sources"] == {"strict": "scope:*"}
    assert [item["policy_id"] for item in row.details["guardrail_information"]] == ["strict"] * 2


async def test_what_a_child_removes_does_not_run(live: LiveGateway, key: str) -> None:
    serve(live, [{"policy": "relaxed", "scope": "*"}])
    assert await says(live, key, "an aurora") == 200
    assert await says(live, key, "a borealis") == 400


async def test_attachments_by_key_tag_and_model(live: LiveGateway) -> None:
    dev, other = await live.make_key(key_alias="pol-dev-1"), await live.make_key(key_alias="pol-else")
    serve(
        live,
        [
            {"policy": "baseline", "keys": ["pol-dev-*"]},
            {"policy": "strict", "tags": ["health*"], "models": ["m"]},
        ],
    )
    assert await says(live, dev, "an aurora") == 400
    assert await says(live, other, "an aurora") == 200
    assert await says(live, other, "an aurora", tags=["healthcare"]) == 400
    assert await says(live, other, "an aurora", tags=["wealth"]) == 200
    assert await says(live, other, "an aurora", tags=["healthcare"], model="other") == 200


async def test_a_default_attachment_applies_where_no_other_does(live: LiveGateway) -> None:
    dev, other = await live.make_key(key_alias="pol-def-1"), await live.make_key()
    serve(
        live,
        [{"policy": "strict", "scope": "*", "default": True}, {"policy": "baseline", "keys": ["pol-def-1"]}],
    )
    assert await says(live, dev, "a borealis") == 200
    assert await says(live, other, "a borealis") == 400


async def test_key_team_and_request_name_policies(live: LiveGateway, key: str) -> None:
    serve(live, [])
    named = await live.make_key(policies=["baseline"])
    assert await says(live, named, "an aurora") == 400
    assert await says(live, key, "an aurora") == 200
    assert await says(live, key, "an aurora", policies=["baseline"]) == 400
    assert await says(live, key, "an aurora", metadata={"policies": ["baseline"]}) == 400
    assert await says(live, key, "a word", policies=["nobodys"]) == 400
    assert await says(live, key, "a word", policies="baseline") == 400
    lost = await live.make_key(policies=["nobodys"])
    answer = await live.chat(lost)
    assert (answer.status_code, answer.json()["error"]["policy"]) == (503, "nobodys")


async def test_teams_users_and_projects_have_policies(live: LiveGateway) -> None:
    serve(live, [])

    async def make(path: str, **members: object) -> Any:
        answer = await live.http.post(path, json=members, headers=bearer(MASTER_KEY))
        assert answer.status_code == 200, answer.text
        return answer.json()

    plain = (await make("/team/new"))["team_id"]
    team = (await make("/team/new", policies=["baseline"]))["team_id"]
    project = (await make("/project/new", team_id=plain, policies=["baseline"]))["project_id"]
    user = (await make("/user/new", policies=["baseline"], auto_create_key=False))["user_id"]
    keys = [
        await live.make_key(team_id=team),
        await live.make_key(team_id=plain, project_id=project),
        await live.make_key(user_id=user),
    ]
    assert [await says(live, one, "an aurora") for one in keys] == [400, 400, 400]
    assert await says(live, await live.make_key(team_id=plain), "an aurora") == 200


async def test_what_a_request_chose_cannot_end_a_header(live: LiveGateway, key: str) -> None:
    serve(live, [{"policy": "baseline", "tags": ["health*"]}])
    answer = await live.chat(key, tags=["health\r\nx-evil: 1\u00e9\u4e2d"])
    assert answer.status_code == 200
    assert answer.headers["x-litellm-policy-sources"] == "baseline=tag:health  x-evil: 1??"
    assert "x-evil" not in answer.headers


async def test_a_warm_request_asks_no_database_for_policies(live: LiveGateway, key: str) -> None:
    serve(live, [{"policy": "strict", "scope": "*"}])
    await quiet(live)
    await live.chat(key)
    async with counting(live, holds_drain=True) as counter:
        assert (await live.chat(key)).status_code == 200
        await live.settled()
    assert counter.statements == []


@pytest.mark.parametrize(
    "policy",
    [
        {"guardrails": {"add": ["not-set-up"]}},
        {"inherit": "nobody"},
        {"inherit": "bad"},
        {"inherit": "worse"},
    ],
)
async def test_a_policy_that_cannot_be_followed_refuses_whom_it_concerns(
    live: LiveGateway, key: str, policy: dict[str, object]
) -> None:
    serve(live, [{"policy": "bad", "models": ["m"]}], bad=policy, worse={"inherit": "bad"})
    answer = await live.chat(key)
    assert (answer.status_code, answer.json()["error"]["policy"]) == (503, "bad")
    assert live.upstream.requests == []
    assert await says(live, key, "a word", model="other") == 200


async def test_a_condition_on_the_model(live: LiveGateway, key: str) -> None:
    policy = {"guardrails": {"add": ["no-aurora"]}, "condition": {"model": "oth.*"}}
    serve(live, [{"policy": "some", "scope": "*"}], some=policy)
    assert await says(live, key, "an aurora") == 200
    assert await says(live, key, "an aurora", model="other") == 400


async def test_a_fallback_has_its_policies_too(live: LiveGateway, key: str) -> None:
    serve(live, [{"policy": "baseline", "models": ["other"]}])
    live.upstream.script = [replies.error(500, "Broken.")]
    assert await says(live, key, "an aurora") == 400
    assert len(live.upstream.requests) == 1


def pipeline(*steps: dict[str, object], mode: str = "pre_call") -> dict[str, object]:
    return {"pipeline": {"mode": mode, "steps": list(steps)}}


@pytest.mark.parametrize(
    ("text", "status"), [("an aurora", 200), ("an aurora borealis", 400), ("a borealis", 200)]
)
async def test_a_pipeline_goes_on_where_it_is_told_to(
    live: LiveGateway, key: str, text: str, status: int
) -> None:
    """The second guardrail decides only about what the first one found."""
    steps = (
        {"guardrail": "no-aurora", "on_pass": "allow", "on_fail": "next"},
        {"guardrail": "no-borealis", "on_fail": "block"},
    )
    serve(live, [{"policy": "line", "scope": "*"}], line=pipeline(*steps))
    assert await says(live, key, text) == status


@pytest.mark.parametrize("is_stream", [False, True])
async def test_a_pipeline_answers_itself_before_the_call(
    live: LiveGateway, key: str, *, is_stream: bool
) -> None:
    step = {
        "guardrail": "no-aurora",
        "on_fail": "modify_response",
        "modify_response_message": "We do not speak of it.",
    }
    serve(live, [{"policy": "line", "scope": "*"}], line=pipeline(step))
    message = {"role": "user", "content": "an aurora"}
    answer = await live.chat(key, messages=[message], stream=is_stream)
    assert answer.status_code == 200
    assert "We do not speak of it." in answer.text or is_stream
    assert ("speak" in answer.text, live.upstream.requests) == (True, [])
    row = await live.row(key)
    assert (row.nanos, row.details["applied_policies"]) == (0, ["line"])
    answer = await live.post("/v1/embeddings", key, {"model": "m", "input": "an aurora"})
    assert answer.status_code == 400


@pytest.mark.parametrize("is_stream", [False, True])
async def test_a_pipeline_replaces_an_answer(live: LiveGateway, key: str, *, is_stream: bool) -> None:
    step = {
        "guardrail": "no-answer",
        "on_fail": "modify_response",
        "modify_response_message": "Something else.",
    }
    serve(live, [{"policy": "line", "scope": "*"}], line=pipeline(step, mode="post_call"))
    live.upstream.default = replies.ok("hello there, it is me")
    answer = await live.chat(key, stream=is_stream)
    assert answer.status_code == 200
    assert "Something else." in answer.text
    assert "there" not in answer.text


async def test_a_pass_through_has_policies_too(live: LiveGateway, key: str) -> None:
    """Its path is what patterns of models are compared with; and it cannot say a message."""
    step = {"guardrail": "no-borealis", "on_fail": "modify_response", "modify_response_message": "No."}
    live.configure(
        deployment("m", live.upstream),
        general_settings={"pass_through_endpoints": [{"path": "/svc", "target": live.upstream.origin}]},
        guardrails=GUARDRAILS,
        policies={**POLICIES, "line": pipeline(step)},
        policy_attachments=[{"policy": "baseline", "models": ["/sv*"]}, {"policy": "line", "scope": "*"}],
    )
    live.upstream.default = replies.raw(200, b'{"fine": true}')
    answers = [await live.post("/svc", key, {"say": text}) for text in ("fine", "an aurora", "a borealis")]
    assert [answer.status_code for answer in answers] == [200, 400, 400]
    assert answers[0].headers["x-litellm-applied-guardrails"] == "no-aurora,no-borealis"
    assert answers[0].headers["x-litellm-applied-policies"] == "baseline,line"
    assert answers[2].json()["error"]["message"] == "No."
    assert len(live.upstream.requests) == 1


async def test_without_policies_nothing_is_told(live: LiveGateway, key: str) -> None:
    serve(live, [])
    answer = await live.chat(key)
    assert "x-litellm-applied-policies" not in answer.headers
