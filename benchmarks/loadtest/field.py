"""What every subject stands on: the upstreams, the cores, the folder; and what a subject is."""

import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import msgspec
import uvloop
from loadtest.cases import TRAFFIC
from loadtest.machine import Cores, free_port
from loadtest.nginx import answer_server, has_nginx, run_nginx
from loadtest.processes import get, is_listening, run_process, wait_until
from loadtest.upstream import serve_upstream

__all__ = ["Field", "Target", "count_served", "open_field"]

_RUN = "import sys; from loadtest.field import main; main(int(sys.argv[1]))"


class Field(msgspec.Struct, frozen=True, kw_only=True):
    """Where the upstreams listen, where the subjects may run and write, and what makes the load."""

    folder: Path
    cores: Cores
    answer_port: int
    stream_port: int
    has_nginx_upstream: bool
    uses_wrk: bool
    has_all_scopes: bool = False
    has_redis: bool = False


class Target(msgspec.Struct, frozen=True, kw_only=True):
    """A server under load.

    `path` may hold `{traffic}`. `workers` are the processes whose time is counted, `processes` those whose
    memory is. `lag` tells the bytes that wait to be recorded. `begin` is called before each load, `settle`
    after it: it waits until everything is recorded.
    """

    name: str
    port: int
    path: str
    stream_port: int | None = None
    headers: dict[str, str] = {}
    traffic: tuple[str, ...] = TRAFFIC
    workers: tuple[int, ...] = ()
    processes: tuple[int, ...] = ()
    lag: Callable[[], int] = lambda: 0
    begin: Callable[[], None] = lambda: None
    settle: Callable[[], None] = lambda: None

    def url(self, traffic: str) -> str:
        """The address of chat completions for one kind of traffic."""
        port = self.port if traffic == "answer" else self.stream_port or self.port
        return f"http://127.0.0.1:{port}{self.path.format(traffic=traffic)}"


@contextmanager
def open_field(
    folder: Path,
    cores: Cores,
    *,
    uses_nginx: bool,
    uses_wrk: bool,
    has_all_scopes: bool = False,
    has_redis: bool = False,
) -> Iterator[Field]:
    """Start the upstreams: nginx for whole answers if it may be used and is there, ours for all else."""
    with ExitStack() as stack:
        stream_port = free_port()
        log = folder / "upstream.log"
        process = stack.enter_context(run_process([sys.executable, "-c", _RUN, str(stream_port)], log))
        wait_until(lambda: is_listening(stream_port, "/served"), process, log)
        answer_port = stream_port
        is_nginx = uses_nginx and has_nginx()
        if is_nginx:
            answer_port = free_port()
            stack.enter_context(run_nginx(folder / "nginx-upstream", answer_server(answer_port), answer_port))
        yield Field(
            folder=folder,
            cores=cores,
            answer_port=answer_port,
            stream_port=stream_port,
            has_nginx_upstream=is_nginx,
            uses_wrk=uses_wrk,
            has_all_scopes=has_all_scopes,
            has_redis=has_redis,
        )


def count_served(field: Field) -> int:
    """How many answers the upstreams have given, all kinds and subjects together."""
    _, body = get(field.stream_port, "/served")
    told = msgspec.json.decode(body, type=dict[str, int])
    served = sum(told[kind] for kind in TRAFFIC)
    if field.has_nginx_upstream:
        served += _count_of_nginx(field.answer_port)
    return served


def _count_of_nginx(port: int) -> int:
    """Requests but for those that ask for the count: these are on a connection of their own each."""
    _, body = get(port, "/served")
    return int(body.split(b"requests")[1].split()[2])


def main(port: int) -> None:
    """Run the bundled upstream until the process is ended."""
    uvloop.run(serve_upstream(port))
