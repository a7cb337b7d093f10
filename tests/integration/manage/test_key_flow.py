"""An operator gives a key another secret while programs work with it: the command, and real clients."""

import asyncio
import json
import os
import sys

import openai
import pytest

from gateway.alerts.key_courier import KeyCourier
from gateway.alerts.posting import parse_address
from gateway.db.lease import Lease
from gateway.ids import hash_token
from gateway.jobs.rotations import ROTATION_JOB, KeyRotations
from gateway.jobs.runner import Job, JobRunner
from gateway.pipeline.counters import check_counters
from gateway.settings.rotation import KeyRotationSettings
from gateway.spend.books.check import check_books
from tests.integration.manage.conftest import Desk
from tests.integration.serving import LiveGateway
from tests.upstreams import Upstream

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def gatewright(live: LiveGateway, *arguments: str) -> str:
    """Run `gatewright key` as an operator does, in a process of its own, and return what it prints."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "gateway.cli.main", "key", *arguments),
        env={**os.environ, **live.environ},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, err = await asyncio.wait_for(process.communicate(), 60)
    assert process.returncode == 0, err.decode()
    return out.decode().strip()


class Program:
    """Asks all the time with one secret, until it is told to stop."""

    def __init__(self, live: LiveGateway, key: str) -> None:
        self.answers = 0
        self.has_answered = asyncio.Event()
        self._client = live.openai(key)
        self._goes_on = True
        self._task = asyncio.create_task(self._work())

    async def stop(self) -> None:
        """Raises what a request raised."""
        self._goes_on = False
        await self._task

    async def _work(self) -> None:
        while self._goes_on:
            await ask(self._client)
            self.answers += 1
            self.has_answered.set()


async def ask(client: openai.AsyncOpenAI) -> None:
    answer = await client.chat.completions.create(
        model="m", messages=[{"role": "user", "content": "Say hello"}]
    )
    assert answer.choices[0].message.content


async def test_a_key_is_rotated_while_traffic_goes_on(desk: Desk, live: LiveGateway, unique):
    alias = unique("billing")
    old = await live.make_key(key_alias=alias, max_budget=10)
    program = Program(live, old)
    await program.has_answered.wait()

    new = await gatewright(live, "rotate", alias, "--grace", "1h")
    before = program.answers
    program.has_answered.clear()
    await program.has_answered.wait()
    moved = Program(live, new)
    await moved.has_answered.wait()
    await program.stop()
    assert program.answers > before

    # Nobody works with the key any more, so that its secrets can go at once.
    await moved.stop()
    newest = await gatewright(live, "rotate", alias)
    for secret in (old, new):
        with pytest.raises(openai.AuthenticationError):
            await ask(live.openai(secret))
    await ask(live.openai(newest))

    hashes = {hash_token(one) for one in (old, new, newest)}
    rows = [row for row in await live.rows() if row.api_key in hashes and row.status == "success"]
    assert len(rows) == program.answers + moved.answers + 1
    spent = sum(row.nanos for row in rows)
    assert await live.spent_nanos(newest) == spent
    shown = json.loads(await gatewright(live, "info", alias))
    assert (shown["rotation_count"], shown["spend"]) == (2, spent / 1e9)
    report = await check_books(live.gateway.parts.database)
    assert [one for one in report.differences if one.entity_id in hashes] == []
    assert [one for one in await check_counters(live.gateway) if one.entity_id in hashes] == []

    await gatewright(live, "block", alias)
    with pytest.raises(openai.AuthenticationError):
        await ask(live.openai(newest))


async def test_a_key_that_rotates_by_itself_tells_its_user(desk: Desk, live: LiveGateway, unique):
    alias = unique("robot")
    made = await desk.post(
        "/key/generate",
        {"key_alias": alias, "auto_rotate": True, "rotation_interval": "30d", "max_budget": 1},
    )
    due = """UPDATE "LiteLLM_VerificationToken" SET key_rotation_at = '2020-01-01' WHERE key_alias = $1"""
    await desk.run(due, alias)
    parts = live.gateway.parts
    async with Upstream() as receiver:
        courier = KeyCourier(parse_address(receiver.origin), None)
        settings = KeyRotationSettings(is_enabled=True, grace_seconds=3600)
        work = KeyRotations(parts.database, parts.management.key_moves, courier, parts.clock, settings)
        lease = Lease(parts.database, unique("rotation"), "this test")
        await JobRunner(lease, Job(work=work.run, min_seconds=1, max_seconds=1), parts.clock).turn()
        told = {event["key_alias"]: event for event in (request.json for request in receiver.requests)}
    event = told[alias]
    assert (event["event"], event["token"]) == ("key_rotated", hash_token(event["key"]))
    for secret in (made["key"], event["key"]):
        await ask(live.openai(secret))
    info = (await desk.ask("GET", "/key/info", params={"key": event["key"]})).json()["info"]
    assert (info["rotation_count"], info["max_budget"]) == (1, 1)
    assert info["key_rotation_at"] > made["created_at"]


async def test_the_worker_has_the_job(live: LiveGateway):
    sql = "SELECT EXISTS (SELECT FROM gatewright.lease WHERE job = $1)"
    assert await live.gateway.parts.database.fetch_value(sql, ROTATION_JOB)
