"""The gateway as its users run it: `gatewright serve`, its own PostgreSQL, a key with budget and limits."""

import asyncio
import os
import re
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import asyncpg
import msgspec
from loadtest.callers import EVERYBODY, KEY, THEIR_HEADERS, THEIR_KEY
from loadtest.cases import COST_NANOS, TRAFFIC
from loadtest.field import Field, Target, count_served
from loadtest.machine import descendants, free_port, pin
from loadtest.processes import get, is_listening, run_process, wait_until
from loadtest.redis_server import run_redis

from gateway.db.embedded import EmbeddedPostgres
from gateway.ids import hash_token

__all__ = ["Books", "Gatewright", "Startup", "measure_startup", "run_gatewright"]

_MASTER_KEY = "sk-benchmark-master-key"
_RUN = "from gateway.cli.main import main; main()"
_MODEL = """
  - model_name: {name}
    litellm_params: {{model: openai/gpt-4o-mini, api_key: sk-upstream, api_base: "http://127.0.0.1:{port}/{name}/v1"}}
    model_info: {{input_cost_per_token: 0.00000015, output_cost_per_token: 0.0000006}}
"""
_ROWS = """
    SELECT count(*) FILTER (WHERE status = 'success') AS successes, count(*) AS rows,
           coalesce(sum(round((spend * 1e9)::numeric)), 0)::bigint AS nanos
    FROM "LiteLLM_SpendLogs" WHERE api_key = $1
"""
_SPEND = 'SELECT round((spend * 1e9)::numeric)::bigint FROM "LiteLLM_VerificationToken" WHERE token = $1'
_SETTLE_SECONDS = 300


class Startup(msgspec.Struct, frozen=True):
    """Seconds from the start of the process to readiness."""

    first_seconds: float
    second_seconds: float


class Books(msgspec.Struct, frozen=True, kw_only=True):
    """What was served and recorded; `rows` may be more: calls that a leaving client cut short."""

    served: int
    success_rows: int
    rows: int
    row_nanos: int
    key_nanos: int

    @property
    def are_exact(self) -> bool:
        """Whether every served call has its row and its price, and the key's spend is their sum."""
        cost = self.served * COST_NANOS
        return self.success_rows == self.served and cost == self.row_nanos == self.key_nanos


