"""How many SQL statements a management route sends."""

from typing import Any

from tests.integration.counting import counting
from tests.integration.manage.conftest import Desk


async def statements(desk: Desk, method: str, path: str, **sent: Any) -> int:
    """Ask as the master key, which needs no look-up, and expect success."""
    async with counting(desk.live, holds_drain=True) as counter:
        answer = await desk.ask(method, path, **sent)
    assert answer.status_code < 300, answer.text
    return len(counter)
