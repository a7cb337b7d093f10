"""Workers that share limits through a real Redis; what the database would say is in memory."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import pytest_asyncio

from gateway.admission.hold import Want
from gateway.admission.options import LedgerOptions
from gateway.admission.shared.hold import RemoteHold
from gateway.admission.shared.ledger import SharedLedger
from gateway.admission.shared.membership import Membership, Timing
from gateway.admission.shared.names import Names
from gateway.admission.shared.seeds import Seeds
from gateway.admission.shared.totals_store import Total, entity_name
from gateway.admission.shared.wire import Wire
from gateway.cache.redis_link import RedisLink
from gateway.clock import SystemClock
from gateway.domain import Principal, Scope
from gateway.ids import new_charge_id
from tests.redis_servers import RedisServer, redis_programs

QUICK = Timing(beat=0.02, lease=0.5, gathering=0.2, poll=0.01, reconciles_after=0.1)
DEADLINE_SECONDS = 0.3
"""Longer than the usual one: the machine may have other things to do."""
AT_ONCE = Timing(gathering=0.0, poll=0.001)
PROGRAMS = redis_programs()


@dataclass
class Books:
    """What the database says: totals, and adjustments that are contained in them."""

    totals: dict[Scope, int] = field(default_factory=dict)
    adjustments: list[tuple[str, Scope, int]] = field(default_factory=list)
    reads: int = 0

    async def read(self, keys: Iterable[Scope]) -> dict[Scope, Total]:
        self.reads += 1
        return {
            key: Total(
                self.totals.get(key, 0), tuple(one for one, scope, _ in self.adjustments if scope == key)
            )
            for key in keys
        }

    async def list_adjustments(self, scopes: Iterable[Scope] | None) -> list[tuple[str, str, str, int]]:
        wanted = None if scopes is None else list(scopes)
        return [
            (one, *entity_name(scope), nanos)
            for one, scope, nanos in self.adjustments
            if wanted is None or scope in wanted
        ]

    def adjust(self, name: str, scope: Scope, nanos: int) -> None:
        self.totals[scope] = self.totals.get(scope, 0) + nanos
        self.adjustments.append((name, scope, nanos))


class Worker:
    """A worker with a journal: what it charges is drained when it stands still."""

    def __init__(
        self, url: str, name: str, books: Books, options: LedgerOptions, timing: Timing = QUICK
    ) -> None:
        self.clock = SystemClock()
        self.books = books
        self.undrained: dict[Scope, int] = {}
        names = Names("test")
        self.link = RedisLink(url, self.clock, deadline_seconds=DEADLINE_SECONDS)
        wire = Wire(self.link, names, name, self.clock)
        seeds = Seeds(self.link, names, wire, books)  # type: ignore[arg-type]  it answers as the store does
        self.ledger = SharedLedger(self.clock, options, wire, seeds)
        self.membership = Membership(
            self.link,
            names,
            wire,
            seeds,
            self.ledger,
            name,
            self.clock,
            stand_still=self.stand_still,
            timing=timing,
        )
        self.running: asyncio.Task[None] | None = None

    @asynccontextmanager
    async def stand_still(self) -> AsyncIterator["Worker"]:
        self.drain()
        yield self

    def charged_since(self) -> dict[Scope, int]:
        return dict(self.undrained)

    def drain(self) -> None:
        for scope, nanos in self.undrained.items():
            self.books.totals[scope] = self.books.totals.get(scope, 0) + nanos
        self.undrained.clear()

    async def open(self) -> None:
        await self.membership.open()
        self.running = asyncio.create_task(self.membership.run())

    async def stop_beating(self) -> None:
        """Die, or freeze: nobody hears of this worker any more."""
        if self.running is not None:
            self.running.cancel()
            await asyncio.gather(self.running, return_exceptions=True)
            self.running = None

    async def close(self) -> None:
        await self.stop_beating()
        await self.membership.close()

    async def take(
        self,
        principal: Principal,
        cost: int = 0,
        tokens: tuple[int, int, int] = (0, 0, 0),
        *,
        is_free: bool = False,
    ) -> RemoteHold:
        part = self.ledger.plans.find(principal, (), "m", "m")
        return await self.ledger.admit(part, Want(principal, cost, tokens, is_free), new_charge_id())

    async def settle(self, hold: RemoteHold, cost: int, entered: int = 0, answered: int = 0) -> None:
        """End a request as the pipeline does: the journal first, then Redis, with nothing in between."""
        for scope in hold.want.principal.scopes:
            self.undrained[scope] = self.undrained.get(scope, 0) + cost
        await hold.settle(cost, entered, answered)


@pytest.fixture(scope="session", params=[*PROGRAMS, "cluster"])
def redis_kind(request: pytest.FixtureRequest) -> str:
    kind: str = request.param
    return kind


class KeptRedis:
    """One server for all tests that do it no harm: a cluster takes two seconds until it can be written to."""

    def __init__(self, kind: str, folder: Path) -> None:
        self._kind = kind
        self._folder = folder
        self._server: RedisServer | None = None

    def get(self) -> RedisServer:
        """An empty server."""
        server = self._server
        if server is not None and not server.was_harmed:
            server.flush()
            return server
        self.close()
        program = PROGRAMS.get(self._kind)
        server = RedisServer(self._folder, program=program, is_cluster=self._kind == "cluster")
        self._server = server.__enter__()
        return server

    def close(self) -> None:
        if self._server is not None:
            self._server.kill()


@pytest.fixture(scope="session")
def kept_redis(redis_kind: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[KeptRedis]:
    kept = KeptRedis(redis_kind, tmp_path_factory.mktemp("redis"))
    yield kept
    kept.close()


@pytest.fixture
def redis_server(kept_redis: KeptRedis) -> RedisServer:
    return kept_redis.get()


@pytest.fixture
def books() -> Books:
    return Books()


Make = Callable[..., Worker]


@pytest_asyncio.fixture
async def make_worker(redis_server: RedisServer, books: Books) -> AsyncIterator[Make]:
    made: list[Worker] = []

    def make(
        name: str = "a",
        *,
        options: LedgerOptions | None = None,
        allowance: int | None = None,
        timing: Timing = QUICK,
    ) -> Worker:
        given = options or LedgerOptions(outage_allowance_nanos=allowance)
        worker = Worker(redis_server.url, name, books, given, timing)
        made.append(worker)
        return worker

    yield make
    redis_server.thaw()
    for worker in made:
        await worker.close()


@pytest_asyncio.fixture
async def worker(make_worker: Make) -> Worker:
    found = make_worker()
    await found.open()
    return found


async def eventually(condition: Callable[[], object], seconds: float = 30.0) -> None:
    async with asyncio.timeout(seconds):
        while not condition():  # noqa: ASYNC110  there is no event to wait on
            await asyncio.sleep(0.005)
