"""Which tools `tool_permission` lets be offered and called."""

import json
from typing import Any

import msgspec
import pytest
from gateway_guardrails.tool_permission import ToolPermission, ToolPermissionParams

from gateway.sdk import Content, Direction, GuardrailCall, ToolUse, Verdict

MAIL = {
    "id": "mail",
    "decision": "allow",
    "tool_name": "send_.*",
    "allowed_param_patterns": {"to[].address": r".*@own\.test", "subject": ".{1,20}"},
}
RULES = [
    {"id": "no", "decision": "deny", "tool_name": "delete"},
    MAIL,
    {"id": "read", "decision": "allow", "tool_name": "read"},
]
GOOD: dict[str, Any] = {"to": [{"address": "a@own.test"}], "subject": "x"}


def judge(*tools: ToolUse, direction: Direction = Direction.RESPONSE, **params: Any) -> Verdict | None:
    built = msgspec.convert({"rules": RULES, **params}, ToolPermissionParams)
    return ToolPermission(built).inspect(Content(direction, (), tools), GuardrailCall(guardrail="tools"))


def called(name: str, arguments: Any = None) -> ToolUse:
    text = arguments if isinstance(arguments, str) else json.dumps(arguments or {})
    return ToolUse(name=name, path="choices[0].message.tool_calls[0]", arguments=text)


@pytest.mark.parametrize(
    ("tool", "is_allowed"),
    [
        (called("read"), True),
        (called("read_all"), False),
        (called("reading"), False),
        (called("other"), False),
        (called(""), False),
        (called("please_delete_all"), False),
        (called("send_mail", GOOD), True),
        (called("send_mail", {**GOOD, "to": [*GOOD["to"], {"address": "b@else.test"}]}), False),
        (called("send_mail", {**GOOD, "to": [{"address": "a@own.test\nb@else.test"}]}), False),
        (called("send_mail", {**GOOD, "to": []}), False),
        (called("send_mail", {**GOOD, "to": "a@own.test"}), False),
        (called("send_mail", {**GOOD, "to": [["a@own.test"]]}), False),
        (called("send_mail", {"to": GOOD["to"]}), False),
        (called("send_mail", {**GOOD, "subject": 7}), True),
        (called("send_mail", {**GOOD, "subject": {"a": "b"}}), True),
        (called("send_mail", {**GOOD, "subject": None}), True),
        (called("send_mail", {**GOOD, "subject": "x" * 21}), False),
        (called("send_mail", ""), False),
        (called("send_mail", "{"), False),
        (called("send_mail", "[]"), False),
        (
            called("send_mail", '{"to":[{"address":"a@else.test","address":"a@own.test"}],"subject":"x"}'),
            False,
        ),
        (called("send_mail", "[" * 100_000), False),
        (ToolUse(name="send_mail", path="content_block.name"), False),
    ],
)
def test_calls(tool: ToolUse, is_allowed: bool) -> None:  # noqa: FBT001  a case
    assert (judge(tool) is None) is is_allowed


def test_what_is_offered_has_no_arguments_yet() -> None:
    offered = ToolUse(name="send_mail", path="tools[0]")
    assert judge(offered, direction=Direction.REQUEST) is None
    by_mcp = ToolUse(name="send_mail", path="body.params", type="mcp", arguments="{}")
    assert judge(by_mcp, direction=Direction.REQUEST) is not None


def test_types_have_rules_of_their_own() -> None:
    rules = [{"id": "web", "decision": "deny", "tool_type": "web_search"}]
    hosted = ToolUse(name="", path="tools[0]", type="web_search_preview")
    verdict = judge(hosted, called("any"), rules=rules, default_action="allow")
    assert verdict is not None
    assert (
        verdict.refusal
        == "The guardrail 'tools' does not allow the tool 'web_search_preview' (tools[0]) by its rule 'web'."
    )
    assert judge(called("any"), rules=rules, default_action="allow") is None


def test_the_first_rule_that_fits_decides() -> None:
    rules = [{"id": "a", "decision": "allow", "tool_name": "delete_draft"}, *RULES]
    assert judge(called("delete_draft"), rules=rules) is None


def test_messages() -> None:
    template = "No {tool_name} here ({rule_id}); {unknown} {0.__class__}"
    verdict = judge(called("delete"), violation_message_template=template)
    assert verdict is not None
    assert verdict.refusal == "No delete here (no); {unknown} {0.__class__}"


def test_tools_are_taken_out() -> None:
    verdict = judge(called("read"), called("delete"), called("x"), on_disallowed_action="rewrite")
    assert verdict is not None
    assert (verdict.refusal, verdict.without) == (None, (1, 2))
    assert "'delete'" in verdict.notice


@pytest.mark.parametrize(
    "rule",
    [
        {"id": "x", "decision": "allow"},
        {"id": "x", "decision": "allow", "tool_name": "("},
        {"id": "x", "decision": "allow", "tool_name": "a)(b"},
        {"id": "x", "decision": "allow", "tool_name": r"(a)\1"},
        {"id": "x", "decision": "deny", "tool_name": "a", "allowed_param_patterns": {"a": "b"}},
        {"id": "x", "decision": "maybe", "tool_name": "a"},
        {"id": "x", "decision": "allow", "tool_name": "a" * 10_001},
    ],
)
def test_rules_that_are_none(rule: dict[str, Any]) -> None:
    with pytest.raises((ValueError, msgspec.ValidationError)):
        judge(called("read"), rules=[rule])


@pytest.mark.parametrize(
    ("server", "name", "is_allowed"),
    [("own", "list", True), ("other", "list", False), ("other", "own/list", False), ("other", "read", True)],
)
def test_rules_know_tools_of_mcp_servers_with_the_server_and_without(
    server: str,
    name: str,
    is_allowed: bool,  # noqa: FBT001  pytest passes it by name
) -> None:
    rules = [
        {"id": "own", "decision": "allow", "tool_name": "own/.*"},
        {"id": "read", "decision": "allow", "tool_name": "read"},
    ]
    tool = ToolUse(name=name, path="body.params", type="mcp", arguments="{}", server=server)
    assert (judge(tool, rules=rules) is None) is is_allowed
