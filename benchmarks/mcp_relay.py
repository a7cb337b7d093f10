"""What the relay to MCP servers costs, beside calls that go to a server directly or through a bare relay.

    uv run python benchmarks/mcp_relay.py              half a minute; exits with 1 where a figure is missed
    uv run python benchmarks/mcp_relay.py --smoke      a few seconds; fails on errors only
    uv run python benchmarks/mcp_relay.py --priced     also calls with a price, and what the books say of them

One worker on one core, all else on the others. `tools/call` goes to a server whose answer
is ready, in both generations of the protocol; `tools/list` is that of 50 servers with 40 tools each, warm.
The bare relay is that of `load.py`: it passes bytes on and does nothing else. Compare the time of the
worker's processor with its: that hardly depends on what else the machine does. Calls with a price are charged
to a key and its team, which have budgets: each has to be a row of its price, and their sum the spend of both.
"""

import asyncio
import os
import statistics
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click
import msgspec
from loadtest.client import Outcome, Plan, build_request, drive
from loadtest.machine import choose_cores, cpu_seconds, descendants, describe_machine, free_port, pin
from loadtest.processes import get, is_listening, run_process, wait_until
from relaying.books import PRICE, Books, describe_account
from relaying.upstream import TOOLS

_MASTER_KEY = "sk-benchmark-master-key-0123456789"
_ADMIN = {"authorization": f"Bearer {_MASTER_KEY}", "content-type": "application/json"}
_LIMITS = {"max_budget": 1_000_000, "rpm_limit": 1_000_000_000}
_SERVERS = 50
_CONNECTIONS = (1, 16)
_MOST_ADDED_MS, _LEAST_CALLS, _MOST_LIST_MS = 1.0, 2000, 5.0
_UPSTREAM = Path(__file__).parent / "relaying" / "upstream.py"
_OK = 200
_BARE = "/answer/v1/chat/completions"
_RUN = "from gateway.cli.main import main; main()"
_ABOUT = {
    "io.modelcontextprotocol/protocolVersion": "2026-07-28",
    "io.modelcontextprotocol/clientCapabilities": {},
    "io.modelcontextprotocol/clientInfo": {"name": "bench", "version": "1"},
}
_ARGUMENTS = {"name": "tool_1", "arguments": {"text": "x"}}


class Sample(msgspec.Struct, kw_only=True):
    """One load: milliseconds, calls in a second, and microseconds of the worker's processor per call."""

    label: str
    p50: float
    p99: float
    rate: float
    cpu: float
    errors: int


class Subject(msgspec.Struct, frozen=True):
    """Where calls go; `workers` are the processes whose time is counted, `call` is the path for calls."""

    name: str
    origin: str
    call: str
    headers: dict[str, str]
    workers: tuple[int, ...] = ()
    books: Books | None = None


@click.command()
@click.option("--seconds", default=3.0, show_default=True, help="Length of one sample.")
@click.option("--smoke", is_flag=True, help="A few seconds; speed is not judged.")
@click.option("--priced", is_flag=True, help="Measure calls with a price as well, and check the books.")
def main(*, seconds: float, smoke: bool, priced: bool) -> None:
    """Measure and print."""
    seconds = 0.3 if smoke else seconds
    cores = choose_cores()
    with (
        tempfile.TemporaryDirectory(prefix="gatewright-mcp-") as name,
        _serve(Path(name), is_priced=priced) as subjects,
    ):
        gateway = subjects[2]
        pin([os.getpid()], cores.rest)
        pin([worker for each in subjects for worker in each.workers], cores.subject)
        samples = [
            _measure(subject, generation, connections, seconds)
            for generation in ("2025-11-25", "2026-07-28")
            for connections in _CONNECTIONS
            for subject in subjects
        ]
        listed = _list_tools(gateway, seconds)
        accounts = [each.books.read() for each in subjects if each.books is not None]
    print(f"{describe_machine()}\n\n{_render([*samples, listed])}\n")
    print("".join(f"{describe_account(each)}\n" for each in accounts))
    missed = [] if smoke else list(_find_missed(samples, listed))
    print("\n".join(missed))
    is_well = not any(each.errors for each in (*samples, listed)) and all(each.is_exact for each in accounts)
    sys.exit(0 if is_well and not missed else 1)


