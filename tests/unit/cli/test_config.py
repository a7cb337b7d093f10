from pathlib import Path

import msgspec
import pytest
from click.testing import CliRunner

from gateway.cli.config import config


def _check(tmp_path: Path, text: str, *options: str):
    path = tmp_path / "config.yaml"
    path.write_text(text)
    return CliRunner().invoke(config, ["check", str(path), *options])


GOOD = """
model_list:
- model_name: first
  litellm_params: {model: openai/gpt-4o-mini, api_key: os.environ/NOT_SET_ANYWHERE}
general_settings: {supported_db_objects: [models]}
"""


def test_models_and_notices_are_listed(tmp_path: Path):
    result = _check(tmp_path, GOOD)
    assert result.exit_code == 0
    assert "openai/gpt-4o-mini" in result.output
    assert f"{tmp_path}/config.yaml:4: model_list[0].litellm_params.api_key: " in result.output
    assert "2 notices" in result.output
    assert "can be served" in result.output


def test_the_report_as_json(tmp_path: Path):
    result = _check(tmp_path, GOOD, "--json")
    report = msgspec.json.decode(result.output)
    assert report["ok"] is True
    assert report["models"] == [
        {"model_name": "first", "model": "openai/gpt-4o-mini", "path": "model_list[0]"}
    ]
    assert [notice["line"] for notice in report["notices"]] == [5, 4]


def test_an_error_is_one_line_with_its_place(tmp_path: Path):
    result = _check(tmp_path, "litellm_settings:\n  json_logs: maybe\n")
    assert result.exit_code == 1
    assert result.stderr.startswith(
        f"{tmp_path}/config.yaml:2: litellm_settings.json_logs: Expected true or false"
    )
    assert result.stdout == ""


def test_an_error_as_json(tmp_path: Path):
    result = _check(tmp_path, "litellm_settings:\n  json_logs: maybe\n", "--json")
    assert result.exit_code == 1
    error = msgspec.json.decode(result.stdout)["error"]
    assert (error["path"], error["line"], error["allowed"]) == (
        "litellm_settings.json_logs",
        2,
        ["true", "false"],
    )


def test_nothing_is_written_and_no_secret_shown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("GATEWAY_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("GATEWAY_MASTER_KEY", "sk-4f9a1c77e2b8d035")
    monkeypatch.setenv("DATABASE_URL", "postgresql://u:hunter2@127.0.0.1:1/none")
    for options in ((), ("--json",)):
        result = _check(tmp_path, GOOD, *options)
        assert result.exit_code == 0
        assert "hunter2" not in result.output
        assert "4f9a1c77e2b8d035" not in result.output
    assert not (tmp_path / "data").exists()


def test_markup_in_names_is_shown_as_it_stands(tmp_path: Path):
    result = _check(tmp_path, "model_list: [{model_name: '[red]x[/red]', litellm_params: {model: mock/a}}]")
    assert "[red]x[/red]" in result.output


def test_a_missing_file_is_an_error(tmp_path: Path):
    result = CliRunner().invoke(config, ["check", str(tmp_path / "absent.yaml")])
    assert result.exit_code == 1
    assert "absent.yaml: The configuration file cannot be read" in result.stderr


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (
            "litellm_settings: {default_key_generate_params: {modles: [a]}}",
            "litellm_settings.default_key_generate_params.modles: new keys have no such member.",
        ),
        (
            "litellm_settings: {default_internal_user_params: {max_budget: much}}",
            "litellm_settings.default_internal_user_params: max_budget: Expected `float | null`, got `str`",
        ),
        ("gatewright: {plugins: {allow: [guardrials]}}", "Did you mean 'guardrails'?"),
        ("gatewright: {plugins: {settings: {guardrails: {secrets: 1}}}}", "there is no setting 'secrets'"),
        ("general_settings: {database_url: 'mysql://a/b'}", "database_url"),
        ("router_settings: {fallbacks: [{a: 5}]}", "fallbacks"),
    ],
)
def test_what_keeps_the_gateway_from_starting_is_told(tmp_path: Path, text: str, told: str):
    result = _check(tmp_path, text)
    assert (result.exit_code, result.stdout) == (1, "")
    assert told in result.stderr


def test_a_setting_of_a_plugin_is_told_with_its_place(tmp_path: Path):
    text = "gatewright:\n  plugins:\n    settings:\n      guardrails:\n        secrets: 1\n"
    result = _check(tmp_path, text, "--json")
    error = msgspec.json.decode(result.stdout)["error"]
    assert (error["file"], error["line"]) == (f"{tmp_path}/config.yaml", 5)


def test_settings_and_models_that_cannot_be_served_are_told_in_one_run(tmp_path: Path):
    text = """\
model_list:
- model_name: one
  litellm_params:
    model: nobody/x
- model_name: two
  litellm_params: {model: openai/y, rpm: many}
- model_name: three
  litellm_params:
    model: openai/z
    input_cost_per_token: dear
gatewright: {price_file: absent.json}
"""
    result = _check(tmp_path, text)
    assert result.exit_code == 1
    file = f"{tmp_path}/config.yaml"
    lines = result.stderr.splitlines()
    assert [line.split(": ")[:2] for line in lines[:3]] == [
        [f"{file}:4", "model_list[0].litellm_params.model"],
        [f"{file}:6", "model_list[1].litellm_params.rpm"],
        [f"{file}:10", "model_list[2].litellm_params.input_cost_per_token"],
    ]
    assert "absent.json" in lines[3]
    assert len(lines) == 4
    report = msgspec.json.decode(_check(tmp_path, text, "--json").stdout)
    assert [error["line"] for error in report["errors"]] == [4, 6, 10, None]
    assert report["error"] == report["errors"][0]
