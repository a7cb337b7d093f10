"""`gatewright books` from the shell."""

import asyncio
import json
from pathlib import Path

import pytest

from tests.integration.cli.conftest import NOBODY, Run
from tests.integration.serving import fetch_rows

SPENT = """
INSERT INTO "LiteLLM_TeamTable" (team_id, spend) VALUES ('t', 1.000000002);
INSERT INTO gatewright.opening_balance (entity_type, entity_id, nanos) VALUES ('team', 't', 1000000000);
INSERT INTO "LiteLLM_UserTable" (user_id, spend) VALUES ('u', 5)
"""


def test_books_that_balance_are_one_sentence(run: Run, running_folder: Path):
    folder = ("--data-dir", str(running_folder))
    assert run("db", "upgrade", *folder).returncode == 0
    result = run("books", "check", *folder)
    assert (result.returncode, result.stdout, result.stderr) == (0, "The books balance.\n", "")


def test_a_difference_is_told_and_repaired(run: Run, migrated_database_url: str):
    for statement in SPENT.split(";"):
        asyncio.run(fetch_rows(migrated_database_url, statement))
    result = run("books", "check", DATABASE_URL=migrated_database_url)
    assert (result.returncode, result.stdout.splitlines()) == (
        1,
        [
            "total team t: 1.000000002 USD, expected 1.000000000 USD (0.000000002 USD too much)",
            "1 rows have a spend from before anything was booked on them.",
            "The books differ in 1 places. Nothing was changed.",
        ],
    )
    listed = json.loads(run("books", "check", "--json", DATABASE_URL=migrated_database_url).stdout)
    assert listed["differences"] == [
        {
            "books": "total",
            "entity_type": "team",
            "entity_id": "t",
            "expected_nanos": 1_000_000_000,
            "found_nanos": 1_000_000_002,
            "difference_nanos": 2,
        }
    ]
    repaired = run("books", "check", "--repair", DATABASE_URL=migrated_database_url)
    assert repaired.returncode == 0
    assert repaired.stdout.endswith("1 adjustments were written; the books balance now.\n")
    assert run("books", "check", DATABASE_URL=migrated_database_url).returncode == 0


@pytest.mark.parametrize("arguments", [["--repair"], ["--json"], []])
def test_a_database_that_is_away_is_one_sentence(run: Run, arguments: list[str]):
    result = run("books", "check", *arguments, DATABASE_URL=NOBODY)
    assert (result.returncode, result.stdout) == (1, "")
    assert result.stderr.startswith("gatewright: The database cannot be reached.")