@contextmanager
def _serve(folder: Path, *, is_priced: bool) -> Iterator[list[Subject]]:
    upstream, port, bare = free_port(), free_port(), free_port()
    config = folder / "config.yaml"
    config.write_bytes(msgspec.json.encode({"model_list": [], "mcp_servers": _list_servers(upstream)}))
    command = [sys.executable, "-c", _RUN, "serve", "--config", str(config), "--host", "127.0.0.1"]
    command += ["--port", str(port), "--data-dir", str(folder / "data")]
    environ = {"GATEWAY_MASTER_KEY": _MASTER_KEY, "DATABASE_URL": ""}
    log, origin = folder / "log", f"http://127.0.0.1:{upstream}"
    with (
        run_process([sys.executable, str(_UPSTREAM), str(upstream)], log),
        run_process([sys.executable, "-m", "loadtest.bare", str(bare), origin, origin], log) as yardstick,
        run_process(command, log, environ) as process,
    ):
        wait_until(lambda: is_listening(bare), yardstick, log)
        wait_until(lambda: is_listening(port, "/health/readiness", needs_ok=True), process, log)
        workers, address = _workers(process.pid), f"http://127.0.0.1:{port}"
        key = {"authorization": f"Bearer {_make(port, '/key/generate', _LIMITS)['key']}"}
        subjects = [
            Subject("direct", origin, "/s1", {}),
            Subject("bare", f"http://127.0.0.1:{bare}", _BARE, {}, _workers(yardstick.pid)),
            Subject("gateway", address, "/s1/mcp", key, workers),
        ]
        if is_priced:
            subjects.append(_open_priced(port, folder / "data", workers))
        yield subjects


def _list_servers(port: int) -> dict[str, object]:
    """Servers by their names; calls of `priced` cost something, they are one of the list of all."""
    url = f"http://127.0.0.1:{port}"
    servers: dict[str, object] = {
        f"s{number}": {"url": f"{url}/s{number}", "transport": "http"} for number in range(_SERVERS - 1)
    }
    cost = {"mcp_server_cost_info": {"default_cost_per_query": PRICE}}
    return servers | {"priced": {"url": f"{url}/priced", "transport": "http", "mcp_info": cost}}


def _open_priced(port: int, data: Path, workers: tuple[int, ...]) -> Subject:
    """Calls that cost something, of a key of a team; both have a budget."""
    team = _make(port, "/team/new", _LIMITS)["team_id"]
    key = _make(port, "/key/generate", {**_LIMITS, "team_id": team})["key"]
    headers = {"authorization": f"Bearer {key}"}
    books = Books(port, _ADMIN, data, key, team)
    return Subject("priced", f"http://127.0.0.1:{port}", "/priced/mcp", headers, workers, books)


def _make(port: int, path: str, body: object) -> dict[str, str]:
    status, made = get(port, path, _ADMIN, msgspec.json.encode(body))
    if status != _OK:
        sys.exit(f"{path} answered {status}: {made.decode()}")
    return msgspec.json.decode(made)


def _workers(pid: int) -> tuple[int, ...]:
    return tuple(below for below, line in descendants(pid).items() if "spawn_main" in line)


def _measure(subject: Subject, generation: str, connections: int, seconds: float) -> Sample:
    """Call a tool of one server."""
    url = subject.origin + subject.call
    headers = {**subject.headers, **_session(subject, url, generation)}
    is_modern = generation == "2026-07-28"
    params = {**_ARGUMENTS, "_meta": _ABOUT} if is_modern else _ARGUMENTS
    if is_modern:
        headers |= {"mcp-method": "tools/call", "mcp-name": "tool_1"}
    label = f"tools/call, {generation}, {connections} at once, {subject.name}"
    return _load(subject, url, headers, ("tools/call", params), label, connections, seconds)


