"""What policies would do is asked without a call."""

import secrets
from typing import Any

import pytest

from tests.integration.manage.conftest import Desk
from tests.integration.manage.counting import statements
from tests.integration.serving import LiveGateway, deployment

pytestmark = pytest.mark.asyncio(loop_scope="session")


def words(name: str, word: str, action: str = "BLOCK") -> dict[str, Any]:
    blocked = [{"keyword": word, "action": action}]
    return {
        "guardrail_name": name,
        "litellm_params": {"guardrail": "keywords", "mode": "pre_call", "blocked_words": blocked},
    }


@pytest.fixture(autouse=True)
def configured(live: LiveGateway) -> None:
    live.configure(
        deployment("m", live.upstream),
        guardrails=[words("no-aurora", "aurora"), words("mask-borealis", "borealis", "MASK")],
        policies={
            "base": {"guardrails": {"add": ["no-aurora"]}},
            "more": {"inherit": "base", "guardrails": {"add": ["mask-borealis"]}},
            "lost": {"inherit": "nobody"},
        },
        policy_attachments=[
            {"policy": "base", "scope": "*"},
            {"policy": "more", "teams": ["q-team"], "tags": ["q-*"]},
            {"policy": "lost", "keys": ["q-lost"]},
        ],
    )


async def test_resolution_says_what_and_why(desk: Desk) -> None:
    sent = {"team_alias": "q-team", "tags": ["x", "q-1"]}
    found = await desk.post("/policies/resolve", sent)
    assert found["effective_guardrails"] == ["mask-borealis", "no-aurora"]
    reasons = [(one["policy_name"], one["matched_via"]) for one in found["matched_policies"]]
    assert reasons == [("base", "scope:*"), ("more", "tag:q-1+team:q-team")]
    found = await desk.post("/policies/resolve?force_sync=true", {"key_alias": "q-lost"})
    assert "nobody" in found["matched_policies"][1]["fault"]
    tested = await desk.post("/policy/test", {"team_alias": "other"})
    assert (tested["matching_policies"], tested["resolved_guardrails"]) == (["base"], ["no-aurora"])


async def test_policies_are_shown_with_their_chains(desk: Desk) -> None:
    shown = await desk.get("/policy/info/more")
    assert shown["inheritance_chain"] == ["base", "more"]
    assert shown["resolved_guardrails"] == ["no-aurora", "mask-borealis"]
    assert (shown["scope"]["teams"], shown["scope"]["tags"]) == (["q-team"], ["q-*"])
    assert (await desk.ask("GET", "/policy/info/nobody")).status_code == 404
    listed = await desk.get("/policy/list", limit=2)
    assert (list(listed["policies"]), listed["total_count"]) == (["base", "lost"], 3)
    assert list((await desk.get("/policy/list", after="lost"))["policies"]) == ["more"]


async def test_policies_are_validated(desk: Desk) -> None:
    sent = {
        "good": {"inherit": "more"},
        "round": {"inherit": "round"},
        "orphan": {"inherit": "nobody"},
        "odd": {"guardrail": []},
        "wild": {"guardrails": {"add": ["none"], "remove": ["nor-this"]}},
    }
    found = await desk.post("/policy/validate", {"policies": sent})
    assert found["valid"] is False
    assert {(one["policy_name"], one["error_type"]) for one in found["errors"]} == {
        ("round", "circular_inheritance"),
        ("orphan", "invalid_inheritance"),
        ("odd", "invalid_syntax"),
        ("wild", "invalid_guardrail"),
    }
    assert [one["value"] for one in found["warnings"]] == ["nor-this"]
    assert (await desk.post("/policy/validate", {"policies": {"good": {"inherit": "more"}}}))["valid"]


