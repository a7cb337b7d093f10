"""A served gateway for tests: in this process, where its parts can be looked at, or as `gatewright serve`."""

import asyncio
import contextlib
import json
import os
import signal
import socket
import sys
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

import asyncpg
import httpx
import openai
from granian.constants import Interfaces
from granian.http import HTTP1Settings
from granian.log import LogLevels
from granian.server.embed import Server
from litestar import Litestar

from gateway.app import create_app
from gateway.composition.snapshots import build_snapshot
from gateway.domain import Scope, ScopeKind
from gateway.http.entrance import build_entrance
from gateway.ids import hash_token
from gateway.routing.cooldown import Cooldowns
from gateway.runtime import Gateway
from gateway.settings import Settings, load_settings
from tests.upstreams import Upstream

MASTER_KEY = "sk-master-of-the-tests-0123456789"
UPSTREAM_KEY = "sk-the-deployments-own-credential"
INPUT_NANOS, OUTPUT_NANOS = 1_000, 10_000
"""What a token costs at every `deployment()`."""
_BOUND_SECONDS = 20.0
_SETTLED_SECONDS = 20.0
_START_SECONDS = 180.0
"""Two seconds mostly; a machine with other things to do takes as long as it takes."""


def deployment(
    name: str, upstream: Upstream | str, model: str = "openai/real-model", **params: object
) -> Any:
    """One item of `model_list`; members whose name begins with `info_` go into `model_info`."""
    origin = upstream if isinstance(upstream, str) else upstream.base_url
    info = {key.removeprefix("info_"): params.pop(key) for key in list(params) if key.startswith("info_")}
    prices = {"input_cost_per_token": INPUT_NANOS / 1e9, "output_cost_per_token": OUTPUT_NANOS / 1e9}
    given = {"model": model, "api_base": origin, "api_key": UPSTREAM_KEY, **prices, **params}
    return {"model_name": name, "litellm_params": given, "model_info": info}


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]


def write_config(path: Path, config: Mapping[str, object]) -> Path:
    """Write a configuration; JSON is YAML too."""
    path.write_text(json.dumps(config))
    return path


@dataclass
class Row:
    """One row of the spend logs."""

    members: dict[str, Any]

    def __getattr__(self, name: str) -> Any:
        return self.members[name]

    @property
    def nanos(self) -> int:
        return round(self.members["spend"] * 1e9)

    @property
    def details(self) -> dict[str, Any]:
        return json.loads(self.members["metadata"])

    @property
    def text(self) -> str:
        """Everything that the row says, for looking for what it must not say."""
        return json.dumps(self.members, default=str)


class Client:
    """Asks a served gateway, as a client would."""

    def __init__(self, origin: str) -> None:
        self.origin = origin
        self.http = httpx.AsyncClient(base_url=origin, timeout=_BOUND_SECONDS, verify=False)

    def openai(self, key: str, path: str = "/v1") -> openai.AsyncOpenAI:
        """The real client, which must not repeat on its own what a test sends once."""
        return openai.AsyncOpenAI(
            base_url=self.origin + path, api_key=key, max_retries=0, http_client=self.http
        )

    async def make_key(self, **members: object) -> str:
        answer = await self.http.post("/key/generate", json=members, headers=bearer(MASTER_KEY))
        assert answer.status_code == 200, answer.text
        return answer.json()["key"]

    async def post(self, path: str, key: str | None, body: object, **headers: str) -> httpx.Response:
        sent = body if isinstance(body, bytes) else json.dumps(body).encode()
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        credential = bearer(key) if key else {}
        return await self.http.post(
            path, content=sent, headers={"content-type": "application/json", **credential, **named}
        )

    async def chat(self, key: str | None, model: str = "m", **members: object) -> httpx.Response:
        return await self.post("/v1/chat/completions", key, chat_body(model, **members))

    async def raw(self, data: bytes, *, until_closed: bool = False) -> bytes:
        """Send bytes over a connection of their own and return the answer's bytes."""
        address = httpx.URL(self.origin)
        reader, writer = await asyncio.open_connection(address.host, address.port)
        try:
            writer.write(data)
            await writer.drain()
            async with asyncio.timeout(_BOUND_SECONDS):
                if until_closed:
                    return await reader.read()
                head = await reader.readuntil(b"\r\n\r\n")
                length = next(
                    (
                        int(line[15:])
                        for line in head.lower().split(b"\r\n")
                        if line.startswith(b"content-length:")
                    ),
                    0,
                )
                return head + await reader.readexactly(length)
        finally:
            writer.close()
            with contextlib.suppress(ConnectionError):
                await writer.wait_closed()