def _list_tools(subject: Subject, seconds: float) -> Sample:
    """List the tools of all servers."""
    headers = {**subject.headers, "mcp-protocol-version": "2026-07-28", "mcp-method": "tools/list"}
    asked = ("tools/list", {"_meta": _ABOUT})
    label = f"tools/list, {_SERVERS} servers with {TOOLS} tools"
    return _load(subject, f"{subject.origin}/mcp", headers, asked, label, 1, seconds)


def _session(subject: Subject, url: str, generation: str) -> dict[str, str]:
    """The headers of a conversation, which in the generation with sessions begins here."""
    headers = {"accept": "application/json, text/event-stream", "mcp-protocol-version": generation}
    if generation == "2026-07-28":
        return headers
    params = {"protocolVersion": generation, "capabilities": {}, "clientInfo": {"name": "b", "version": "1"}}
    host, port, request = build_request(url, {**headers, **subject.headers}, _message("initialize", params))
    answer = asyncio.run(_ask(host, port, request))
    lines = (line for line in answer.split("\r\n") if line.lower().startswith("mcp-session-id:"))
    # The bare relay passes no headers on.
    return {**headers, "mcp-session-id": next(lines, ":none").partition(":")[2].strip()}


async def _ask(host: str, port: int, request: bytes) -> str:
    reader, writer = await asyncio.open_connection(host, port)
    writer.write(request)
    head = await reader.readuntil(b"\r\n\r\n")
    writer.close()
    return head.decode()


def _message(method: str, params: object) -> bytes:
    return msgspec.json.encode({"jsonrpc": "2.0", "id": 1, "method": method, "params": params})


def _load(
    subject: Subject,
    url: str,
    headers: dict[str, str],
    asked: tuple[str, object],
    label: str,
    connections: int,
    seconds: float,
) -> Sample:
    host, port, request = build_request(
        url, {"accept": "application/json, text/event-stream", **headers}, _message(*asked)
    )
    plan = Plan(host=host, port=port, request=request, connections=connections, seconds=seconds)
    warming = asyncio.run(drive(msgspec.structs.replace(plan, seconds=min(0.5, seconds))))
    before = cpu_seconds(subject.workers)
    outcome: Outcome = asyncio.run(drive(plan))
    spent = cpu_seconds(subject.workers) - before
    if subject.books is not None:
        subject.books.note(warming.requests + outcome.requests - warming.errors - outcome.errors)
    times = statistics.quantiles([each * 1000 for each in outcome.latencies], n=100)
    return Sample(
        label=label,
        p50=times[49],
        p99=times[98],
        rate=outcome.requests / outcome.seconds,
        cpu=spent / outcome.requests * 1e6,
        errors=outcome.errors,
    )


def _render(samples: list[Sample]) -> str:
    lines = [
        "| | p50 ms | p99 ms | per second | CPU us | of bare | errors |",
        "|---|---:|---:|---:|---:|---:|---:|",
    ]
    bare = 0.0
    for one in samples:
        bare = one.cpu if one.label.endswith(" bare") else bare
        of_bare = f"{one.cpu / bare:.1f}" if one.label.endswith((" gateway", " priced")) else ""
        figures = f"{one.p50:.2f} | {one.p99:.2f} | {one.rate:,.0f} | {one.cpu:,.0f}"
        lines.append(f"| {one.label} | {figures} | {of_bare} | {one.errors} |")
    return "\n".join(lines)


def _find_missed(samples: list[Sample], listed: Sample) -> Iterator[str]:
    direct = samples[0]
    for gateway in samples:
        direct = gateway if gateway.label.endswith(" direct") else direct
        if not gateway.label.endswith((" gateway", " priced")):
            continue
        added = gateway.p50 - direct.p50
        if "1 at once" in gateway.label and added > _MOST_ADDED_MS:
            yield f"Missed: {gateway.label} adds {added:.2f} ms."
        if "16 at once" in gateway.label and gateway.rate < _LEAST_CALLS:
            yield f"Missed: {gateway.label} is {gateway.rate:,.0f} calls a second."
    if listed.p50 > _MOST_LIST_MS:
        yield f"Missed: {listed.label} takes {listed.p50:.2f} ms."


if __name__ == "__main__":
    main()
