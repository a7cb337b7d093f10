"""Where a request's microseconds go: the application in this process, its upstream costing nothing.

    uv run python benchmarks/profile_request.py
    uv run python benchmarks/profile_request.py --profile      also cProfile, by own time
    uv run python benchmarks/profile_request.py --scopes       with owners, tags, a customer, limits on all

The application is driven as a server would drive it, on one core, beside a bare Litestar route with the same
null upstream. Stages are timed one after the other, so that no timer times another one; each time is the
best of many batches and includes the stages indented below it.
"""

import cProfile
import gc
import pstats
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import ExitStack, asynccontextmanager, nullcontext
from pathlib import Path
from typing import cast
from unittest.mock import patch

import click
import uvloop
from litestar import Litestar, asgi
from litestar.types import Receive, Scope, Send
from loadtest.callers import EVERYBODY, KEY, THEIR_HEADERS, THEIR_KEY
from loadtest.cases import ANSWER, Case, build_body
from loadtest.stages import STAGES, Stage

import gateway.app
from gateway.db.embedded import EmbeddedPostgres
from gateway.http.entrance import Entrance, build_entrance
from gateway.settings import Flags, load_settings
from gateway.upstream.client import UpstreamAnswer
from gateway.upstream.clients import UpstreamClients
from gateway.wire.asgi import App

_BATCHES = 100
_STAGE_BATCHES = 30
_BATCH = 100
_COLLECTOR_THRESHOLDS = (50_000, 20, 50)
"""Those of the gateway's workers."""
_MASTER_KEY = "sk-benchmark-master-key"
_PATH = "/v1/chat/completions"
_CONFIG = """
model_list:
  - model_name: answer
    litellm_params: {model: openai/gpt-4o-mini, api_key: sk-upstream, api_base: "http://127.0.0.1:9/v1"}
    model_info: {input_cost_per_token: 0.00000015, output_cost_per_token: 0.0000006}
"""
_ANSWER_HEADERS = (("server", "null"), ("content-type", "application/json"), ("content-length", "279"))


class NullClient:
    """An upstream that has answered already."""

    async def send(self, request: object) -> UpstreamAnswer:
        del request
        return UpstreamAnswer(200, _ANSWER_HEADERS, ANSWER)

    async def close(self) -> None:
        """Nothing is open."""


class _Headers(dict[str, str]):
    """What the server's headers do."""


class _Scope:
    http_version, server, client, scheme = "1.1", "127.0.0.1:4000", "127.0.0.1:50000", "http"
    method, query_string = "POST", ""

    def __init__(self, path: str, headers: _Headers) -> None:
        self.path = path
        self.headers = headers


class _Protocol:
    """One request of which everything has come, and its answer."""

    def __init__(self, body: bytes) -> None:
        self._body = body
        self.status = 0
        self.answer = b""

    async def __call__(self) -> bytes:
        return self._body

    async def __aiter__(self) -> AsyncIterator[bytes]:
        yield self._body

    def response_bytes(self, status: int, headers: object, body: bytes) -> None:
        del headers
        self.status, self.answer = status, body


class Driver:
    """Calls an application as the server would, and waits for nothing."""

    def __init__(
        self, app: Entrance, key: str, body: bytes, more_headers: Mapping[str, str] | None = None
    ) -> None:
        self._app = app
        self._key = key
        self._body = body
        self._more_headers = more_headers or {}

    async def ask(self, path: str = _PATH, body: bytes | None = None) -> tuple[int, bytes]:
        """One request; status and body of the answer."""
        sent = self._body if body is None else body
        headers = _Headers(
            {
                "host": "localhost:4000",
                "content-type": "application/json",
                "authorization": f"Bearer {self._key}",
                "content-length": str(len(sent)),
                **self._more_headers,
            }
        )
        protocol = _Protocol(sent)
        await self._app.__rsgi__(_Scope(path, headers), protocol)
        return protocol.status, protocol.answer

    async def micros(self, stage: Stage | None = None) -> float:
        """The best batch: microseconds of this thread per request, or of one stage of it."""
        best = float("inf")
        for _ in range(_STAGE_BATCHES if stage else _BATCHES):
            if stage:
                stage.spent_nanos = 0
            started = time.thread_time_ns()
            for _ in range(_BATCH):
                await self.ask()
            spent = stage.spent_nanos if stage else time.thread_time_ns() - started
            best = min(best, spent / _BATCH / 1000)
        return best


