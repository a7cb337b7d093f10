"""The ledger in Redis beside the same model as the ledger of one process."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import rule, run_state_machine_as_test

from gateway.admission.hold import Want
from gateway.admission.ledger import Ledger
from gateway.admission.options import LedgerOptions
from gateway.hooks import Admission
from gateway.ids import new_charge_id
from tests.integration.shared_limits.conftest import AT_ONCE, Books, Worker
from tests.redis_servers import RedisServer
from tests.unit.admission.ledger_model import WINDOW_SECONDS, LedgerMachine


@pytest.fixture(scope="module")
def server() -> Iterator[RedisServer]:
    with tempfile.TemporaryDirectory() as folder, RedisServer(Path(folder)) as running:
        yield running


class SharedLedgerMachine(LedgerMachine):
    """Two workers take turns; what they see is one ledger."""

    server: RedisServer

    def make_ledger(self) -> Ledger:
        self.server.flush()
        options = LedgerOptions(is_strict=self.is_strict)
        self.workers = [Worker(self.server.url, name, Books(), options, AT_ONCE) for name in "ab"]
        for worker in self.workers:
            self.loop.run_until_complete(worker.membership.open())
        self.turn = 0
        return self.workers[0].ledger

    def teardown(self) -> None:
        for worker in self.workers:
            self.loop.run_until_complete(worker.close())
        super().teardown()

    def admit(self, cost: int, tokens: tuple[int, int, int]) -> Admission:
        self.turn += 1
        ledger = self.workers[self.turn % 2].ledger
        part = ledger.plans.find(self.who, (), "m", "m")
        return self.loop.run_until_complete(ledger.admit(part, Want(self.who, cost, tokens), new_charge_id()))

    def look(self) -> None:
        part = self.ledger.plans.find(self.who, (), "m", "m")
        self.loop.run_until_complete(self.workers[0].ledger.read(part))

    @rule(seconds=st.just(WINDOW_SECONDS))
    def wait(self, seconds: int) -> None:
        """The server's clock cannot be turned: what its windows counted is taken away instead."""
        self.clock.advance(seconds)
        client = self.server.client()
        for name in client.keys("*:w:*"):
            client.delete(name)
        client.close()


@pytest.mark.parametrize("is_strict", [False, True])
def test_it_agrees_with_the_model(server: RedisServer, is_strict: bool) -> None:  # noqa: FBT001  pytest passes it by name
    machine = type("Machine", (SharedLedgerMachine,), {"server": server, "is_strict": is_strict})
    run_state_machine_as_test(
        machine, settings=settings(max_examples=40, stateful_step_count=30, deadline=None)
    )
