"""How long a key that is not in memory takes to be found, among very many.

    uv run python benchmarks/cold_lookup.py                       a million keys, ten thousand teams
    uv run python benchmarks/cold_lookup.py --keys 100000

Fills a PostgreSQL of its own, then finds random keys through the cache of a worker, one after the other and
64 at a time, beside a statement that reads nothing. Every look-up must be one statement, and the cache must
not grow beyond its capacity.
"""

import asyncio
import random
import resource
import statistics
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from pathlib import Path

import click
import uvloop

from gateway.cache.expiring import Limits
from gateway.clock import SystemClock
from gateway.db.embedded import EmbeddedPostgres
from gateway.db.engine import Database
from gateway.db.schema.upgrade import upgrade
from gateway.db.url import parse_database_url
from gateway.identity.principals import Principals
from gateway.identity.store import KeyStore
from gateway.ids import hash_token

_CAPACITY = 20_000
_FILL = (
    """INSERT INTO "LiteLLM_TeamTable"
        (team_id, team_alias, max_budget, tpm_limit, rpm_limit, models, updated_at)
    SELECT 'team-' || n, 'Team ' || n, 1000, 1000000, 10000, ARRAY['gpt-4o', 'openai/*'], now()
    FROM generate_series(0, $1 - 1) n""",
    """INSERT INTO "LiteLLM_UserTable" (user_id, user_email, max_budget, updated_at)
    SELECT 'user-' || n, n || '@example.com', 100, now() FROM generate_series(0, $1 - 1) n""",
    """INSERT INTO "LiteLLM_TeamMembership" (user_id, team_id)
    SELECT 'user-' || n, 'team-' || n FROM generate_series(0, $1 - 1) n""",
)
_FILL_KEYS = """
INSERT INTO "LiteLLM_VerificationToken" (token, key_name, user_id, team_id, max_budget, models, updated_at)
SELECT encode(sha256(convert_to('sk-' || n, 'UTF8')), 'hex'), 'sk-...' || n, 'user-' || n % $2,
    'team-' || n % $2, 10, ARRAY['gpt-4o'], now()
FROM generate_series(0, $1 - 1) n
"""


async def fill(database: Database, keys: int, teams: int) -> None:
    """Make teams with a member each, and keys of these members."""
    for sql in _FILL:
        await database.execute(sql, teams)
    step = 100_000
    for start in range(0, keys, step):
        await database.execute(
            _FILL_KEYS.replace("generate_series(0, $1 - 1)", "generate_series($1, $3 - 1)"),
            start,
            teams,
            min(start + step, keys),
        )
    await database.execute("ANALYZE")


async def time_each(work: Sequence[Callable[[], Awaitable[object]]], at_once: int) -> list[float]:
    """Microseconds of each awaitable, so many at a time."""
    lane = asyncio.Semaphore(at_once)

    async def one(call: Callable[[], Awaitable[object]]) -> float:
        async with lane:
            started = time.perf_counter()
            await call()
            return (time.perf_counter() - started) * 1e6

    return await asyncio.gather(*(one(call) for call in work))


def show(name: str, micros: list[float], yardstick: float) -> None:
    """Print a line of percentiles."""
    cuts = statistics.quantiles(micros, n=100)
    ratio = cuts[49] / yardstick
    print(f"{name:30s} p50 {cuts[49]:7.0f} us  p99 {cuts[98]:7.0f} us  {ratio:5.1f} x a round trip")


async def measure(url: str, keys: int, teams: int, samples: int) -> bool:
    """Fill, find, print; whether each look-up was one statement and memory is bounded."""
    database = Database(parse_database_url(url))
    await database.open()
    try:
        started = time.perf_counter()
        await fill(database, keys, teams)
        print(f"{keys:,} keys of {teams:,} teams in {time.perf_counter() - started:.0f} s", flush=True)
        limits = Limits(capacity=_CAPACITY)
        principals = Principals(KeyStore(database), SystemClock(), limits=limits)
        chosen = [hash_token(f"sk-{number}") for number in random.sample(range(keys), samples)]
        halves = chosen[: samples // 2], chosen[samples // 2 :]
        nothing = await time_each([partial(database.fetch_value, "SELECT 1")] * 500, 1)
        yardstick = statistics.median(nothing)
        show("a statement that reads nothing", nothing, yardstick)
        async with database.count_statements() as counter:
            one = await time_each([partial(principals.find, key) for key in halves[0]], 1)
            started = time.perf_counter()
            await time_each([partial(principals.find, key) for key in halves[1]], 64)
            per_second = len(halves[1]) / (time.perf_counter() - started)
        show("a cold key", one, yardstick)
        print(f"cold keys, 64 at once: {per_second:,.0f} per second")
        resident = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
        kept = f"{len(principals):,} of them kept; {resident} MB"
        print(f"{len(counter):,} statements for {samples:,} keys; {kept}")
        await principals.close()
        return len(counter) == samples and len(principals) <= _CAPACITY
    finally:
        await database.close()


@click.command()
@click.option("--keys", default=1_000_000, show_default=True)
@click.option("--teams", default=10_000, show_default=True)
@click.option("--samples", default=30_000, show_default=True, help="Keys that are looked up.")
def main(keys: int, teams: int, samples: int) -> None:
    """Measure in a fresh folder."""
    with (
        tempfile.TemporaryDirectory(prefix="gatewright-cold-") as name,
        EmbeddedPostgres(Path(name)) as database,
    ):
        asyncio.run(upgrade(database.url))
        is_well = uvloop.run(measure(database.url, keys, teams, min(samples, keys)))
    sys.exit(0 if is_well else 1)


if __name__ == "__main__":
    main()
