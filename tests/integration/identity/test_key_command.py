import json

import pytest
from click.testing import CliRunner

from gateway.cli.key import key

MASTER_KEY = "sk-master-0123456789abcdef"


@pytest.fixture
def run(migrated_database_url: str, tmp_path, monkeypatch, bound_tables: None):
    monkeypatch.setenv("DATABASE_URL", migrated_database_url)
    monkeypatch.setenv("GATEWAY_MASTER_KEY", MASTER_KEY)

    # A command has its process for itself; the lines of later tests would go elsewhere.
    monkeypatch.setattr("gateway.cli.asking.configure_logs", lambda **_: None)

    def invoke(*arguments: str):
        return CliRunner().invoke(key, ["create", "--data-dir", str(tmp_path), *arguments])

    return invoke


def test_a_key_is_printed_alone_and_once(run):
    result = run("--alias", "mine", "--models", "gpt-4o, openai/*", "--max-budget", "5")
    assert result.exit_code == 0, result.output
    assert result.output.strip().startswith("sk-")
    assert len(result.output.split()) == 1


def test_everything_about_the_key_comes_as_json(run):
    result = run("--rpm", "7", "--tpm", "70", "--models", "gpt-4o,openai/*", "--duration", "1d", "--json")
    made = json.loads(result.output)
    assert made["key"].startswith("sk-")
    assert (made["rpm_limit"], made["tpm_limit"], made["models"]) == (7, 70, ["gpt-4o", "openai/*"])
    assert made["expires"].endswith("Z")
    assert made["created_by"] == "default_user_id"


def test_a_value_that_cannot_be_is_refused(run):
    result = run("--max-budget", "nan")
    assert result.exit_code != 0
    assert "max_budget" in str(result.exception)


def test_the_first_key_may_come_before_the_first_start(run, database_url: str, monkeypatch):
    monkeypatch.setenv("DATABASE_URL", database_url)
    assert run().output.startswith("sk-")


def test_a_database_that_may_not_be_upgraded_is_said_so(run, database_url: str, monkeypatch, tmp_path):
    monkeypatch.setenv("DATABASE_URL", database_url)
    config = tmp_path / "config.yaml"
    config.write_text("general_settings: {disable_prisma_schema_update: true}")
    assert "gatewright db upgrade" in str(run("--config", str(config)).exception)
