import asyncio

import pytest

from gateway.cache.documents import Documents, Freshness
from gateway.errors import ServiceUnavailable
from gateway.testing import FakeClock

URL = "https://idp.example.com/jwks"
FRESH = Freshness(ttl=600, stale=3600, pause=5, renewal=10)


class Server:
    """Publishes a number, which grows with each answer; may be away, and may be held back."""

    def __init__(self) -> None:
        self.asked = 0
        self.is_away = False
        self.gate = asyncio.Event()
        self.gate.set()

    async def read(self, _url: str) -> int:
        self.asked += 1
        await self.gate.wait()
        if self.is_away:
            raise ServiceUnavailable("away")
        return self.asked


@pytest.fixture
def server() -> Server:
    return Server()


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def documents(server: Server, clock: FakeClock) -> Documents[int]:
    return Documents(server.read, clock, absent_on=ServiceUnavailable)


async def until_asked(server: Server, times: int) -> None:
    async with asyncio.timeout(30):
        while server.asked < times:  # noqa: ASYNC110  one turn of the loop is what it waits for
            await asyncio.sleep(0)


async def test_a_document_is_read_once(documents, server):
    assert [await documents.get(URL, FRESH) for _ in range(3)] == [1, 1, 1]
    assert server.asked == 1


async def test_everybody_who_waits_shares_one_call(documents, server):
    server.gate.clear()
    waiting = [asyncio.create_task(documents.get(URL, FRESH)) for _ in range(20)]
    await until_asked(server, 1)
    server.gate.set()

    assert await asyncio.gather(*waiting) == [1] * 20
    assert server.asked == 1


async def test_who_gives_up_takes_the_call_from_nobody(documents, server):
    server.gate.clear()
    first, second = (asyncio.create_task(documents.get(URL, FRESH)) for _ in range(2))
    await until_asked(server, 1)
    first.cancel()
    server.gate.set()

    assert await second == 1


async def test_an_old_document_serves_while_it_is_renewed(documents, server, clock):
    await documents.get(URL, FRESH)
    clock.advance(601)
    server.gate.clear()

    assert [await documents.get(URL, FRESH) for _ in range(3)] == [1, 1, 1]
    await until_asked(server, 2)
    server.gate.set()
    await asyncio.sleep(0)
    await asyncio.sleep(0)

    assert await documents.get(URL, FRESH) == 2


async def test_while_the_server_is_away_a_document_serves_for_the_stated_time(documents, server, clock):
    await documents.get(URL, FRESH)
    server.is_away = True
    clock.advance(600 + 3599)
    assert await documents.get(URL, FRESH) == 1
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    clock.advance(10)

    with pytest.raises(ServiceUnavailable):
        await documents.get(URL, FRESH)


async def test_a_server_that_is_away_is_not_asked_all_the_time(documents, server, clock):
    server.is_away = True
    for _ in range(5):
        with pytest.raises(ServiceUnavailable):
            await documents.get(URL, FRESH)
    assert server.asked == 1
    clock.advance(6)
    server.is_away = False

    assert await documents.get(URL, FRESH) == 2


async def test_a_renewal_that_is_asked_for_is_limited(documents, server, clock):
    await documents.get(URL, FRESH)

    assert await documents.renew(URL, FRESH) is None
    clock.advance(11)
    assert await documents.renew(URL, FRESH) == 2
    assert await documents.renew(URL, FRESH) is None
    assert server.asked == 2


async def test_a_renewal_that_fails_leaves_what_is_known(documents, server, clock):
    await documents.get(URL, FRESH)
    clock.advance(11)
    server.is_away = True

    assert await documents.renew(URL, FRESH) == 1


async def test_closing_stops_what_is_being_read(documents, server):
    server.gate.clear()
    waiting = asyncio.create_task(documents.get(URL, FRESH))
    await until_asked(server, 1)

    await documents.close()

    with pytest.raises(asyncio.CancelledError):
        await waiting
