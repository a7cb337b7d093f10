"""Which plugins are imported and built, and what stops the boot."""

import sys
from collections.abc import Callable
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any

import pytest

from gateway.errors import PermissionDenied, PluginError
from gateway.hooks import GROUP, hookimpl, load_plugins
from gateway.settings import PluginSettings
from gateway.testing import make_context

MODULE = """
from gateway.hooks import hookimpl

@hookimpl
def resolve_model(model):
    return model + "+{name}"
"""

WITH_SETTINGS = """
import msgspec
from gateway.hooks import hookimpl

class Settings(msgspec.Struct, frozen=True):
    suffix: str

class Suffix:
    Settings = Settings

    def __init__(self, settings):
        if not settings.suffix:
            raise ValueError("the suffix is empty")
        self.suffix = settings.suffix

    @hookimpl
    def resolve_model(self, model):
        return model + self.suffix

def build(settings):
    return Suffix(settings)
"""

Install = Callable[..., EntryPoint]


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Install:
    """Write a module and return its entry point; the modules are forgotten after the test."""
    monkeypatch.syspath_prepend(tmp_path)

    def write(name: str, source: str = MODULE, target: str = "") -> EntryPoint:
        module = f"registry_{tmp_path.name}_{name}".replace("-", "_")
        (tmp_path / f"{module}.py").write_text(source.replace("{name}", name))
        monkeypatch.delitem(sys.modules, module, raising=False)
        return EntryPoint(name, module + target, GROUP)

    return write


def refusal(choice: PluginSettings, *entry_points: EntryPoint) -> PluginError:
    with pytest.raises(PluginError) as caught:
        load_plugins(choice, entry_points=entry_points)
    return caught.value


async def test_a_module_plugin_that_has_a_section_is_loaded(install: Install) -> None:
    loaded = load_plugins(PluginSettings(settings={"one": {}}), entry_points=[install("one")])

    assert await loaded.hooks.resolve_model("m", make_context()) == "m+one"
    assert [(info.name, info.is_loaded, info.hooks) for info in loaded.plugins] == [
        ("one", True, ("resolve_model",))
    ]


@pytest.mark.parametrize("target", ["", ":Suffix"])
async def test_a_module_and_a_class_are_built_with_their_settings(install: Install, target: str) -> None:
    choice = PluginSettings(settings={"suffix": {"suffix": "!"}})

    loaded = load_plugins(choice, entry_points=[install("suffix", WITH_SETTINGS, target)])

    assert await loaded.hooks.resolve_model("m", make_context()) == "m!"


def test_only_chosen_plugins_are_imported(install: Install) -> None:
    broken = install("broken", "raise RuntimeError('imported')")

    loaded = load_plugins(PluginSettings(settings={"one": {}}), entry_points=[install("one"), broken])

    assert {info.name: info.reason for info in loaded.plugins} == {
        "one": "",
        "broken": "not configured: gatewright.plugins.settings has no section 'broken'",
    }


def test_a_list_loads_exactly_these_and_deny_wins(install: Install) -> None:
    entry_points = [install(name) for name in ("one", "two", "three")]
    choice = PluginSettings(allow=("one", "two"), deny=("two",), settings={"three": {}})

    loaded = load_plugins(choice, entry_points=entry_points)

    assert {info.name: (info.is_loaded, info.reason) for info in loaded.plugins} == {
        "one": (True, ""),
        "two": (False, "denied by gatewright.plugins.deny"),
        "three": (False, "not listed in gatewright.plugins.allow"),
    }


@pytest.mark.parametrize(
    ("choice", "models"), [({}, "m!"), ({"settings": {"suffix": {"suffix": "?"}}}, "m?")]
)
async def test_an_offered_plugin_loads_where_it_is_installed(
    install: Install, choice: Any, models: str
) -> None:
    offered = PluginSettings(offered={"suffix": {"suffix": "!"}, "absent": {}}, **choice)
    loaded = load_plugins(offered, entry_points=[install("suffix", WITH_SETTINGS)])
    assert await loaded.hooks.resolve_model("m", make_context()) == models
    assert [info.is_loaded for info in loaded.plugins] == [True]


async def test_plugins_come_in_the_configured_order_before_the_core(install: Install) -> None:
    class Core:
        @hookimpl
        def resolve_model(self, model: str) -> str:
            return model + "+core"

    choice = PluginSettings(allow=("two", "one"))

    loaded = load_plugins(choice, [Core()], [install("one"), install("two")])

    assert await loaded.hooks.resolve_model("m", make_context()) == "m+two+one+core"


