"""What a plugin may not get wrong: each refusal names the plugin and the word."""

import functools
from types import ModuleType
from typing import Any

import pytest

from gateway.errors import PluginError
from gateway.hooks import hookimpl
from gateway.testing import load_plugin


def refusal(target: object) -> str:
    with pytest.raises(PluginError) as caught:
        load_plugin(target, name="acme")
    assert caught.value.plugin == "acme"
    return caught.value.message


def test_a_misspelt_hook_is_refused_with_the_nearest_name() -> None:
    class Plugin:
        @hookimpl
        def authorise(self, context: Any) -> None: ...

    assert refusal(Plugin) == "Plugin 'acme': there is no hook 'authorise'. Did you mean 'authorize'?"


def test_a_hook_like_no_other_is_refused_with_all_names() -> None:
    class Plugin:
        @hookimpl
        def zzz(self) -> None: ...

    assert "Known: admit, answer_openly, answer_request, ask_mcp_server, " in refusal(Plugin)


def test_a_misspelt_argument_is_refused_with_the_nearest_name() -> None:
    class Plugin:
        @hookimpl
        def authorize(self, contxt: Any) -> None: ...

    assert refusal(Plugin) == (
        "Plugin 'acme': hook 'authorize' has no argument 'contxt'. Did you mean 'context'?"
    )


def test_a_misspelt_argument_with_a_default_is_refused_too() -> None:
    class Plugin:
        @hookimpl
        def authorize(self, contxt: Any = None) -> None: ...

    assert "no argument 'contxt'" in refusal(Plugin)


def test_arguments_must_be_named() -> None:
    class Plugin:
        @hookimpl
        def authorize(self, **values: Any) -> None: ...

    assert "hook 'authorize': name the arguments" in refusal(Plugin)


def test_a_function_that_lacks_the_marker_is_refused() -> None:
    class Plugin:
        def guard_request(self, context: Any) -> None: ...

        @hookimpl
        def authorize(self, context: Any) -> None: ...

    assert refusal(Plugin) == (
        "Plugin 'acme': 'guard_request' is named like a hook but not marked with @hookimpl."
    )


def test_something_marked_that_is_not_a_function_is_refused() -> None:
    module = ModuleType("acme")
    module.authorize = hookimpl(functools.partial(print, "asked"))

    assert refusal(module) == "Plugin 'acme': 'authorize' is marked with @hookimpl but is not a function."


def test_a_module_may_import_something_that_is_called_like_a_hook() -> None:
    def admit() -> None: ...

    def authorize(context: Any) -> None: ...

    module = ModuleType("acme")
    module.admit = admit  # defined in this file, so not the module's own
    module.authorize = hookimpl(authorize)

    assert load_plugin(module).implementations["admit"] == ()


def test_a_plugin_without_any_hook_is_refused() -> None:
    assert "implements no hook" in refusal(ModuleType("empty"))


def test_a_wrapper_is_refused() -> None:
    class Plugin:
        @hookimpl(wrapper=True)
        def authorize(self, context: Any) -> Any:
            return (yield)

    assert "wrappers are not supported" in refusal(Plugin)


def test_a_generator_that_would_never_run_is_refused() -> None:
    class Plain:
        @hookimpl
        def authorize(self, context: Any) -> Any:
            yield

    class Async:
        @hookimpl
        async def collect_claims(self, context: Any) -> Any:
            yield

    assert "hook 'authorize': a generator would never run" in refusal(Plain)
    assert "hook 'collect_claims': a generator would never run" in refusal(Async)
