import asyncio
from collections.abc import Sequence

import pytest

from gateway.cache.batch import Batch


class Source:
    def __init__(self) -> None:
        self.asked: list[list[int]] = []
        self.begun = asyncio.Event()
        self.gate = asyncio.Event()
        self.gate.set()

    async def load(self, keys: Sequence[int]) -> dict[int, str]:
        self.asked.append(list(keys))
        self.begun.set()
        await self.gate.wait()
        return {key: str(key) for key in keys}


async def test_what_is_asked_for_in_one_turn_is_read_together():
    source = Source()
    batch = Batch(source.load)
    assert await asyncio.gather(*(batch.get(key) for key in range(5))) == ["0", "1", "2", "3", "4"]
    assert source.asked == [[0, 1, 2, 3, 4]]


async def test_what_is_asked_for_while_all_are_busy_goes_into_the_next():
    source = Source()
    source.gate.clear()
    batch = Batch(source.load, width=1, most=2)
    first = asyncio.create_task(batch.get(0))
    await source.begun.wait()
    rest = asyncio.gather(*(batch.get(key) for key in (1, 2, 3)))
    await asyncio.sleep(0)
    assert source.asked == [[0]]
    source.gate.set()
    assert await first == "0"
    assert await rest == ["1", "2", "3"]
    assert source.asked == [[0], [1, 2], [3]]


async def test_an_error_reaches_everybody_who_asked_and_nobody_later():
    calls = 0

    async def load(keys: Sequence[int]) -> dict[int, str]:
        nonlocal calls
        calls += 1
        if calls == 1:
            raise LookupError("away")
        return dict.fromkeys(keys, "here")

    batch = Batch(load)
    found = await asyncio.gather(batch.get(1), batch.get(2), return_exceptions=True)
    assert [type(item) for item in found] == [LookupError, LookupError]
    assert await batch.get(1) == "here"


async def test_a_caller_that_gives_up_does_not_disturb_the_others():
    source = Source()
    source.gate.clear()
    batch = Batch(source.load)
    impatient, patient = asyncio.create_task(batch.get(1)), asyncio.create_task(batch.get(2))
    await source.begun.wait()
    impatient.cancel()
    source.gate.set()
    assert await patient == "2"
    with pytest.raises(asyncio.CancelledError):
        await impatient
