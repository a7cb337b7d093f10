"""docs/hooks.md: every hook has its section, its exact signature, its mode and an example that loads."""

import inspect
import re
from pathlib import Path
from types import ModuleType

import pytest

from gateway.hooks import HookSpecs
from gateway.hooks.implementations import HOOKS
from gateway.testing import load_plugin

PAGE = (Path(__file__).parents[3] / "docs" / "hooks.md").read_text(encoding="utf-8")
SECTIONS = dict(re.findall(r"^## (\w+)\n(.*?)(?=^## |\Z)", PAGE, re.MULTILINE | re.DOTALL))


def list_code(section: str) -> list[str]:
    return re.findall(r"^```python\n(.*?)^```", section, re.MULTILINE | re.DOTALL)


def write_signature(name: str) -> str:
    """The signature without `self` and with the bare names of its types."""
    signature = inspect.signature(getattr(HookSpecs, name))
    parameters = list(signature.parameters.values())[1:]
    text = str(signature.replace(parameters=parameters))
    return f"async def {name}{re.sub(r'(?:[a-z_]+[.])+', '', text)}\n"


def test_the_sections_are_the_hooks_in_the_order_of_the_specification() -> None:
    assert list(SECTIONS) == list(HOOKS)


@pytest.mark.parametrize("name", HOOKS)
def test_a_section_has_the_exact_signature_and_mode(name: str) -> None:
    assert list_code(SECTIONS[name])[0] == write_signature(name)
    assert f"\nMode: **{HOOKS[name].mode}**.\n" in SECTIONS[name]


@pytest.mark.parametrize("name", HOOKS)
def test_a_section_says_what_the_specification_says(name: str) -> None:
    sentence = inspect.getdoc(getattr(HookSpecs, name)) or ""

    assert sentence.endswith(".")
    assert sentence in " ".join(SECTIONS[name].split())


@pytest.mark.parametrize("name", HOOKS)
def test_the_example_is_a_plugin_that_implements_the_hook(name: str) -> None:
    module = ModuleType("example")

    exec(list_code(SECTIONS[name])[1], module.__dict__)

    found = load_plugin(module).implementations
    assert [hook for hook, items in found.items() if items] == [name]


@pytest.mark.parametrize("name", HOOKS)
def test_every_hook_has_a_test_of_its_name(name: str) -> None:
    tests = (Path(__file__).parent / "test_dispatch.py").read_text(encoding="utf-8")

    assert f"async def test_hook_{name}()" in tests
