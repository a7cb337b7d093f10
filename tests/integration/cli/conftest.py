"""Runs the command: in this process, which takes a second less, or as a shell does."""

import contextlib
import io
import logging
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import structlog

from gateway.cli.main import main
from gateway.db.embedded import EmbeddedPostgres
from gateway.db.tables import TABLES

MASTER_KEY = "sk-master-of-the-tests-0123456789"
NOBODY = "postgresql://somebody:hidden@127.0.0.1:1/nothing"
"""Port 1 of the loopback address: nobody listens there."""

Run = Callable[..., subprocess.CompletedProcess[str]]
_FOREIGN = ("LITELLM_", "GATEWAY_", "DATABASE_", "REDIS_", "CONFIG_FILE_PATH")


def environment(folder: Path, environ: dict[str, str]) -> dict[str, str]:
    """What a command is told: nothing of ours but a folder, a master key, and what the test says."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(_FOREIGN)}
    return {**kept, "GATEWAY_DATA_DIR": str(folder), "GATEWAY_MASTER_KEY": MASTER_KEY, **environ}


@pytest.fixture
def shell(tmp_path: Path) -> Run:
    """Run `gatewright` in a process and a folder of its own; keyword arguments are environment variables."""

    def invoke(*arguments: str, **environ: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "gateway.cli.main", *arguments],
            env=environment(tmp_path, environ),
            capture_output=True,
            check=False,
            text=True,
            timeout=120,
            cwd=tmp_path,
        )

    return invoke


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """The same in this process, for all that does not go on until it is told to end."""

    def invoke(*arguments: str, **environ: str) -> subprocess.CompletedProcess[str]:
        out, errors = io.StringIO(), io.StringIO()
        with (
            surroundings(tmp_path, environment(tmp_path, environ), ["gatewright", *arguments]),
            contextlib.redirect_stdout(out),
            contextlib.redirect_stderr(errors),
        ):
            code = exit_code_of_main()
        return subprocess.CompletedProcess(arguments, code, out.getvalue(), errors.getvalue())

    return invoke


def exit_code_of_main() -> int:
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code is None or isinstance(ended.value.code, int)
    return ended.value.code or 0


@contextlib.contextmanager
def surroundings(folder: Path, environ: dict[str, str], arguments: list[str]) -> Iterator[None]:
    """What a process has for itself: a command changes all of it, and it is as before afterwards."""
    root, databases = logging.getLogger(), [table._meta._db for table in TABLES]
    handlers, level, logs = root.handlers[:], root.level, structlog.get_config()
    configure = structlog.configure
    with pytest.MonkeyPatch.context() as patched, contextlib.chdir(folder):
        for name in set(os.environ) - set(environ):
            patched.delenv(name)
        for name, value in environ.items():
            patched.setenv(name, value)
        patched.setattr(sys, "argv", arguments)
        # A logger that keeps its first settings would keep these.
        patched.setattr(
            structlog, "configure", lambda **given: configure(**given | {"cache_logger_on_first_use": False})
        )
        try:
            yield
        finally:
            root.handlers[:] = handlers
            root.setLevel(level)
            configure(**logs)
            for table, database in zip(TABLES, databases, strict=True):
                table._meta._db = database


@pytest.fixture(scope="module")
def running_folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A data folder whose embedded database this process runs, as `serve` does."""
    folder = tmp_path_factory.mktemp("running")
    with EmbeddedPostgres(folder, settings={"fsync": "off", "synchronous_commit": "off"}):
        yield folder
