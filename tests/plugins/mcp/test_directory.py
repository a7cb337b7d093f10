"""What servers of the database may not say."""

import pytest
from gateway_mcp.directory import Directory

from gateway.domain import McpServerRecord
from gateway.hooks import OFFLINE


@pytest.mark.parametrize(
    ("settings", "reason"),
    [
        ({"url": "https://mcp.example", "allow_anonymous": True}, "only the configuration"),
        ({"spec_path": "/etc/passwd"}, "only the configuration"),
        ({"transport": "stdio", "command": "sh"}, "stdio_commands"),
    ],
)
def test_the_database_opens_nothing_that_the_operator_has_not(
    settings: dict[str, object], reason: str
) -> None:
    directory = Directory({}, frozenset(), OFFLINE.mcp)
    with pytest.raises(ValueError, match=reason):
        directory.check(McpServerRecord(server_id="a", name="a", settings=settings))
