"""Runs the command as a shell does."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from gateway.db.embedded import EmbeddedPostgres

MASTER_KEY = "sk-master-of-the-tests-0123456789"
NOBODY = "postgresql://somebody:hidden@127.0.0.1:1/nothing"
"""Port 1 of the loopback address: nobody listens there."""

Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """Run `gatewright` in a folder of its own; keyword arguments are environment variables."""

    def invoke(*arguments: str, **environ: str) -> subprocess.CompletedProcess[str]:
        foreign = ("LITELLM_", "GATEWAY_", "DATABASE_", "CONFIG_FILE_PATH")
        kept = {name: value for name, value in os.environ.items() if not name.startswith(foreign)}
        return subprocess.run(
            [sys.executable, "-m", "gateway.cli.main", *arguments],
            env={**kept, "GATEWAY_DATA_DIR": str(tmp_path), "GATEWAY_MASTER_KEY": MASTER_KEY, **environ},
            capture_output=True,
            check=False,
            text=True,
            timeout=120,
            cwd=tmp_path,
        )

    return invoke


@pytest.fixture(scope="module")
def running_folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A data folder whose embedded database this process runs, as `serve` does."""
    folder = tmp_path_factory.mktemp("running")
    with EmbeddedPostgres(folder, settings={"fsync": "off", "synchronous_commit": "off"}):
        yield folder
