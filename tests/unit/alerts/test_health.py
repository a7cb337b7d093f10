import pytest

from gateway.alerts.events import Alert
from gateway.alerts.health import HealthAlerts, HealthSigns


class Worker:
    """A worker whose signs can be set."""

    def __init__(self) -> None:
        self.told: list[Alert] = []
        self.calls: list[str] = []
        self.is_reachable = True
        self.is_recording = True
        self.unbooked = 0
        signs = HealthSigns(
            lambda _seconds: self.calls, self.ask_database, lambda: self.is_recording, lambda: self.unbooked
        )
        self.health = HealthAlerts(self.told.append, signs, 300)

    async def ask_database(self) -> bool:
        return self.is_reachable

    async def look(self) -> list[tuple[str, str]]:
        self.told.clear()
        await self.health.look()
        assert all(alert.is_own for alert in self.told)
        return [(alert.type, alert.event.event_message) for alert in self.told]


@pytest.fixture
def worker() -> Worker:
    return Worker()


async def test_of_a_healthy_worker_nothing_is_told(worker: Worker) -> None:
    assert await worker.look() == []


async def test_requests_that_hang_are_counted_and_the_oldest_named(worker: Worker) -> None:
    worker.calls = [f"c{number}" for number in range(7)]
    text = "7 requests are under way for more than 300 s: c0, c1, c2, c3, c4, ..."
    assert await worker.look() == [("llm_requests_hanging", text)]


async def test_a_database_that_is_away_twice_is_told(worker: Worker) -> None:
    worker.is_reachable = False
    assert await worker.look() == []
    ((kind, text),) = await worker.look()
    assert kind == "db_exceptions"
    assert text.startswith("The database does not answer.")
    worker.is_reachable = True
    assert await worker.look() == []


async def test_spend_that_is_not_written_down_or_not_booked_is_told(worker: Worker) -> None:
    worker.is_recording = False
    worker.unbooked = 3
    told = await worker.look()
    assert [kind for kind, _ in told] == ["failed_tracking_spend"] * 2
    assert "refused 3 records" in told[1][1]
    worker.is_recording = True
    assert await worker.look() == []
    worker.unbooked = 4
    ((_, text),) = await worker.look()
    assert "refused 1 records" in text
