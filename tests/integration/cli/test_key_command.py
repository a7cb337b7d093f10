"""`gatewright key create` from the shell."""

import json
from pathlib import Path

from tests.integration.cli.conftest import Run


def test_the_embedded_database_is_started_for_the_key_and_ends_with_it(shell: Run, tmp_path: Path):
    result = shell("key", "create", "--alias", "first")
    assert result.returncode == 0, result.stderr
    assert result.stdout.startswith("sk-")
    assert result.stderr == ""
    assert not (tmp_path / "pg18" / "postmaster.pid").exists()


def test_a_running_embedded_database_is_used_and_left_running(run: Run, running_folder: Path):
    made = json.loads(run("key", "create", "--json", "--data-dir", str(running_folder)).stdout)
    assert made["key"].startswith("sk-")
    assert (running_folder / "pg18" / "postmaster.pid").exists()


def test_a_value_that_cannot_be_is_one_sentence(run: Run, running_folder: Path):
    result = run("key", "create", "--max-budget=-1", "--data-dir", str(running_folder))
    assert result.returncode == 1
    assert len(result.stderr.splitlines()) == 1
    assert "max_budget" in result.stderr


def test_a_configuration_that_is_not_there_is_one_sentence(run: Run):
    result = run("key", "create", "--config", "none.yaml")
    assert result.returncode == 1
    assert len(result.stderr.splitlines()) == 1
    assert "none.yaml" in result.stderr
