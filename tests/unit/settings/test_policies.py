"""The sections `policies` and `policy_attachments`."""

import pytest

from gateway.errors import ConfigError
from gateway.settings.guardrails import GuardrailMode
from gateway.settings.node import build_node
from gateway.settings.policies import StepAction, read_attachment, read_policy


def test_a_whole_policy() -> None:
    found = read_policy(
        "p",
        build_node(
            {
                "description": "d",
                "inherit": "q",
                "guardrails": {"add": ["a", "a"], "remove": ["b"]},
                "condition": {"model": "gpt-4.*", "team": ["t*"]},
                "pipeline": {"mode": "post_call", "steps": [{"guardrail": "a", "on_fail": "next"}]},
            },
            "policies.p",
        ),
    )
    assert (found.inherit, found.add, found.remove) == ("q", ("a",), ("b",))
    assert (found.condition.models, found.condition.teams) == (("gpt-4*",), ("t*",))
    assert found.pipeline is not None
    assert found.pipeline.mode is GuardrailMode.POST_CALL
    assert found.pipeline.steps[0].on_fail is StepAction.NEXT
    assert found.pipeline.steps[0].on_pass is StepAction.ALLOW


@pytest.mark.parametrize(
    ("members", "path"),
    [
        ({"guardrail": ["a"]}, "p.guardrail"),
        ({"condition": {"model": "gpt-(3|4)"}}, "p.condition.model"),
        ({"condition": {"region": "eu"}}, "p.condition.region"),
        ({"pipeline": {"steps": []}}, "p.pipeline"),
        ({"pipeline": {"mode": "during_call", "steps": [{"guardrail": "a"}]}}, "p.pipeline.mode"),
        ({"pipeline": {"steps": [{"on_fail": "next"}]}}, "p.pipeline.steps[0]"),
        ({"pipeline": {"steps": [{"guardrail": "a", "on_fail": "retry"}]}}, "p.pipeline.steps[0].on_fail"),
        ({"pipeline": {"steps": [{"guardrail": "a", "on_fail": "modify_response"}]}}, "p.pipeline.steps[0]"),
    ],
)
def test_what_a_policy_cannot_be(members: dict[str, object], path: str) -> None:
    with pytest.raises(ConfigError) as raised:
        read_policy("p", build_node(members, "p"))
    assert raised.value.path == path


def test_a_whole_attachment() -> None:
    members = {"policy": "p", "teams": ["t"], "keys": ["k*"], "tags": "x", "priority": 2, "default": True}
    found = read_attachment(build_node(members, "a"))
    assert (found.policy, found.priority, found.is_default, found.is_global) == ("p", 2, True, False)
    assert (found.scope.teams, found.scope.keys, found.scope.tags) == (("t",), ("k*",), ("x",))


@pytest.mark.parametrize(
    "members",
    [{"policy": "p"}, {"scope": "*"}, {"policy": "p", "scope": "some"}, {"policy": "p", "tags": ["a+"]}],
)
def test_what_an_attachment_cannot_be(members: dict[str, object]) -> None:
    with pytest.raises(ConfigError):
        read_attachment(build_node(members, "a"))
