"""The plugin of docs/plugins.md, installed as a distribution of its own, loaded and run."""

import json
import re
from pathlib import Path

import pytest

from tests.plugins.installing import copy_project, install, run

ROOT = Path(__file__).parents[2]
SOURCES = Path(__file__).parent / "third_party"
CONFIG = "gatewright: {plugins: {settings: {office-hours: {opens: 0, closes: 0}}}}\n"

PROGRAM = """
import asyncio, sys
from pathlib import Path
from gateway.errors import PermissionDenied
from gateway.hooks import load_plugins
from gateway.settings import load_settings
from gateway.testing import make_context

settings = load_settings(Path(sys.argv[1]), {})
loaded = load_plugins(settings.gatewright.plugins)
try:
    asyncio.run(loaded.hooks.authorize(make_context()))
except PermissionDenied as refusal:
    print(refusal.message)
"""


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return copy_project(SOURCES, tmp_path_factory.mktemp("third_party") / "acme-office-hours")


@pytest.fixture(scope="module")
def environ(project: Path) -> dict[str, str]:
    return install(project)


def test_the_installed_plugin_is_found_and_its_hook_is_called(
    environ: dict[str, str], tmp_path: Path
) -> None:
    config = tmp_path / "config.yaml"
    config.write_text(CONFIG)

    assert (
        run(environ, tmp_path, "-c", PROGRAM, str(config)) == "The office is open from 0 to 0 o'clock UTC.\n"
    )


def test_the_installed_plugin_is_listed(environ: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "config.yaml").write_text(CONFIG)
    program = "from gateway.cli.plugins import plugins; plugins()"

    output = run(environ, tmp_path, "-c", program, "list", "--json", "--config", "config.yaml")

    listed = {info["name"]: info for info in json.loads(output)}
    assert listed["office-hours"] == {
        "name": "office-hours",
        "version": "1.0.0",
        "distribution": "acme-office-hours",
        "hooks": ["authorize"],
        "is_loaded": True,
        "reason": "",
    }
    assert not listed["guardrails"]["is_loaded"]


def test_the_plugins_own_tests_pass_where_it_is_installed(environ: dict[str, str], project: Path) -> None:
    output = run(environ, project, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--import-mode=importlib")

    assert "3 passed" in output


def test_the_documentation_shows_the_sources_that_are_tested() -> None:
    page = (ROOT / "docs" / "plugins.md").read_text(encoding="utf-8")
    shown = dict(re.findall(r"<!-- source: (\S+) -->\n\n```\w+\n(.*?)```", page, re.DOTALL))

    assert sorted(shown) == sorted(path.name for path in SOURCES.iterdir() if path.is_file())
    for name, text in shown.items():
        assert text == (SOURCES / name).read_text(encoding="utf-8"), name
