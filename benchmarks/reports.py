"""How long lists and reports take on the rows of a large company, and what they cost requests beside them.

    uv run python benchmarks/reports.py                    ten million spend rows, a million daily rows
    uv run python benchmarks/reports.py --logs 1000000 --days 200000 --keys 20000

Fills a PostgreSQL of its own by COPY, serves it, and asks every route for its first page some times. Then it
measures the median of chat completions alone, and while reports are made one after the other. Exits with 1
when a first page takes 300 ms, or a completion 1.5 times as long beside reports.
"""

import asyncio
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import click
import httpx
from reporting.routes import list_requests
from reporting.rows import Scale, fill, key_of

from gateway.db.embedded import EmbeddedPostgres
from gateway.db.engine import Database
from gateway.db.schema.upgrade import upgrade
from gateway.db.url import parse_database_url

_MASTER_KEY = "sk-benchmark-master-key-0123456789"
_MODEL = {
    "model_name": "mock",
    "litellm_params": {"model": "mock/any", "mock_response": "Hello"},
    "model_info": {"id": "mock", "input_cost_per_token": 1e-6, "output_cost_per_token": 1e-6},
}
_MOST_MS = 300.0
_MOST_RATIO = 1.5
_REPEATS = 5
_SECONDS = 10.0
_AT_ONCE = 4
_RUN = "from gateway.cli.main import main; main()"


@asynccontextmanager
async def serve(url: str, folder: Path, port: int) -> AsyncIterator[httpx.AsyncClient]:
    """A gateway in processes of its own, and a client that is its administrator."""
    config = folder / "config.yaml"
    config.write_text(json.dumps({"model_list": [_MODEL]}))
    environ = {**os.environ, "DATABASE_URL": url, "GATEWAY_MASTER_KEY": _MASTER_KEY}
    arguments = ("serve", "--host", "127.0.0.1", "--port", str(port), "--config", str(config))
    command = [sys.executable, "-c", _RUN, *arguments, "--data-dir", str(folder / "gateway")]
    with (folder / "server.log").open("wb") as log:
        server = subprocess.Popen(command, env=environ, stdout=log, stderr=log)  # noqa: ASYNC220  it returns at once
    headers = {"authorization": f"Bearer {_MASTER_KEY}"}
    try:
        async with httpx.AsyncClient(
            base_url=f"http://127.0.0.1:{port}", timeout=60, headers=headers
        ) as client:
            await _wait(client)
            yield client
    finally:
        server.terminate()
        server.wait(60)


async def _wait(client: httpx.AsyncClient) -> None:
    async with asyncio.timeout(120):
        while True:
            with suppress(httpx.TransportError):
                if (await client.get("/health/readiness")).status_code == 200:
                    return
            await asyncio.sleep(0.1)


async def time_pages(client: httpx.AsyncClient, key: str) -> dict[str, float]:
    """Milliseconds of the first page of every route, the median of some; failures end the benchmark."""
    found: dict[str, float] = {}
    for method, path in list_requests(key):
        taken: list[float] = []
        for _ in range(_REPEATS):
            started = time.perf_counter()
            answer = await client.request(method, path)
            taken.append((time.perf_counter() - started) * 1000)
            if answer.status_code != 200:
                sys.exit(f"{path} answered {answer.status_code}: {answer.text[:300]}")
        found[path] = statistics.median(taken)
        size = len(answer.content)
        mark = "  <-- slow" if found[path] >= _MOST_MS else ""
        print(f"{found[path]:8.1f} ms {size:9,d} bytes  {path}{mark}", flush=True)
    return found


async def time_completions(client: httpx.AsyncClient, key: str, seconds: float) -> float:
    """The median of chat completions in milliseconds, a few at a time."""
    taken: list[float] = []
    body = {"model": "mock", "messages": [{"role": "user", "content": "Hello"}]}
    until = time.perf_counter() + seconds

    async def ask() -> None:
        while time.perf_counter() < until:
            started = time.perf_counter()
            answer = await client.post(
                "/v1/chat/completions", json=body, headers={"authorization": f"Bearer {key}"}
            )
            taken.append((time.perf_counter() - started) * 1000)
            if answer.status_code != 200:
                sys.exit(f"A completion answered {answer.status_code}: {answer.text[:300]}")

    await asyncio.gather(*(ask() for _ in range(_AT_ONCE)))
    return statistics.median(taken)


async def compare_completions(client: httpx.AsyncClient, key: str) -> float:
    """How many times as long a completion takes beside reports; each is measured twice, in turn."""
    medians: dict[bool, list[float]] = {False: [], True: []}
    reports = [path for method, path in list_requests(key) if method == "GET" and "activity" in path]

    async def report() -> None:
        while True:
            for path in reports:
                await client.get(path)

    for is_beside in (False, True, False, True):
        beside = asyncio.create_task(report()) if is_beside else None
        medians[is_beside].append(await time_completions(client, key, _SECONDS))
        if beside is not None:
            beside.cancel()
            await asyncio.gather(beside, return_exceptions=True)
    alone, busy = statistics.median(medians[False]), statistics.median(medians[True])
    print(
        f"chat completion: p50 {alone:.2f} ms alone, {busy:.2f} ms beside reports: {busy / alone:.2f} times"
    )
    return busy / alone


async def measure(url: str, folder: Path, scale: Scale, port: int) -> bool:
    """Fill, serve, ask; whether everything was fast enough."""
    started = time.perf_counter()
    database = Database(parse_database_url(url))
    await database.open()
    if await database.fetch_value('SELECT count(*) FROM "LiteLLM_VerificationToken"') == 0:
        await fill(database, scale)
        seconds = time.perf_counter() - started
        print(f"{scale.logs:,} spend rows, {2 * scale.days:,} daily rows in {seconds:.0f} s", flush=True)
    await database.close()
    key = key_of(3)
    async with serve(url, folder, port) as client:
        pages = await time_pages(client, key)
        ratio = await compare_completions(client, key)
    slow = [path for path, milliseconds in pages.items() if milliseconds >= _MOST_MS]
    slowest = max(pages.values())
    print(f"{len(pages)} routes, the slowest {slowest:.0f} ms, {len(slow)} of {_MOST_MS:.0f} ms or more")
    return not slow and ratio <= _MOST_RATIO


@click.command()
@click.option("--logs", default=10_000_000, show_default=True, help="Rows of spend logs.")
@click.option(
    "--days", default=1_000_000, show_default=True, help="Daily rows of users; others have a fifth."
)
@click.option("--keys", default=100_000, show_default=True, help="Keys; a tenth users, a hundredth teams.")
@click.option("--port", default=4719, show_default=True)
@click.option(
    "--folder", type=click.Path(path_type=Path), help="Keep the rows there, and measure them again."
)
def main(logs: int, days: int, keys: int, port: int, folder: Path | None) -> None:
    """Measure in a fresh folder."""
    with tempfile.TemporaryDirectory(prefix="gatewright-reports-") as fresh:
        place = folder or Path(fresh)
        place.mkdir(parents=True, exist_ok=True)
        with EmbeddedPostgres(place / "database") as database:
            asyncio.run(upgrade(database.url))
            is_well = asyncio.run(measure(database.url, place, Scale(logs, days, keys), port))
    sys.exit(0 if is_well else 1)


if __name__ == "__main__":
    main()