@asgi(_PATH, copy_scope=False)
async def pass_on(scope: Scope, receive: Receive, send: Send) -> None:
    """The least that a route does."""
    del scope
    await receive()
    answer = await NullClient().send(None)
    length = str(len(answer.body)).encode()
    headers = [(b"content-type", b"application/json"), (b"content-length", length)]
    await send({"type": "http.response.start", "status": answer.status, "headers": headers})
    await send({"type": "http.response.body", "body": answer.body, "more_body": False})


@asynccontextmanager
async def open_gateway(
    database_url: str, folder: Path, body: bytes, *, has_scopes: bool
) -> AsyncIterator[Driver]:
    """The application, open, and a driver with a key that has a budget and limits, as its owners may have."""
    config = folder / "config.yaml"
    config.write_text(_CONFIG)
    environ = {"DATABASE_URL": database_url, "GATEWAY_MASTER_KEY": _MASTER_KEY}
    settings = load_settings(config, environ, Flags(data_dir=folder))
    app = build_entrance(gateway.app.create_app(settings, environ), settings)
    await app.open()
    try:
        owner = Driver(app, _MASTER_KEY, body)
        for path, said in EVERYBODY if has_scopes else ():
            await owner.ask(path, said)
        _, answer = await owner.ask("/key/generate", THEIR_KEY if has_scopes else KEY)
        key = answer.split(b'"key":"')[1].split(b'"')[0].decode()
        driver = Driver(app, key, body, THEIR_HEADERS if has_scopes else None)
        status, answer = await driver.ask()
        if status != 200:
            sys.exit(f"The gateway answered {status}: {answer.decode()}")
        yield driver
    finally:
        await app.close()


async def measure(
    database_url: str, folder: Path, kilobytes: int, *, is_profiled: bool, has_scopes: bool
) -> None:
    """Print the total, the stages, and what the rest is."""
    body = build_body(Case("answer", 1, kilobytes * 1000))
    bare_app = Litestar([pass_on], openapi_config=None, logging_config=None)
    bare = Driver(Entrance(cast("App", bare_app), nullcontext(), {}), "sk-none", body)
    async with open_gateway(database_url, folder, body, has_scopes=has_scopes) as driver:
        gc.collect()
        gc.freeze()
        gc.set_threshold(*_COLLECTOR_THRESHOLDS)
        whole, least = await driver.micros(), await bare.micros()
        print(f"{whole:8.2f} us  the gateway, {kilobytes} KB\n{least:8.2f} us  a bare Litestar route")
        if is_profiled:
            await print_profile(driver)
    with ExitStack() as stack:
        found = [stage for stage in (Stage(*each) for each in STAGES) if stage.install(stack)]
        async with open_gateway(database_url, folder, body, has_scopes=has_scopes) as driver:
            for stage in found:
                stage.is_on = True
                print(f"{await driver.micros(stage):8.2f} us  {stage.name}", flush=True)
                stage.is_on = False


async def print_profile(driver: Driver) -> None:
    """cProfile of some thousand requests; its times are several times too long, their order is right."""
    profile = cProfile.Profile()
    profile.enable()
    for _ in range(3000):
        await driver.ask()
    profile.disable()
    pstats.Stats(profile).sort_stats("tottime").print_stats(40)


@click.command()
@click.option("--kilobytes", default=1, show_default=True, help="Size of the request body.")
@click.option("--profile", "is_profiled", is_flag=True, help="Run cProfile as well.")
@click.option("--scopes", "has_scopes", is_flag=True, help="A key with owners, and limits on all of them.")
def main(kilobytes: int, is_profiled: bool, has_scopes: bool) -> None:  # noqa: FBT001  click passes flags so
    """Measure in a fresh data folder with a PostgreSQL of its own."""
    null = NullClient()
    with tempfile.TemporaryDirectory(prefix="gatewright-profile-") as name, ExitStack() as stack:
        database = stack.enter_context(EmbeddedPostgres(Path(name)))
        stack.enter_context(patch.object(UpstreamClients, "client_for", lambda _self, _deployment: null))
        uvloop.run(
            measure(database.url, Path(name), kilobytes, is_profiled=is_profiled, has_scopes=has_scopes)
        )


if __name__ == "__main__":
    main()