async def test_a_check_of_the_core_can_come_first(install: Install) -> None:
    class Core:
        @hookimpl(tryfirst=True)
        def authorize(self, context: Any) -> None:
            raise PermissionDenied("the core refuses")

    source = (
        "from gateway.hooks import hookimpl\n@hookimpl\ndef authorize():\n    raise RuntimeError('asked')\n"
    )
    loaded = load_plugins(PluginSettings(allow=("one",)), [Core()], [install("one", source)])

    with pytest.raises(PermissionDenied, match="the core refuses"):
        await loaded.hooks.authorize(make_context())


def test_without_plugins_the_installed_distributions_are_listed() -> None:
    listed = {
        info.name: (info.distribution, info.is_loaded) for info in load_plugins(PluginSettings()).plugins
    }

    assert listed["guardrails"] == ("gatewright-guardrails", False)
    assert listed["mcp"] == ("gatewright-mcp", False)


@pytest.mark.parametrize(
    ("member", "value"), [("allow", ("oen",)), ("deny", ("oen",)), ("settings", {"oen": {}})]
)
def test_a_name_that_is_not_installed_is_refused_with_the_nearest(
    install: Install, member: str, value: Any
) -> None:
    error = refusal(PluginSettings(**{member: value}), install("one"))

    assert error.message == (
        f"Plugin 'oen': gatewright.plugins.{member} names it, but it is not installed. Did you mean 'one'?"
    )


def test_a_name_is_refused_where_nothing_is_installed() -> None:
    assert refusal(PluginSettings(allow=("one",))).plugin == "one"
    assert "No plugin is installed." in refusal(PluginSettings(allow=("one",)), *()).message


def test_an_import_error_names_the_plugin_and_keeps_its_cause(install: Install) -> None:
    error = refusal(PluginSettings(allow=("one",)), install("one", "import no_such_module"))

    assert "could not be imported: ModuleNotFoundError: No module named 'no_such_module'" in error.message
    assert isinstance(error.__cause__, ModuleNotFoundError)


def test_an_entry_point_that_names_nothing_is_refused(install: Install) -> None:
    error = refusal(PluginSettings(allow=("one",)), install("one", target=":Missing"))

    assert isinstance(error.__cause__, AttributeError)


def test_an_entry_point_that_names_a_function_is_refused(install: Install) -> None:
    error = refusal(PluginSettings(allow=("one",)), install("one", target=":resolve_model"))

    assert "names neither a module nor a class" in error.message


def test_a_misspelt_setting_names_its_path(install: Install) -> None:
    choice = PluginSettings(settings={"one": {"sufix": "!"}})

    assert refusal(choice, install("one", WITH_SETTINGS)).message == (
        "Plugin 'one': gatewright.plugins.settings.one: there is no setting 'sufix'. Did you mean 'suffix'?"
    )


def test_a_plugin_that_refuses_a_value_stops_the_boot_with_its_reason(install: Install) -> None:
    error = refusal(PluginSettings(settings={"one": {"suffix": ""}}), install("one", WITH_SETTINGS))

    assert error.message == "Plugin 'one': it could not be built: ValueError: the suffix is empty"
    assert isinstance(error.__cause__, ValueError)


def test_settings_for_a_plugin_that_takes_none_are_refused(install: Install) -> None:
    error = refusal(PluginSettings(settings={"one": {"suffix": "!"}}), install("one"))

    assert error.message == "Plugin 'one': it has no settings; remove 'suffix'."


def test_settings_that_nobody_takes_are_refused(install: Install) -> None:
    source = MODULE + "\nimport msgspec\nclass Settings(msgspec.Struct): ...\n"

    assert "no function 'build'" in refusal(PluginSettings(allow=("one",)), install("one", source)).message


def test_settings_that_are_no_struct_are_refused(install: Install) -> None:
    source = MODULE + "\nSettings = dict\n"

    assert "msgspec.Struct" in refusal(PluginSettings(allow=("one",)), install("one", source)).message


def test_a_misspelt_hook_stops_the_boot_with_the_plugins_name(install: Install) -> None:
    error = refusal(
        PluginSettings(allow=("one",)),
        install("one", MODULE.replace("def resolve_model", "def resolve_modle")),
    )

    assert error.message == ("Plugin 'one': there is no hook 'resolve_modle'. Did you mean 'resolve_model'?")


def test_one_name_from_two_distributions_is_refused_when_it_is_chosen(install: Install) -> None:
    twice = [install("one"), install("one")]

    assert "several distributions provide it" in refusal(PluginSettings(allow=("one",)), *twice).message
    assert not load_plugins(PluginSettings(), entry_points=twice).plugins[0].is_loaded


def test_the_cores_own_implementations_are_checked_too() -> None:
    class Core:
        @hookimpl
        def authorize(self, ctx: Any) -> None: ...

    with pytest.raises(PluginError, match=r"Core.*no argument 'ctx'"):
        load_plugins(PluginSettings(), [Core()], [])
