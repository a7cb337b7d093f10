"""The guardrail of docs/writing-a-guardrail.md, installed as a distribution of its own, set up and run."""

import re
from pathlib import Path

import pytest

from tests.plugins.installing import copy_project, install, run

ROOT = Path(__file__).parents[2]
SOURCES = Path(__file__).parent / "third_party_guardrail"
PAGE = ROOT / "docs" / "writing-a-guardrail.md"

PROGRAM = """
import asyncio, sys
from pathlib import Path
from gateway.clock import SystemClock
from gateway.guardrails.build import build_guardrails
from gateway.guardrails.trial import TrialRequest, TrialRun, try_guardrail
from gateway.sdk import GuardrailCall
from gateway.settings import load_settings

settings = load_settings(Path(sys.argv[1]), {})
installed = build_guardrails(settings.guardrails)
wanted = TrialRequest(guardrail_name="projects", text="When does Aurora ship?")
print(asyncio.run(try_guardrail(installed, wanted, TrialRun(SystemClock(), GuardrailCall(guardrail="")))))
"""


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return copy_project(SOURCES, tmp_path_factory.mktemp("third_party") / "acme-codenames")


@pytest.fixture(scope="module")
def environ(project: Path) -> dict[str, str]:
    return install(project)


def test_the_installed_guardrail_is_set_up_as_the_page_says(environ: dict[str, str], tmp_path: Path) -> None:
    (config,) = re.findall(r"```yaml\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    (tmp_path / "config.yaml").write_text(config)
    assert run(environ, tmp_path, "-c", PROGRAM, "config.yaml") == "When does [PROJECT] ship?\n"


def test_the_guardrails_own_tests_pass_where_it_is_installed(environ: dict[str, str], project: Path) -> None:
    output = run(environ, project, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--import-mode=importlib")
    assert "3 passed" in output


def test_the_documentation_shows_the_sources_that_are_tested() -> None:
    shown = dict(
        re.findall(r"<!-- source: (\S+) -->\n\n```\w+\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL)
    )
    assert sorted(shown) == sorted(path.name for path in SOURCES.iterdir() if path.is_file())
    for name, text in shown.items():
        assert text == (SOURCES / name).read_text(encoding="utf-8"), name
