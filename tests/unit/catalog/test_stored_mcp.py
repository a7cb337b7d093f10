"""What a row of an MCP server says: also one that another program has written."""

from typing import Any

import pytest

from gateway.catalog.stored_mcp import OWN, PINS, build_settings

_PINS = {"find": {"description": "Find it.", "input_schema": None}}


@pytest.mark.parametrize(
    ("columns", "found"),
    [
        ({"mcp_info": {OWN: {"rpm": 0, "timeout": 5.0}}}, {"rpm": 0, "timeout": 5.0}),
        ({"mcp_info": {OWN: {"url": "http://elsewhere", "allow_anonymous": True}}}, {}),
        ({"mcp_info": {OWN: "no object"}}, {}),
        # A later release of LiteLLM has columns; what was changed here wins, and what was emptied stays so.
        ({"rpm": 7, "max_concurrent_requests": 2}, {"rpm": 7, "max_concurrent_requests": 2}),
        ({"rpm": 7, "mcp_info": {OWN: {"rpm": 9}}}, {"rpm": 9}),
        ({"rpm": 7, "mcp_info": {OWN: {"rpm": None}}}, {}),
        ({"pinned_tools": _PINS}, {"pinned_tools": _PINS}),
        ({"pinned_tools": _PINS, "mcp_info": {PINS: None}}, {}),
        # Credentials are nothing else: neither a place nor a right.
        (
            {"credentials": {"auth_value": "v", "command": "sh", "allow_all_keys": True}},
            {"auth_value": "v", "credentials.command": "sh", "credentials.allow_all_keys": True},
        ),
    ],
    ids=[
        *("own", "foreign", "garbled", "columns", "changed", "emptied", "pinned", "unpinned", "credentials"),
    ],
)
def test_what_a_row_says(columns: dict[str, Any], found: dict[str, Any]) -> None:
    assert build_settings({"server_id": "s", **columns}) == {"server_id": "s", **found}
