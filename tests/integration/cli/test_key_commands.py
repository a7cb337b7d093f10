"""`gatewright key` and its parts, on a database without a server."""

import asyncio
import json
from collections.abc import Iterator

import asyncpg
import pytest
from click.testing import CliRunner, Result

from gateway.cli.main import cli
from gateway.db.tables import TABLES
from gateway.errors import BadRequest, NotFound
from tests.conftest import DatabaseFactory

MASTER_KEY = "sk-master-0123456789abcdef"


@pytest.fixture(scope="module")
def database_of_module(database_factory: DatabaseFactory, migrated_template: str) -> Iterator[str]:
    name = database_factory.create(migrated_template)
    yield database_factory.url_of(name)
    database_factory.drop(name)


async def empty(url: str) -> None:
    connection = await asyncpg.connect(url)
    for table in ("VerificationToken", "DeletedVerificationToken", "DeprecatedVerificationToken"):
        await connection.execute(f'DELETE FROM "LiteLLM_{table}"')
    await connection.close()


@pytest.fixture
def run(database_of_module: str, tmp_path, monkeypatch):
    monkeypatch.setenv("DATABASE_URL", database_of_module)
    monkeypatch.setenv("GATEWAY_MASTER_KEY", MASTER_KEY)
    # A command has its process for itself; the lines of later tests would go elsewhere.
    monkeypatch.setattr("gateway.cli.asking.configure_logs", lambda **_: None)
    former = [table._meta._db for table in TABLES]

    def invoke(command: str, *arguments: str) -> Result:
        return CliRunner().invoke(cli, ["key", command, "--data-dir", str(tmp_path), *arguments])

    yield invoke
    for table, database in zip(TABLES, former, strict=True):
        table._meta._db = database
    asyncio.run(empty(database_of_module))


@pytest.fixture
def say(run):
    """Runs a command that goes well, and returns what it prints."""

    def invoke(command: str, *arguments: str) -> str:
        result = run(command, *arguments)
        assert result.exit_code == 0, result.output or result.exception
        return result.output.strip()

    return invoke


def test_keys_are_listed_as_a_table_and_as_json(say):
    say("create", "--alias", "reports", "--max-budget", "5", "--user", "ada")
    say("create", "--alias", "other")
    table = say("list", "--user", "ada").splitlines()
    assert table[0].split() == ["Key", "Alias", "User", "Team", "Spend", "Budget", "Status", "Hash"]
    assert table[1].split()[1:7] == ["reports", "ada", "-", "0.000000", "5", "active"]
    assert table[-1] == "Keys: 1; page 1 of 1"
    page = json.loads(say("list", "--json", "--size", "1", "--sort", "key_alias"))
    assert [row["key_alias"] for row in page["keys"]] == ["reports"]
    assert page["total_pages"] == 2


def test_a_key_is_shown_by_key_hash_and_alias(say):
    made = json.loads(say("create", "--alias", "reports", "--json"))
    shown = [json.loads(say("info", name)) for name in (made["key"], made["token"], "reports")]
    assert shown[0]["key_alias"] == "reports"
    assert shown[0] == shown[1] == shown[2]
    assert made["key"] not in say("info", "reports")


def test_what_is_named_changes_and_what_is_cleared_goes(say):
    say("create", "--alias", "reports", "--rpm", "5", "--max-budget", "1", "--duration", "1d")
    changed = json.loads(
        say("update", "reports", "--max-budget", "2", "--models", "a, b", "--clear", "rpm_limit")
    )
    assert (changed["max_budget"], changed["models"], changed["rpm_limit"]) == (2, ["a", "b"], None)
    assert changed["expires"] is not None
    assert json.loads(say("update", "reports", "--clear", "duration"))["expires"] is None


def test_an_update_says_something(run):
    result = run("update", "reports")
    assert result.exit_code == 2
    assert "Say what is to change" in result.output


def test_values_are_checked_as_over_http(run, say):
    say("create", "--alias", "reports")
    assert isinstance(run("update", "reports", "--max-budget", "-1").exception, BadRequest)
    assert isinstance(run("rotate", "reports", "--grace", "soon").exception, BadRequest)


def test_a_rotated_key_is_printed_alone_and_once(say, run):
    old = say("create", "--alias", "reports", "--max-budget", "5")
    new = say("rotate", "reports")
    assert new.startswith("sk-")
    assert new != old
    assert len(new.split()) == 1
    assert json.loads(say("info", new))["rotation_count"] == 1
    assert isinstance(run("info", old).exception, NotFound)
    made = json.loads(say("rotate", new, "--grace", "1h", "--json"))
    assert made["max_budget"] == 5


def test_keys_are_blocked_and_unblocked(say):
    say("create", "--alias", "reports")
    assert say("block", "reports").endswith("is blocked.")
    assert json.loads(say("info", "reports"))["status"] == "revoked"
    assert say("unblock", "reports").endswith("is not blocked.")
    assert json.loads(say("info", "reports"))["status"] == "active"


def test_keys_are_deleted_all_or_none(say, run):
    first, second = say("create", "--alias", "first"), say("create")
    assert isinstance(run("delete", first, "nobody").exception, NotFound)
    assert json.loads(say("info", first))["status"] == "active"
    assert say("delete", "first", second) == "Deleted 2 keys."
    assert json.loads(say("info", first))["status"] == "deleted"
    assert json.loads(say("list", "--status", "deleted", "--json"))["total_count"] == 2


def test_the_command_names_its_parts(run):
    listed = CliRunner().invoke(cli, ["key", "--help"]).output
    for name in ("create", "list", "info", "update", "rotate", "block", "unblock", "delete"):
        assert f"  {name} " in listed
