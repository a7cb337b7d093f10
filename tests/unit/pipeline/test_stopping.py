import asyncio

import pytest

from gateway.pipeline.stopping import Stop


async def fail(go: asyncio.Event) -> None:
    await go.wait()
    raise ValueError("no")


async def wait_stopped(ends: "asyncio.Task[None]", told: list[bool]) -> str:
    stop = Stop()
    ends.add_done_callback(stop.note_end)
    try:
        await asyncio.Event().wait()
    except asyncio.CancelledError:
        told.append(stop.take_back())
        if not told[0]:
            raise
    return "stopped"


async def test_a_failure_elsewhere_cancels_what_is_awaited_and_is_taken_back() -> None:
    go, told = asyncio.Event(), list[bool]()
    other = asyncio.create_task(fail(go))
    waiting = asyncio.create_task(wait_stopped(other, told))
    await asyncio.sleep(0)
    go.set()
    assert await waiting == "stopped"
    assert (told, waiting.cancelling()) == ([True], 0)
    assert isinstance(other.exception(), ValueError)


async def test_a_cancellation_from_elsewhere_stays() -> None:
    go, told = asyncio.Event(), list[bool]()
    other = asyncio.create_task(fail(go))
    waiting = asyncio.create_task(wait_stopped(other, told))
    await asyncio.sleep(0)
    waiting.cancel()
    go.set()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert told == [False]
    await asyncio.gather(other, return_exceptions=True)


async def test_both_at_once_are_a_cancellation_from_elsewhere() -> None:
    told = list[bool]()
    go = asyncio.Event()
    other = asyncio.create_task(fail(go))
    waiting = asyncio.create_task(wait_stopped(other, told))
    await asyncio.sleep(0)
    other.add_done_callback(lambda _: waiting.cancel())
    go.set()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert told == [False]
    assert isinstance(other.exception(), ValueError)


async def test_what_ends_well_or_is_cancelled_stops_nothing() -> None:
    stop = Stop()
    for other in (asyncio.create_task(asyncio.sleep(0)), asyncio.create_task(asyncio.sleep(60))):
        other.add_done_callback(stop.note_end)
        if not other.done():
            await asyncio.sleep(0)
            other.cancel()
        await asyncio.gather(other, return_exceptions=True)
    await asyncio.sleep(0)
    assert stop.take_back() is False