class Gatewright:
    """A running gateway."""

    def __init__(self, field: Field, port: int, process_id: int) -> None:
        self._port = port
        self._data_dir = field.folder / "gatewright"
        self._field = field
        self._served = 0
        self._mark = 0
        self._key = self._make_key()
        below = {key: value for key, value in descendants(process_id).items() if "postgres" not in value}
        self.workers = tuple(key for key, value in below.items() if "spawn_main" in value)
        self.processes = (process_id, *below)

    def target(self) -> Target:
        """The gateway as a server under load."""
        return Target(
            name="gatewright",
            port=self._port,
            path="/v1/chat/completions",
            headers={"authorization": f"Bearer {self._key}", **self._scopes()},
            workers=self.workers,
            processes=self.processes,
            lag=lambda: self._metric("gatewright_journal_undrained_bytes"),
            begin=self._begin,
            settle=self._settle,
        )

    def _make_key(self) -> str:
        """A key with a budget and limits, and where it is asked for everything else that can have some."""
        wanted = KEY
        if self._field.has_all_scopes:
            for path, said in EVERYBODY:
                status, answer = self._ask(path, said)
                if status != 200:
                    sys.exit(f"{path} answered {status}: {answer.decode()}")
            wanted = THEIR_KEY
        status, answer = self._ask("/key/generate", wanted)
        if status != 200:
            sys.exit(f"/key/generate answered {status}: {answer.decode()}")
        return str(msgspec.json.decode(answer)["key"])

    def _scopes(self) -> dict[str, str]:
        return THEIR_HEADERS if self._field.has_all_scopes else {}

    def check_books(self) -> Books:
        """Compare what the upstreams served with what PostgreSQL has."""
        return asyncio.run(self._read_books())

    def describe_sharing(self) -> str:
        """How many steps of requests went in one call of Redis."""
        calls = self._metric("gatewright_shared_limits_calls_total")
        steps = self._metric("gatewright_shared_limits_steps_total")
        each = steps / calls
        return f"- Redis: {calls:,} calls for {steps:,} admissions and settlements, {each:.1f} in a call."

    async def _read_books(self) -> Books:
        with EmbeddedPostgres(self._data_dir) as database:
            connection = await asyncpg.connect(database.url)
            try:
                row = await connection.fetchrow(_ROWS, hash_token(self._key))
                spend = await connection.fetchval(_SPEND, hash_token(self._key))
            finally:
                await connection.close()
        return Books(
            served=self._served,
            success_rows=row["successes"],
            rows=row["rows"],
            row_nanos=row["nanos"],
            key_nanos=spend,
        )

    def _begin(self) -> None:
        """Mark where the count is once nobody else's calls are under way any more."""
        asked = 1 if self._field.has_nginx_upstream else 0
        before = count_served(self._field)
        while True:
            time.sleep(0.1)
            self._mark = count_served(self._field)
            if self._mark == before + asked:
                return
            before = self._mark

    def _settle(self) -> None:
        """Wait until nothing is under way and the journal is in the database; add up what was served."""
        until = time.perf_counter() + _SETTLE_SECONDS
        names = ("gatewright_requests_in_flight", "gatewright_journal_undrained_bytes")
        while any(self._metric(name) for name in names):
            if time.perf_counter() > until:
                sys.exit(f"The journal was not drained within {_SETTLE_SECONDS} seconds.")
            time.sleep(0.1)
        # Asking nginx for the count is one more request there.
        asked = 1 if self._field.has_nginx_upstream else 0
        self._served += count_served(self._field) - self._mark - asked

    def _metric(self, name: str) -> int:
        _, body = self._ask("/metrics")
        found = re.search(rb"(?m)^%b ([0-9.e+]+)$" % name.encode(), body)
        return int(float(found[1])) if found else sys.exit(f"There is no metric {name}.")

    def _ask(self, path: str, body: bytes | None = None) -> tuple[int, bytes]:
        headers = {"authorization": f"Bearer {_MASTER_KEY}", "content-type": "application/json"}
        return get(self._port, path, headers, body)


def measure_startup(field: Field) -> Startup:
    """Start twice in one data folder, on all cores; the first start makes the database."""
    seconds: list[float] = []
    pin([os.getpid()], field.cores.subject | field.cores.rest)
    for _ in range(2):
        with _serve(field) as (_, _, started_in):
            seconds.append(started_in)
    pin([os.getpid()], field.cores.rest)
    return Startup(*seconds)


@contextmanager
def run_gatewright(field: Field) -> Iterator[Gatewright]:
    """Serve with the worker on the subject's core; PostgreSQL and the supervisor stay with the rest."""
    with _serve(field) as (port, process_id, _):
        gateway = Gatewright(field, port, process_id)
        pin(gateway.workers, field.cores.subject)
        yield gateway


@contextmanager
def _serve(field: Field) -> Iterator[tuple[int, int, float]]:
    port, log = free_port(), field.folder / "gatewright.log"
    config = _write_config(field)
    command = [sys.executable, "-c", _RUN, "serve", "--config", str(config), "--host", "127.0.0.1"]
    command += ["--port", str(port), "--data-dir", str(field.folder / "gatewright")]
    # As installed: with compiled modules, which the first start leaves behind.
    bytecode = {"PYTHONDONTWRITEBYTECODE": "", "PYTHONPYCACHEPREFIX": str(field.folder / "bytecode")}
    environ = {"GATEWAY_MASTER_KEY": _MASTER_KEY, "DATABASE_URL": "", **bytecode}
    with run_redis(field) as redis_url, run_process(command, log, environ | redis_url) as process:
        seconds = wait_until(lambda: is_listening(port, "/health/readiness", needs_ok=True), process, log)
        yield port, process.pid, seconds


def _write_config(field: Field) -> Path:
    """One model per kind of traffic, with prices; only the core's plugins."""
    ports = {kind: field.answer_port if kind == "answer" else field.stream_port for kind in TRAFFIC}
    models = "".join(_MODEL.format(name=kind, port=port) for kind, port in ports.items())
    path = field.folder / "gatewright.yaml"
    path.write_text(f"model_list:{models}")
    return path
