import asyncio
import gc
import weakref

import pytest

from gateway.pipeline.interruption import Interruption, Reason


class Client:
    """Its `wait_until_gone` returns once `leave` was called."""

    def __init__(self) -> None:
        self._left = asyncio.Event()

    async def wait_until_gone(self) -> None:
        await self._left.wait()

    def leave(self) -> None:
        self._left.set()


async def test_an_armed_interruption_cancels_the_task_that_made_it() -> None:
    client = Client()
    interruption = Interruption(client.wait_until_gone)
    interruption.watch()
    interruption.arm()
    client.leave()
    with pytest.raises(asyncio.CancelledError):
        await asyncio.sleep(60)
    assert interruption.reason is Reason.CLIENT_LEFT
    assert interruption.absorb()
    interruption.close()
    await asyncio.sleep(0)


async def test_an_interruption_that_came_before_is_acted_upon_when_armed() -> None:
    client = Client()
    interruption = Interruption(client.wait_until_gone)
    interruption.watch()
    client.leave()
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert interruption.reason is Reason.CLIENT_LEFT
    interruption.arm()
    with pytest.raises(asyncio.CancelledError):
        await asyncio.sleep(60)
    assert interruption.absorb()
    interruption.close()


async def test_a_disarmed_interruption_only_notes() -> None:
    interruption = Interruption(Client().wait_until_gone)
    interruption.arm()
    interruption.disarm()
    interruption.stop()
    await asyncio.sleep(0)
    assert interruption.reason is Reason.STOPPING


async def test_the_first_reason_stays() -> None:
    interruption = Interruption(Client().wait_until_gone)
    interruption.stop()
    interruption.interrupt(Reason.CLIENT_LEFT)
    assert interruption.reason is Reason.STOPPING


async def test_a_cancellation_by_somebody_else_is_not_absorbed() -> None:
    interruption = Interruption(Client().wait_until_gone)
    assert not interruption.absorb()


async def test_a_watch_that_is_closed_leaves_nothing_to_the_garbage_collector() -> None:
    client = Client()
    interruption = Interruption(client.wait_until_gone)
    interruption.watch()
    await asyncio.sleep(0)
    interruption.close()
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    kept = weakref.ref(client)
    gc.disable()
    try:
        del client, interruption
        assert kept() is None
    finally:
        gc.enable()


async def test_a_client_that_is_gone_before_anybody_looks_is_noticed_then() -> None:
    client = Client()
    client.leave()
    interruption = Interruption(client.wait_until_gone)
    interruption.watch_soon()
    interruption.arm()
    with pytest.raises(asyncio.CancelledError):
        await asyncio.sleep(60)
    assert interruption.absorb()
    interruption.close()


async def test_a_request_that_is_answered_at_once_is_not_watched() -> None:
    client = Client()
    tasks = asyncio.all_tasks()
    interruption = Interruption(client.wait_until_gone)
    interruption.watch_soon()
    await asyncio.sleep(0)
    assert asyncio.all_tasks() == tasks
    interruption.close()
    client.leave()
    await asyncio.sleep(0.03)
    assert interruption.reason is None


async def test_an_answer_that_begins_at_once_is_watched_before_it_does() -> None:
    client = Client()
    interruption = Interruption(client.wait_until_gone)
    interruption.watch_soon()
    await interruption.watch_now()
    await interruption.watch_now()
    client.leave()
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert interruption.reason is Reason.CLIENT_LEFT
    interruption.close()
