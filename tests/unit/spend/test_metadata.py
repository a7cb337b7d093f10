"""The member `metadata` of a record, put together without decoding what is encoded already."""

import msgspec
import pytest

from gateway.domain import Principal
from gateway.spend.metadata import McpToolCall, add_tool_call, encode_principal

CALL = McpToolCall("echo", "tools", "tools/echo")


@pytest.mark.parametrize("alias", [None, "mine"])
def test_the_call_of_a_tool_stands_beside_what_is_said_of_its_caller(alias: str | None) -> None:
    caller = Principal(token_hash="hash", key_alias=alias)
    found = msgspec.json.decode(add_tool_call(encode_principal(caller), CALL))
    told = {} if alias is None else {"user_api_key_alias": alias}
    call = {"name": "echo", "mcp_server_name": "tools", "namespaced_tool_name": "tools/echo"}
    assert found == told | {"mcp_tool_call_metadata": call}
