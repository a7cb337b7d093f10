"""The queue of records that are inspected after their calls."""

import asyncio
from typing import Any, cast

import pytest
from structlog.testing import capture_logs

from gateway.errors import DatabaseUnavailable
from gateway.spend.drain import Drain
from gateway.spend.inspections import Inspected, Inspection, Inspections
from gateway.spend.inspections_store import InspectedRow, InspectionStore

pytestmark = pytest.mark.asyncio


class _Place:
    """A drain that has drained, and a store that keeps rows; the first `failures` calls fail."""

    def __init__(self, failures: int = 0) -> None:
        self.rows: list[InspectedRow] = []
        self.failures = failures

    async def flush(self) -> None:
        if self.failures:
            self.failures -= 1
            raise DatabaseUnavailable("away")

    async def complete(self, rows: list[InspectedRow]) -> None:
        self.rows += rows


def build(place: _Place, **options: Any) -> tuple[Inspections, list[float]]:
    pauses: list[float] = []

    async def pause(seconds: float) -> None:
        pauses.append(seconds)

    drain, store = cast("Drain", place), cast("InspectionStore", place)
    return Inspections(drain, store, pause=pause, **options), pauses


def inspection(name: str, *, size: int = 1, error: BaseException | None = None) -> Inspection:
    async def inspect() -> Inspected:
        if error is not None:
            raise error
        return Inspected(None)

    return Inspection(name, name, 0, size, inspect)


async def test_what_waits_is_bounded_by_count_and_by_size() -> None:
    queue, _ = build(_Place(), most=2)
    assert not queue.put(inspection("large", size=65 * 1024 * 1024))
    assert [queue.put(inspection(name)) for name in "abc"] == [True, True, False]


async def test_everything_that_waits_is_stored_before_it_closes() -> None:
    queue, pauses = build(place := _Place(failures=2))
    for place_in_line in range(150):
        assert queue.put(inspection(str(place_in_line)))
    job = asyncio.create_task(queue.run())
    await queue.close(5)
    assert [row.charge_id for row in place.rows] == [str(number) for number in range(150)]
    assert pauses == [0.1, 0.2]
    job.cancel()


async def test_what_cannot_be_stored_in_time_is_given_up() -> None:
    queue, _ = build(_Place())
    queue.put(inspection("a"))
    with capture_logs() as logs:
        await queue.close(0)
    assert [(entry["event"], entry["count"]) for entry in logs] == [("records_not_inspected", 1)]


@pytest.mark.parametrize("error", [RuntimeError(), asyncio.CancelledError()])
async def test_a_defect_of_one_stops_nothing_and_shows_nothing(error: BaseException) -> None:
    queue, _ = build(place := _Place())
    queue.put(inspection("broken", error=error))
    queue.put(inspection("whole"))
    job = asyncio.create_task(queue.run())
    await queue.flush()
    assert [(row.charge_id, row.messages) for row in place.rows] == [("broken", None), ("whole", None)]
    job.cancel()
