"""What the README promises: commands that CI runs, and requests that the gateway understands."""

import re
import subprocess
from pathlib import Path

import click
import pytest
import yaml

from gateway.cli.main import cli
from gateway.settings import load_settings

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
INSTALL = "python3 -m venv .uv && .uv/bin/pip install -q uv && .uv/bin/uv run "
MARK = re.compile(r"^<!-- command: (\w+) -->\n```sh\n(.+?)\n```$", re.MULTILINE | re.DOTALL)
PAGES = sorted(path for path in [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *ROOT.glob("docs/*.md")])


def test_the_readme_begins_with_one_command_to_serve_and_one_to_test() -> None:
    commands = dict(MARK.findall(README))
    first_blocks = re.findall(r"^```\w*\n(.+?)\n```$", README, re.MULTILINE | re.DOTALL)[:2]

    assert list(commands) == ["serve", "test"]
    assert list(commands.values()) == first_blocks
    assert all(command.startswith(INSTALL) and "\n" not in command for command in commands.values())


@pytest.mark.parametrize("name", ["serve", "test"])
def test_ci_runs_the_command_as_the_readme_shows_it(name: str) -> None:
    """CI takes the command out of the README; that it finds this one, and uses it, is shown here."""
    read = subprocess.run(
        ["bash", "-c", f"source .ci/environment.sh; readme_command {name}"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    script = (ROOT / ".ci" / "run").read_text() + (ROOT / ".ci" / "environment.sh").read_text()

    assert read.stdout.strip() == dict(MARK.findall(README))[name]
    assert f"readme_command {name}" in script


def test_the_configuration_in_the_readme_can_be_served(tmp_path: Path) -> None:
    (shown,) = re.findall(r"^```yaml\n(.+?)^```$", README, re.MULTILINE | re.DOTALL)
    config = tmp_path / "config.yaml"
    config.write_text(shown)

    settings = load_settings(config, {"OPENAI_API_KEY": "sk-test", "HOME": str(tmp_path)})

    assert len(settings.models) == len(yaml.safe_load(shown)["model_list"])
    assert not settings.notices


@pytest.mark.parametrize("page", PAGES, ids=lambda path: path.name)
def test_commands_and_flags_in_the_docs_exist(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    # A call starts its line or follows a shell word that runs it.
    calls = re.findall(r"(?:^|run |`)gatewright ((?:[a-z][\w-]*|--[\w-]+)[^`\n|#>]*)", text, re.MULTILINE)
    unknown = {call for call in calls if not is_known(call.split())}

    assert not unknown


def is_known(words: list[str]) -> bool:
    command: click.Command = cli
    context = click.Context(cli)
    while isinstance(command, click.Group) and words and not words[0].startswith("-"):
        found = command.get_command(context, words[0])
        if found is None:
            return False
        command, words = found, words[1:]
    flags = {option for parameter in command.params for option in parameter.opts + parameter.secondary_opts}
    return {word.partition("=")[0] for word in words if word.startswith("--")} <= flags | {
        "--help",
        "--version",
    }
