"""`gatewright db` from the shell."""

from pathlib import Path

import pytest

from tests.integration.cli.conftest import NOBODY, Run


@pytest.mark.parametrize(
    "command",
    ["db status", "db check", "db upgrade", "db upgrade --dry-run", "db backup FILE", "key create"],
)
def test_a_database_that_is_away_is_one_sentence_with_the_reason(run: Run, command: str):
    result = run(*command.split(), DATABASE_URL=NOBODY)
    assert result.returncode == 1
    assert result.stdout == ""
    [line] = result.stderr.splitlines()
    assert line.startswith("gatewright: The database cannot be reached.")
    assert "refused" in line.lower() or "Connect call failed" in line
    assert "hidden" not in line


def test_an_empty_database_is_told_upgraded_and_found_complete(run: Run, database_url: str):
    before = run("db", "status", DATABASE_URL=database_url)
    assert (before.returncode, "gatewright db upgrade" in before.stdout) == (1, True)
    planned = run("db", "upgrade", "--dry-run", DATABASE_URL=database_url)
    assert planned.returncode == 0
    assert 'CREATE TABLE "LiteLLM_VerificationToken"' in planned.stdout
    assert planned.stdout.splitlines()[-1].startswith("-- The database is empty; an upgrade would run ")
    assert run("db", "check", DATABASE_URL=database_url).returncode == 1
    done = run("db", "upgrade", DATABASE_URL=database_url)
    assert (done.returncode, len(done.stdout.splitlines())) == (0, 1)
    assert done.stdout.endswith("and 1 migration were run.\n")
    assert run("db", "status", DATABASE_URL=database_url).returncode == 0
    assert run("db", "check", DATABASE_URL=database_url).returncode == 0
    again = run("db", "upgrade", DATABASE_URL=database_url)
    assert "0 statements" in again.stdout


def test_a_backup_is_restored_into_an_empty_database(run: Run, tmp_path: Path, running_folder: Path):
    folder = ("--data-dir", str(running_folder))
    assert run("key", "create", "--alias", "kept", *folder).returncode == 0
    backup = run("db", "backup", str(tmp_path / "saved"), *folder)
    assert (backup.returncode, "tables" in backup.stdout) == (0, True)
    other = ("--data-dir", str(tmp_path / "other"))
    restored = run("db", "restore", str(tmp_path / "saved"), *other)
    assert restored.returncode == 0, restored.stderr
    taken = run("key", "create", "--alias", "kept", *other)
    assert "already exists" in taken.stderr
    refused = run("db", "restore", str(tmp_path / "saved"), *other)
    assert refused.returncode == 1
    assert "--force" in refused.stderr
    assert run("db", "restore", "--force", str(tmp_path / "saved"), *other).returncode == 0


def test_a_file_that_is_no_backup_is_refused(run: Run, tmp_path: Path, running_folder: Path):
    (tmp_path / "text").write_text("model_list: []")
    result = run("db", "restore", "--force", str(tmp_path / "text"), "--data-dir", str(running_folder))
    assert result.returncode == 1
    assert "is not a complete backup" in result.stderr


def test_a_place_that_cannot_be_written_is_named(run: Run, running_folder: Path):
    result = run("db", "backup", "/nonexistent/file", "--data-dir", str(running_folder))
    assert result.returncode == 1
    assert "/nonexistent" in result.stderr
