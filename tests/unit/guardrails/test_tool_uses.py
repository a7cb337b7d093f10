"""Which tools guardrails are shown, in whatever shape a body names them."""

import json
from typing import Any

import pytest

from gateway.guardrails.content import RequestText
from gateway.hooks import RequestBody


def names_in(called: str = "", **members: Any) -> list[tuple[str, str]]:
    text = RequestText(RequestBody.parse(json.dumps(members).encode()), called)
    return [(tool.server, tool.name) for tool in text.content().tools]


@pytest.mark.parametrize(
    ("tool", "names"),
    [
        ({"type": "function", "function": {"name": "a"}, "name": "b"}, ["a", "b"]),
        ({"type": "custom", "custom": {"name": "c"}}, ["c"]),
        ({"functionDeclarations": [{"name": "d"}, {"name": "e"}]}, ["d", "e"]),
        ({"type": "web_search"}, [""]),
    ],
)
def test_every_name_that_a_provider_may_take(tool: dict[str, Any], names: list[str]) -> None:
    assert names_in(tools=[tool]) == [("", name) for name in names]
    assert names_in(body={"tools": [tool]}) == [("", name) for name in names], "of a pass-through"


@pytest.mark.parametrize("spelling", ["fix-add", "alias-add", "add"])
def test_a_call_by_mcp_has_the_name_of_its_tool_however_it_is_spelt(spelling: str) -> None:
    message: dict[str, Any] = {"method": "tools/call", "params": {"name": spelling, "arguments": {}}}
    assert names_in("fix/add", body=message) == [("fix", "add")]
