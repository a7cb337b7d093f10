import os
import signal
import time
from pathlib import Path

from gateway.db.embedded import EmbeddedPostgres
from gateway.db.embedded_keeper import EmbeddedKeeper
from gateway.db.embedded_probe import accepts_connections
from gateway.errors import StartupError

FAST = {"fsync": "off", "synchronous_commit": "off"}
_BOUND_SECONDS = 60.0


def answers(server: EmbeddedPostgres) -> bool:
    folder = Path(server.url.rpartition("host=")[2].replace("%2F", "/"))
    return accepts_connections(folder, user="gatewright", database="postgres")


def wait_for(condition) -> bool:
    deadline = time.monotonic() + _BOUND_SECONDS
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


def test_a_killed_server_comes_back_and_ends_with_the_block(tmp_path: Path):
    server = EmbeddedPostgres(tmp_path, settings=FAST)
    with EmbeddedKeeper(server):
        first = server.process_id
        assert first is not None
        os.kill(first, signal.SIGKILL)
        assert wait_for(lambda: server.process_id not in {None, first} and answers(server))
        second = server.process_id
        assert second is not None
    assert server.process_id is None
    assert wait_for(lambda: not Path(f"/proc/{second}").exists())


def test_a_start_that_fails_is_tried_again(tmp_path: Path):
    class Failing(EmbeddedPostgres):
        attempts = 0

        def ensure_running(self) -> bool:
            self.attempts += 1
            if self.attempts == 1:
                raise StartupError("The disk is full.")
            return False

    server = Failing(tmp_path, settings=FAST)
    with EmbeddedKeeper(server):
        assert wait_for(lambda: server.attempts > 1)
