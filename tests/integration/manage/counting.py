"""How many SQL statements a management route sends."""

from typing import Any

from tests.integration.manage.conftest import Desk

REREADS = (
    "ORDER BY created_at, model_id",
    "ORDER BY credential_name",
    "ORDER BY created_at, guardrail_id",
    "ORDER BY param_name",
    "version_number DESC",
    "ORDER BY created_at, attachment_id",
    "ORDER BY tool_name",
    "ORDER BY created_at, server_id",
    "ORDER BY toolset_name",
)
"""Every change of models and settings has them read anew, which is no part of the route."""


async def statements(desk: Desk, method: str, path: str, **sent: Any) -> int:
    """Ask as the master key, which needs no look-up, and expect success."""
    parts = desk.live.gateway.parts
    await desk.live.settled()
    async with parts.drain._turn, parts.database.count_statements() as counter:
        answer = await desk.ask(method, path, **sent)
    assert answer.status_code < 300, answer.text
    # The driver looks types of lists up once for each connection of the pool.
    own = [sql for sql in counter.statements if "typeinfo_tree" not in sql and "'jit'" not in sql]
    return len([sql for sql in own if not sql.strip().endswith(REREADS)])
