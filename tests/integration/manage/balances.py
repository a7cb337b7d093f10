"""What the books say about objects that a test changed."""

from gateway.spend.books.check import check_books
from tests.integration.manage.conftest import Desk


async def differing(desk: Desk, *ids: str) -> list[object]:
    """What does not balance about these objects."""
    await desk.live.settled()
    await desk.live.gateway.parts.drain.flush()
    report = await check_books(desk.live.gateway.parts.database)
    return [one for one in report.differences if one.entity_id in ids]
