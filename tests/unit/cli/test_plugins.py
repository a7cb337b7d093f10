"""`gatewright plugins list`: what it shows, and that it refuses what the boot refuses."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from gateway.cli.plugins import plugins

CONFIG = """
gatewright:
  plugins:
    settings:
      guardrails:
        secret_detection:
          action: block
"""


@pytest.fixture(autouse=True)
def wide_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.delenv("CONFIG_FILE_PATH", raising=False)


def run(tmp_path: Path, config: str, *arguments: str) -> Result:
    path = tmp_path / "config.yaml"
    path.write_text(config)
    return CliRunner().invoke(plugins, ["list", "--config", str(path), *arguments])


def test_the_list_says_which_plugins_load_and_what_they_implement(tmp_path: Path) -> None:
    result = run(tmp_path, CONFIG + "general_settings: {store_model_in_db: false}\n", "--json")

    assert result.exit_code == 0, result.output
    assert json.loads(result.output) == [
        {
            "name": "guardrails",
            "version": "0.1.0",
            "distribution": "gatewright-guardrails",
            "hooks": ["guard_request"],
            "is_loaded": True,
            "reason": "",
        },
        {
            "name": "mcp",
            "version": "0.1.0",
            "distribution": "gatewright-mcp",
            "hooks": [],
            "is_loaded": False,
            "reason": "not configured: gatewright.plugins.settings has no section 'mcp'",
        },
    ]


def test_the_table_has_a_line_for_each_plugin(tmp_path: Path) -> None:
    lines = run(tmp_path, CONFIG + "general_settings: {store_model_in_db: false}\n").output.splitlines()

    guardrails = next(line for line in lines if "guardrails" in line)
    assert [cell.strip() for cell in guardrails.strip("│").split("│")] == [
        "guardrails",
        "0.1.0",
        "gatewright-guardrails",
        "guard_request",
        "yes",
    ]
    assert "no: not configured" in next(line for line in lines if "gatewright-mcp" in line)


def test_without_a_configuration_what_serves_the_database_is_loaded() -> None:
    result = CliRunner().invoke(plugins, ["list", "--json"])

    assert [info["name"] for info in json.loads(result.output) if info["is_loaded"]] == ["mcp"]


@pytest.mark.parametrize(
    ("wrong", "right", "named"),
    [
        ("guardrials", "guardrails", "Plugin 'guardrials'"),
        ("secret_detecton", "secret_detection", "there is no setting 'secret_detecton'"),
        ("acton", "action", "guardrails.secret_detection: there is no setting 'acton'"),
    ],
)
def test_what_the_boot_refuses_is_refused_with_the_nearest_word(
    tmp_path: Path, wrong: str, right: str, named: str
) -> None:
    result = run(tmp_path, CONFIG.replace(right, wrong))

    assert result.exit_code == 1
    assert named in result.output
    assert f"Did you mean '{right}'?" in result.output


def test_what_the_boot_refuses_is_told_with_file_and_line(tmp_path: Path) -> None:
    wrong = CONFIG.replace("secret_detection", "secret_detecton")
    line = next(at for at, text in enumerate(wrong.splitlines(), 1) if "secret_detecton" in text)

    assert f"config.yaml:{line}: Plugin 'guardrails': " in run(tmp_path, wrong).output


def test_a_broken_configuration_is_refused_by_name(tmp_path: Path) -> None:
    result = run(tmp_path, "gatewright: [")

    assert result.exit_code == 1
    assert "config.yaml" in result.output