async def test_a_pipeline_is_tried_out(desk: Desk) -> None:
    steps = [
        {"guardrail": "mask-borealis", "on_pass": "next"},
        {"guardrail": "no-aurora", "on_fail": "modify_response", "modify_response_message": "No."},
    ]
    message = {"role": "user", "content": "a borealis"}
    sent: dict[str, Any] = {"pipeline": {"steps": steps}, "test_messages": [message]}
    found = await desk.post("/policies/test-pipeline", sent)
    assert found["terminal_action"] == "allow"
    assert [one["outcome"] for one in found["step_results"]] == ["pass", "pass"]
    assert found["modified_data"]["messages"][0]["content"] == "a [KEYWORD_REDACTED]"
    sent["test_messages"] = [{"role": "user", "content": "aurora"}]
    found = await desk.post("/policies/test-pipeline", sent)
    assert (found["terminal_action"], found["modify_response_message"]) == ("modify_response", "No.")
    sent["pipeline"] = {"steps": [{"guardrail": "no-aurora"}]}
    found = await desk.post("/policies/test-pipeline", sent)
    assert (found["terminal_action"], found["step_results"][0]["outcome"]) == ("block", "fail")
    for pipeline in ({}, {"steps": [{"guardrail": "nobody"}]}):
        wrong = {"pipeline": pipeline, "test_messages": []}
        assert (await desk.ask("POST", "/policies/test-pipeline", json=wrong)).status_code == 400


async def test_policies_and_guardrails_are_tried_on_several_inputs(desk: Desk) -> None:
    path = "/utils/test_policies_and_guardrails"
    sent = {
        "policy_names": ["more"],
        "inputs_list": [{"texts": ["a borealis", "fine"]}, {"texts": ["an aurora"]}],
    }
    first, second = (await desk.post(path, sent))["results"]
    assert first["inputs"]["texts"] == ["a [KEYWORD_REDACTED]", "fine"]
    assert first["guardrail_errors"] == []
    assert [one["guardrail_name"] for one in second["guardrail_errors"]] == ["no-aurora"]
    for names in ({"policy_names": ["nobody"]}, {"guardrail_names": ["nobody"]}):
        assert (await desk.ask("POST", path, json=names)).status_code == 404
    many = {"guardrail_names": [], "inputs_list": [{}] * 101}
    assert (await desk.ask("POST", path, json=many)).status_code == 400


async def test_the_impact_of_an_attachment(desk: Desk, live: LiveGateway) -> None:
    mark = secrets.token_hex(4)
    team = (
        await desk.post("/team/new", {"team_alias": f"im_{mark}-team", "metadata": {"tags": [f"t{mark}"]}})
    )["team_id"]
    await live.make_key(key_alias=f"im_{mark}-1", team_id=team)
    await live.make_key(team_id=team)
    await live.make_key(key_alias=f"imx{mark}-2", metadata={"tags": [f"t{mark}"]})

    async def impact(**scope: object) -> tuple[int, int, int]:
        sent = {"policy_name": "base", **scope}
        found = await desk.post("/policies/attachments/estimate-impact", sent)
        counts = ("affected_keys_count", "unnamed_keys_count", "affected_teams_count")
        return tuple(found[name] for name in counts)  # type: ignore[return-value]  three of them

    assert await impact(keys=[f"im_{mark}-*"]) == (1, 0, 1)
    assert await impact(keys=[f"*{mark}-*"]) == (2, 0, 1)
    assert await impact(teams=[f"*{mark}*"]) == (2, 1, 1)
    assert await impact(tags=[f"t{mark}"]) == (3, 1, 1)
    assert await impact(tags=[f"t{mark}"], teams=["nobody"]) == (0, 0, 0)
    assert await impact(scope="*") == (-1, 0, -1)
    found = await desk.post(
        "/policies/attachments/estimate-impact", {"policy_name": "base", "keys": [f"*{mark}-*"]}
    )
    assert found["sample_keys"] == [f"im_{mark}-1", f"imx{mark}-2"]
    assert found["sample_teams"] == [f"im_{mark}-team"]
    body = {"policy_name": "base", "keys": ["x"]}
    assert await statements(desk, "POST", "/policies/attachments/estimate-impact", json=body) == 2


async def test_questions_are_not_for_everybody(desk: Desk, live: LiveGateway) -> None:
    key = await live.make_key()
    for method, path in (
        ("POST", "/policies/resolve"),
        ("POST", "/policy/test"),
        ("POST", "/policy/validate"),
        ("POST", "/policies/test-pipeline"),
        ("POST", "/utils/test_policies_and_guardrails"),
        ("POST", "/policies/attachments/estimate-impact"),
        ("GET", "/policy/list"),
        ("GET", "/policy/info/base"),
    ):
        assert (await desk.ask(method, path, key, json={})).status_code == 401