def bearer(key: str) -> dict[str, str]:
    return {"authorization": f"Bearer {key}"}


def chat_body(model: str = "m", **members: object) -> dict[str, object]:
    return {"model": model, "messages": [{"role": "user", "content": "Say hello"}], **members}


@dataclass
class LiveGateway(Client):
    """A gateway that is served in this process, with everything that a test wants to look at."""

    origin: str
    gateway: Gateway
    upstream: Upstream
    folder: Path
    environ: Mapping[str, str]
    http: httpx.AsyncClient = field(init=False)
    stuck: int = 0
    """Requests that an earlier test left open, so that one failure does not look like many."""
    bindings: tuple[list[Any], list[Any]] = ([], [])

    def __post_init__(self) -> None:
        super().__init__(self.origin)

    def configure(self, *models: Any, **sections: object) -> None:
        """Serve another configuration from the next request on, as SIGHUP does; no cooldown survives."""
        path = write_config(self.folder / "config.yaml", {"model_list": list(models), **sections})
        settings = load_settings(path, self.environ)
        parts = self.gateway.parts
        self.gateway.snapshot = build_snapshot(settings, self.environ, parts, Cooldowns(parts.clock))

    async def rows(self, key: str | None = None) -> list[Row]:
        """The spend rows, of one key or of all, after everything is drained."""
        await self.settled()
        await self.gateway.parts.drain.flush()
        sql = 'SELECT * FROM "LiteLLM_SpendLogs" WHERE $1::text IS NULL OR api_key = $1 ORDER BY "startTime"'
        found = await self.gateway.parts.database.fetch(sql, None if key is None else hash_token(key))
        return [Row(dict(item)) for item in found]

    async def row(self, key: str) -> Row:
        """The only spend row of a key."""
        found = await self.rows(key)
        assert len(found) == 1, [item.members for item in found]
        return found[0]

    async def settled(self) -> None:
        """Return when no request is under way."""
        await eventually(lambda: self.gateway.parts.journal.open_count <= self.stuck, _SETTLED_SECONDS)

    async def spent_nanos(self, key: str) -> int:
        """The spend of a key in the database."""
        await self.settled()
        await self.gateway.parts.drain.flush()
        sql = 'SELECT spend FROM "LiteLLM_VerificationToken" WHERE token = $1'
        return round(await self.gateway.parts.database.fetch_value(sql, hash_token(key)) * 1e9)

    def held_nanos(self, key: str) -> int:
        return self.gateway.parts.ledger.held(Scope(ScopeKind.KEY, hash_token(key)))

    def settled_nanos(self, key: str) -> int:
        return self.gateway.parts.ledger.settled(Scope(ScopeKind.KEY, hash_token(key)))


@contextlib.asynccontextmanager
async def serve_here(upstream: Upstream, database_url: str, folder: Path) -> AsyncIterator[LiveGateway]:
    """Serve in this process, behind the server that `gatewright serve` uses."""
    environ = {
        "DATABASE_URL": database_url,
        "GATEWAY_MASTER_KEY": MASTER_KEY,
        "GATEWAY_DATA_DIR": str(folder / "data"),
    }
    # Tests count statements and reset budgets themselves: nothing happens on its own.
    general = {"disable_reset_budget": True, "proxy_config_reload_interval_seconds": 3_600}
    sections = {"model_list": [deployment("m", upstream)], "general_settings": general}
    path = write_config(folder / "config.yaml", sections)
    settings: Settings = load_settings(path, environ)
    app = create_app(settings, environ)
    port = free_port()
    limits = settings.gatewright.limits
    entrance = build_entrance(app, settings)
    server = Server(
        entrance.__rsgi__,
        port=port,
        interface=Interfaces.RSGI,
        log_level=LogLevels.warning,
        http1_settings=HTTP1Settings(max_buffer_size=limits.header_bytes),
    )
    origin = f"http://127.0.0.1:{port}"
    live = LiveGateway(origin, gateway_of(app), upstream, folder, environ)
    for runner in live.gateway.parts.jobs:
        # Nor do jobs renew their leases in between.
        runner._poll_seconds = 3600.0
    await entrance.open()
    running = asyncio.create_task(server.serve())
    try:
        await wait_until_ready(live.http)
        yield live
    finally:
        await live.http.aclose()
        server.stop()
        await running
        await entrance.close()


