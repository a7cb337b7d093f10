"""What a row of an MCP server says: also one that another program has written."""

import json
from typing import Any

import pytest

from gateway.catalog.added import McpServerRow
from gateway.catalog.stored_mcp import OWN, PINS, build_settings, read_mcp
from gateway.db.sealing import Seal
from gateway.domain import McpShelf, Secret
from tests.litellm_secrets import CREDENTIALS, HEADERS, SALT

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
        # LiteLLM keeps some settings there, which win over nothing that was said elsewhere.
        ({"credentials": {"audience": "a", "upstream_resource": ""}}, {"audience": "a"}),
        ({"audience": "b", "credentials": {"audience": "a"}}, {"audience": "b"}),
        ({"mcp_info": {OWN: {"audience": None}}, "credentials": {"audience": "a"}}, {}),
    ],
    ids=[
        *("own", "foreign", "garbled", "columns", "changed", "emptied", "pinned", "unpinned", "credentials"),
        *("kept with them", "said elsewhere", "emptied elsewhere"),
    ],
)
def test_what_a_row_says(columns: dict[str, Any], found: dict[str, Any]) -> None:
    assert build_settings({"server_id": "s", **columns}) == {"server_id": "s", **found}


@pytest.mark.parametrize("headers", [HEADERS, {"X-Key": "header-secret"}, '{"X-Key": "header-secret"}'])
def test_secrets_are_read_as_each_release_of_litellm_stores_them(headers: object) -> None:
    """Until 1.100 headers were stored plainly, since 1.106 as one encrypted text."""
    columns = {
        "server_id": "s",
        "url": "http://x",
        "auth_type": "api_key",
        "credentials": CREDENTIALS,
        "static_headers": headers,
    }
    row = McpServerRow(server_id="s", columns=json.dumps(columns))
    _, shelf = read_mcp((row,), (), Seal(Secret(SALT)), {}, ((), McpShelf()))
    settings = shelf.servers[0].settings
    assert settings["static_headers"] == {"X-Key": "header-secret"}
    assert (settings["auth_value"], settings["aws_region_name"]) == ("av", "eu-west-1")
    assert not any("dcr" in name or "redirect" in name for name in settings)


def test_a_row_that_cannot_be_read_leaves_the_others_as_they_are() -> None:
    rows = tuple(
        McpServerRow(
            server_id=name, columns=f'{{"server_id": "{name}", "url": "http://x", "mcp_info": {info}}}'
        )
        for name, info in (("broken", '"no JSON"'), ("well", "{}"))
    )
    added, shelf = read_mcp(rows, (), Seal(Secret("salt-of-the-test-0123456789")), {}, ((), McpShelf()))
    assert [one.record is None for one in added] == [True, False]
    assert "no JSON" in (added[0].fault or "")
    assert [one.server_id for one in shelf.servers] == ["well"]
