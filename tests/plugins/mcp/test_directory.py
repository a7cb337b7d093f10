"""What servers of the database may not say."""

import pytest
from gateway_mcp.directory import Directory

from gateway.domain import McpServerRecord, McpShelf


class Shelf:
    current = McpShelf()

    async def find_credential(self, user_id: str, server_id: str) -> str | None:
        del user_id, server_id


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
    directory = Directory({}, frozenset(), Shelf())
    with pytest.raises(ValueError, match=reason):
        directory.check(McpServerRecord(server_id="a", name="a", settings=settings))
