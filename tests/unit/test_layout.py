"""The rules of the house that ruff does not know, held for every module of the gateway and its plugins."""

import ast
import gc
import re
import tomllib
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FILE_LINES = 400
FUNCTION_LINES = 60
VAGUE_NAMES = {"utils", "util", "helpers", "helper", "common", "base", "misc", "manager", "managers"}
MODULES = sorted(
    path.relative_to(ROOT).as_posix()
    for folder in ("gateway", "plugins", "piccolo_migrations")
    for path in (ROOT / folder).rglob("*.py")
    if not {".venv", "build", "dist"} & set(path.relative_to(ROOT).parts)
)
FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
EXEMPTION = re.compile(r"#\s*(?:noqa|type: ignore|pyright: ignore)")
ARGUED_EXEMPTION = re.compile(
    r"#\s*(?:noqa: [A-Z]+[0-9]+(?:, ?[A-Z]+[0-9]+)*|(?:type|pyright): ignore\[[\w, -]+\]).*?\w{2}"
)


@cache
def source_of(module: str) -> str:
    return (ROOT / module).read_text(encoding="utf-8")


def tree_of(module: str) -> ast.Module:
    # A collection in the middle of it ends CPython 3.11's parser with a SystemError now and then: what other
    # tests left behind is finalized then.
    gc.disable()
    try:
        return ast.parse(source_of(module))
    finally:
        gc.enable()


@cache
def nodes_of(module: str) -> tuple[ast.AST, ...]:
    return tuple(ast.walk(tree_of(module)))


def a_module_fits_in_one_head(module: str) -> Iterator[str]:
    count = len(source_of(module).splitlines())
    if count > FILE_LINES:
        yield f"{count} lines"


def a_function_fits_on_one_screen(module: str) -> Iterator[str]:
    for node in nodes_of(module):
        if isinstance(node, FUNCTIONS) and (node.end_lineno or 0) - node.lineno >= FUNCTION_LINES:
            yield f"{node.name} has {(node.end_lineno or 0) - node.lineno + 1} lines"


def imports_stand_at_the_top(module: str) -> Iterator[str]:
    for function in nodes_of(module):
        if isinstance(function, FUNCTIONS):
            for node in ast.walk(function):
                if isinstance(node, (ast.Import, ast.ImportFrom)):
                    yield f"line {node.lineno}"


def nothing_is_global(module: str) -> Iterator[str]:
    return (f"line {node.lineno}" for node in nodes_of(module) if isinstance(node, ast.Global))


def a_name_says_what_is_inside(module: str) -> Iterator[str]:
    return iter(VAGUE_NAMES & {part.removesuffix(".py") for part in Path(module).parts})


def a_module_says_in_one_sentence_what_it_is(module: str) -> Iterator[str]:
    first = (ast.get_docstring(tree_of(module)) or "").split("\n\n")[0]
    if not first.endswith("."):
        yield first or "no docstring"


def nothing_is_left_to_be_done(module: str) -> Iterator[str]:
    return iter(re.findall(r"\b(?:TODO|FIXME|XXX|HACK)\b.*", source_of(module)))


def an_exemption_from_a_check_says_why(module: str) -> Iterator[str]:
    for number, line in enumerate(source_of(module).splitlines(), 1):
        if EXEMPTION.search(line) and not ARGUED_EXEMPTION.search(line):
            yield f"line {number}"


def exported_names_exist(module: str) -> Iterator[str]:
    """Ruff holds the order of `__all__`; that each name is there is held here."""
    tree = tree_of(module)
    for node in tree.body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__":
            yield from set(ast.literal_eval(node.value)) - set(_names(module))


def _names(module: str) -> Iterator[str]:
    for node in nodes_of(module):
        if isinstance(node, (*FUNCTIONS, ast.ClassDef)):
            yield node.name
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.id
        elif isinstance(node, (ast.Import, ast.ImportFrom)):
            yield from (alias.asname or alias.name for alias in node.names)


RULES = (
    a_function_fits_on_one_screen,
    a_module_fits_in_one_head,
    a_module_says_in_one_sentence_what_it_is,
    a_name_says_what_is_inside,
    an_exemption_from_a_check_says_why,
    exported_names_exist,
    imports_stand_at_the_top,
    nothing_is_global,
    nothing_is_left_to_be_done,
)


def test_the_modules_are_found() -> None:
    assert "gateway/app.py" in MODULES
    assert "plugins/guardrails/gateway_guardrails/plugin.py" in MODULES
    assert any(module.startswith("piccolo_migrations/") for module in MODULES)


@pytest.mark.parametrize("rule", RULES)
def test_every_module_keeps_the_rule(rule: Callable[[str], Iterator[str]]) -> None:
    offences = {module: found for module in MODULES if (found := list(rule(module)))}

    assert not offences


def test_every_plugin_is_in_the_extra_and_in_the_import_contracts() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    plugins = [
        tomllib.loads(path.read_text(encoding="utf-8"))["project"]["name"]
        for path in (ROOT / "plugins").glob("*/pyproject.toml")
    ]
    packages = {path.parent.name for path in (ROOT / "plugins").glob("*/gateway_*/__init__.py")}

    assert sorted(project["project"]["optional-dependencies"]["all"]) == sorted(plugins)
    assert packages <= set(project["tool"]["importlinter"]["root_packages"])


def test_migrations_are_alone_in_their_folder() -> None:
    """Piccolo imports every file of the folder by its bare name."""
    names = [path.name for path in (ROOT / "piccolo_migrations").iterdir() if path.name != "__pycache__"]

    assert names
    assert all(re.fullmatch(r"gateway_\d{4}_\d\d_\d\dt\d\d_\d\d_\d\d_\d{6}\.py", name) for name in names)
