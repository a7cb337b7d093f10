"""Servers as processes of their own: started, awaited, and always ended."""

import http.client
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

__all__ = ["get", "is_listening", "run_process", "wait_until"]

_POLL_SECONDS = 0.01
_STOP_SECONDS = 40


@contextmanager
def run_process(
    command: Sequence[str], log: Path, environ: Mapping[str, str] | None = None
) -> Iterator[subprocess.Popen[bytes]]:
    """Run a server with its output in `log`; SIGTERM at the end, SIGKILL if that is not heard."""
    lent = {**os.environ, "PYTHONPATH": _python_path(), **(environ or {})}
    with log.open("ab") as output:
        process = subprocess.Popen(command, stdout=output, stderr=output, env=lent)
        try:
            yield process
        finally:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(_STOP_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _python_path() -> str:
    """This package, and whatever the caller wanted."""
    return os.pathsep.join(filter(None, (str(Path(__file__).parents[1]), os.environ.get("PYTHONPATH"))))


def wait_until(
    is_so: Callable[[], bool], process: subprocess.Popen[bytes], log: Path, seconds: float = 60
) -> float:
    """Seconds until it is so; ends the program with the server's own words when it never is."""
    started = time.perf_counter()
    while not is_so():
        waited = time.perf_counter() - started
        if process.poll() is not None or waited > seconds:
            sys.exit(f"{process.args} did not come up:\n{log.read_text(errors='replace')[-3000:]}")
        time.sleep(_POLL_SECONDS)
    return time.perf_counter() - started


def is_listening(port: int, path: str = "/", *, needs_ok: bool = False) -> bool:
    """Whether a server answers there; with `needs_ok`, whether it answers 200."""
    try:
        status, _ = get(port, path)
    except (OSError, http.client.HTTPException):
        return False
    return status == 200 or not needs_ok


def get(
    port: int, path: str, headers: Mapping[str, str] | None = None, body: bytes | None = None
) -> tuple[int, bytes]:
    """Ask a server on the loopback address: GET, or POST with a body."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    try:
        connection.request("GET" if body is None else "POST", path, body, dict(headers or {}))
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()
