"""A server that is killed while budgets start anew."""

import asyncio
import os
import signal
from pathlib import Path

from gateway.ids import hash_token
from tests.chaos.conftest import config_for
from tests.chaos.load import PRICE, Load, assert_balance
from tests.integration.serving import ServerProcess, fetch_rows
from tests.upstreams import Upstream

_ADJUSTED = "SELECT count(*), COALESCE(sum(nanos), 0)::bigint FROM gatewright.adjustment WHERE entity_id = $1"
_SPENT = 'SELECT round(spend * 1e9)::bigint FROM "LiteLLM_VerificationToken" WHERE token = $1'
_ROWS = 'SELECT count(*), sum(round(spend * 1e9))::bigint FROM "LiteLLM_SpendLogs" WHERE api_key = $1'


async def adjustments(database_url: str, key: str) -> tuple[int, int]:
    """How many resets there were of a key, and what they took away."""
    return tuple((await fetch_rows(database_url, _ADJUSTED, hash_token(key)))[0])


async def test_nothing_is_lost_or_counted_twice_when_a_reset_is_killed(
    upstream: Upstream, migrated_database_url: str, tmp_path: Path
) -> None:
    config = config_for(upstream)
    config["general_settings"] = {
        "proxy_batch_write_at": 0.1,
        "proxy_budget_rescheduler_min_time": 0.2,
        "proxy_budget_rescheduler_max_time": 0.2,
    }
    async with ServerProcess(tmp_path, config, migrated_database_url) as server:
        await kill_and_check(server, migrated_database_url)


async def kill_and_check(server: ServerProcess, database_url: str) -> None:
    key = await server.make_key(max_budget=1_000, budget_duration="1s")
    load = Load(server, key)
    running = asyncio.create_task(load.run(8))
    async with asyncio.timeout(60):
        while (await adjustments(database_url, key))[0] < 2:  # noqa: ASYNC110  a database sets no event
            await asyncio.sleep(0.02)
    # The worker first: it would otherwise notice that its parent died, and end in good order.
    os.kill(server.worker_pid(), signal.SIGKILL)
    await server.stop(signal.SIGKILL)
    await running
    assert load.refused == []

    await server.start()
    async with asyncio.timeout(60):
        while True:
            count, rows = (await fetch_rows(database_url, _ROWS, hash_token(key)))[0]
            spent = (await fetch_rows(database_url, _SPENT, hash_token(key)))[0][0]
            _, adjusted = await adjustments(database_url, key)
            if count >= len(load.answered) and spent - adjusted == rows:
                break
            await asyncio.sleep(0.05)
    assert rows >= len(load.answered) * PRICE
    await assert_balance(database_url)
