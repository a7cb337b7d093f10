"""What a plugin implements: its hook functions, found, checked and adapted once, when the gateway starts."""

import difflib
import inspect
from collections.abc import Callable, Iterable, Mapping
from types import ModuleType
from typing import Any

import msgspec
import pluggy

from gateway.errors import PluginError
from gateway.hooks.specs import HookMode, HookSpecs, HookUse, mode_of

__all__ = [
    "HOOKS",
    "HookManager",
    "HookSpec",
    "Implementation",
    "check_plugin",
    "list_idle",
    "nearest",
    "read_implementation",
]


class HookSpec(msgspec.Struct, frozen=True):
    """One hook: its name, how its implementations are combined, and its arguments in order."""

    name: str
    mode: HookMode
    arguments: tuple[str, ...]


class Implementation(msgspec.Struct, frozen=True):
    """One function of one plugin; `call` takes all arguments of the hook by position."""

    plugin: str
    function: Callable[..., Any]
    call: Callable[..., Any]
    is_async: bool


def _read_spec(name: str) -> HookSpec:
    function = getattr(HookSpecs, name)
    arguments = tuple(inspect.signature(function).parameters)[1:]
    return HookSpec(name, mode_of(function), arguments)


HOOKS: Mapping[str, HookSpec] = {
    name: _read_spec(name) for name, member in vars(HookSpecs).items() if hasattr(member, "gateway_mode")
}
"""Every hook, in the order of the specification."""


class _Plain:
    """An object that has what every object has."""


_OF_EVERY_OBJECT = frozenset(dir(_Plain()))


class HookManager(pluggy.PluginManager):
    """Passes over what Python gives every object: most of what there is to look at in a plugin."""

    def parse_hookimpl_opts(self, plugin: Any, name: str) -> pluggy.HookimplOpts | None:
        """The options of an implementation, or None for what is none."""
        return None if name in _OF_EVERY_OBJECT else super().parse_hookimpl_opts(plugin, name)


def nearest(word: str, words: Iterable[str]) -> str:
    """A hint that ends a message: the word most like the given one, or else all of them."""
    known = sorted(words)
    close = difflib.get_close_matches(word, known, n=1)
    if close:
        return f" Did you mean '{close[0]}'?"
    return f" Known: {', '.join(known)}." if known else ""


def check_plugin(name: str, plugin: object, manager: HookManager) -> tuple[str, ...]:
    """Return the hooks that a plugin implements, by name.

    Raises PluginError for what pluggy would ignore or misread: a hook or an argument that does not exist,
    a function that is named like a hook and not marked, a wrapper, a generator.
    """
    found: list[str] = []
    for attribute in dir(plugin):
        if attribute in _OF_EVERY_OBJECT:
            continue
        options = manager.parse_hookimpl_opts(plugin, attribute)
        if options is None:
            _refuse_unmarked(name, plugin, attribute)
            continue
        hook = options.get("specname") or attribute
        if hook not in HOOKS:
            raise PluginError(name, f"there is no hook '{hook}'.{nearest(hook, HOOKS)}")
        if options.get("wrapper") or options.get("hookwrapper"):
            raise PluginError(name, f"hook '{hook}': wrappers are not supported; use tryfirst or trylast.")
        _check_function(name, HOOKS[hook], getattr(plugin, attribute))
        found.append(hook)
    if not found:
        raise PluginError(name, "it implements no hook: mark at least one function with @hookimpl.")
    return tuple(hook for hook in HOOKS if hook in found)


def list_idle(name: str, plugin: object, use: HookUse) -> frozenset[str]:
    """The hooks for which a plugin need not be called now: what its function `idle_hooks` says.

    Raises PluginError for a hook that does not exist.
    """
    ask: Callable[[HookUse], Iterable[str]] | None = getattr(plugin, "idle_hooks", None)
    idle = frozenset(ask(use) if callable(ask) else ())
    unknown = next((hook for hook in sorted(idle) if hook not in HOOKS), None)
    if unknown is not None:
        raise PluginError(name, f"'idle_hooks': there is no hook '{unknown}'.{nearest(unknown, HOOKS)}")
    return idle


def read_implementation(spec: HookSpec, plugin: str, function: Callable[..., Any]) -> Implementation:
    """Adapt a checked function to the arguments of its hook."""
    return Implementation(plugin, function, _adapt(spec, function), inspect.iscoroutinefunction(function))


def _refuse_unmarked(name: str, plugin: object, attribute: str) -> None:
    found = inspect.getattr_static(plugin, attribute)
    if isinstance(getattr(found, "gateway_impl", None), dict):
        raise PluginError(name, f"'{attribute}' is marked with @hookimpl but is not a function.")
    if attribute not in HOOKS:
        return
    # A module may import something that happens to be called like a hook.
    is_own = not isinstance(plugin, ModuleType) or getattr(found, "__module__", None) == plugin.__name__
    if is_own and inspect.isroutine(found):
        raise PluginError(name, f"'{attribute}' is named like a hook but not marked with @hookimpl.")


def _check_function(name: str, spec: HookSpec, function: Callable[..., Any]) -> None:
    for parameter in inspect.signature(function).parameters.values():
        if parameter.kind in {parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD}:
            raise PluginError(
                name, f"hook '{spec.name}': name the arguments; '*{parameter.name}' is not one."
            )
        if parameter.name not in spec.arguments:
            hint = nearest(parameter.name, spec.arguments)
            raise PluginError(name, f"hook '{spec.name}' has no argument '{parameter.name}'.{hint}")
    inner = inspect.unwrap(function)
    is_lazy = inspect.isgeneratorfunction(inner) and spec.mode is not HookMode.COLLECT
    if is_lazy or inspect.isasyncgenfunction(inner):
        raise PluginError(name, f"hook '{spec.name}': a generator would never run; write a plain function.")


def _adapt(spec: HookSpec, function: Callable[..., Any]) -> Callable[..., Any]:
    parameters = inspect.signature(function).parameters
    if tuple(parameters) == spec.arguments and not _keywords(parameters):
        return function
    positions = [spec.arguments.index(name) for name in parameters]
    if _keywords(parameters):
        names = list(zip(parameters, positions, strict=True))
        return lambda *values: function(**{name: values[index] for name, index in names})
    if not positions:
        return lambda *_: function()
    if len(positions) == 1:
        index = positions[0]
        return lambda *values: function(values[index])
    return lambda *values: function(*[values[index] for index in positions])


def _keywords(parameters: Mapping[str, inspect.Parameter]) -> list[str]:
    return [name for name, parameter in parameters.items() if parameter.kind is parameter.KEYWORD_ONLY]