def gateway_of(app: Litestar) -> Gateway:
    """The gateway behind an application, as its handlers get it."""
    handler = next(item for route in app.routes if route.path == "/metrics" for item in route.route_handlers)
    return handler.resolve_dependencies()["gateway"].dependency()


async def wait_until_ready(
    client: httpx.AsyncClient, process: asyncio.subprocess.Process | None = None
) -> None:
    """Return when the readiness answer is 200; fail when the process ends before."""
    async with asyncio.timeout(_START_SECONDS):
        while True:
            with contextlib.suppress(httpx.TransportError):
                if (await client.get("/health/readiness")).status_code == 200:
                    return
            assert process is None or process.returncode is None, "the server ended"
            await asyncio.sleep(0.05)


class ServerProcess(Client):
    """`async with ServerProcess(...)` runs `gatewright serve`; `stop` ends it and gives the exit code."""

    def __init__(
        self,
        folder: Path,
        config: Mapping[str, object],
        database_url: str | None,
        port: int | None = None,
        *,
        workers: int = 1,
        redis_url: str | None = None,
        flags: tuple[str, ...] = (),
    ) -> None:
        self.port = port or free_port()
        self._flags = flags
        scheme = "https" if "--ssl_certfile_path" in flags else "http"
        super().__init__(f"{scheme}://127.0.0.1:{self.port}")
        self.folder = folder
        self.workers = workers
        self.config_path = write_config(folder / "config.yaml", config)
        self.process: asyncio.subprocess.Process | None = None
        self._environ = {
            **{
                name: value
                for name, value in os.environ.items()
                if not name.startswith(("LITELLM_", "GATEWAY_", "REDIS_"))
            },
            "GATEWAY_MASTER_KEY": MASTER_KEY,
        }
        self._environ.pop("DATABASE_URL", None)
        if database_url is not None:
            self._environ["DATABASE_URL"] = database_url
        if redis_url is not None:
            self._environ["REDIS_URL"] = redis_url

    @property
    def log_path(self) -> Path:
        return self.folder / "server.log"

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        if self.process is not None and self.process.returncode is None:
            await self.stop()
        await self.http.aclose()

    async def spawn(self) -> None:
        """Start the process without waiting for anything."""
        with self.log_path.open("ab") as log:
            self.process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "gateway.cli.main", "serve", "--host", "127.0.0.1"),
                *("--config", str(self.config_path), "--port", str(self.port)),
                *("--data-dir", str(self.folder / "data"), "--workers", str(self.workers)),
                *self._flags,
                env=self._environ,
                stdout=log,
                stderr=log,
            )

    async def start(self) -> None:
        await self.spawn()
        try:
            await wait_until_ready(self.http, self.process)
        except BaseException:
            sys.stderr.write(self.log_path.read_text())
            await self.stop(signal.SIGKILL)
            raise

    async def stop(self, number: signal.Signals = signal.SIGTERM) -> int:
        """Send a signal and return the exit code."""
        assert self.process is not None
        with contextlib.suppress(ProcessLookupError):
            self.process.send_signal(number)
        return await self.wait()

    async def wait(self) -> int:
        """Return the exit code; a process that does not end in time is killed, and the test fails."""
        assert self.process is not None
        try:
            return await asyncio.wait_for(self.process.wait(), _START_SECONDS)
        except TimeoutError:
            self.process.kill()
            raise

    def worker_pid(self) -> int:
        """The process that serves: the youngest child that is a worker."""
        return max(self.worker_pids())

    def worker_pids(self) -> list[int]:
        """The processes that serve."""
        assert self.process is not None
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split()
        return [int(pid) for pid in children if b"spawn_main" in Path(f"/proc/{pid}/cmdline").read_bytes()]


async def eventually(condition: Callable[[], bool], seconds: float = 30.0, pause: float = 0.005) -> None:
    """Return when the condition holds: for what happens elsewhere and tells nobody."""
    async with asyncio.timeout(seconds):
        while not condition():  # noqa: ASYNC110  there is no event to wait on
            await asyncio.sleep(pause)


async def fetch_rows(database_url: str, sql: str, *args: object) -> list[Any]:
    """Ask the database behind a server process."""
    connection = await asyncpg.connect(database_url)
    try:
        return await connection.fetch(sql, *args)
    finally:
        await connection.close()
