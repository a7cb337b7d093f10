"""Loading of plugins: which entry points are imported, how a plugin is built, and what is told about each."""

import importlib.metadata
import inspect
from collections.abc import Generator, Iterable, Mapping, Sequence
from contextlib import contextmanager
from types import ModuleType
from typing import Any, Protocol

import msgspec

from gateway.errors import PluginError
from gateway.hooks.dispatch import Hooks, compile_hooks
from gateway.hooks.implementations import nearest
from gateway.hooks.plugin_settings import decode_settings
from gateway.hooks.services import OFFLINE, PluginServices
from gateway.hooks.specs import GROUP, HookUse

__all__ = ["LoadedPlugins", "PluginChoice", "PluginInfo", "build_plugin", "load_plugins"]

_EntryPoint = importlib.metadata.EntryPoint


class PluginChoice(Protocol):
    """Which plugins load: the section `gatewright.plugins` (`gateway.settings.PluginSettings`)."""

    @property
    def allow(self) -> tuple[str, ...] | None:
        """Exactly these load; None loads those that have a section in `settings`."""
        ...

    @property
    def deny(self) -> tuple[str, ...]:
        """These do not load, whatever else is said."""
        ...

    @property
    def settings(self) -> Mapping[str, dict[str, object]]:
        """A section per plugin."""
        ...

    @property
    def places(self) -> Mapping[str, tuple[str, int]]:
        """File and line by key path, of what the configuration says of plugins."""
        ...

    @property
    def offered(self) -> Mapping[str, dict[str, object]]:
        """A section per plugin that loads without being configured, where it is installed."""
        ...


class PluginInfo(msgspec.Struct, frozen=True, kw_only=True):
    """One installed plugin; `hooks` is empty and `reason` a sentence when it is not loaded."""

    name: str
    version: str
    distribution: str
    hooks: tuple[str, ...] = ()
    is_loaded: bool = False
    reason: str = ""


class LoadedPlugins(msgspec.Struct, frozen=True):
    """The compiled hooks, and what is known of every installed plugin, by name; `built` are those loaded."""

    hooks: Hooks
    plugins: tuple[PluginInfo, ...]
    built: tuple[tuple[str, object], ...] = ()

    def with_core(self, core: Sequence[object], use: HookUse = HookUse.MODELS) -> "LoadedPlugins":
        """The same plugins, with what they hold, before other implementations of the core."""
        hooks = compile_hooks([*self.built, *((_core_name(item), item) for item in core)], use)
        return msgspec.structs.replace(self, hooks=hooks)


def load_plugins(
    choice: PluginChoice,
    core: Sequence[object] = (),
    entry_points: Iterable[_EntryPoint] | None = None,
    services: PluginServices = OFFLINE,
) -> LoadedPlugins:
    """Import and build the chosen plugins and compile the hooks.

    The plugins are called in the order in which `allow` (or else `settings`) names them, then those `offered`
    that are installed, then the core's own implementations in the order given, so that a plugin can answer in
    the core's place. No others are imported. `entry_points` are those installed, unless given; `services` are
    lent to plugins that ask for them. Raises PluginError, naming the plugin and the word that is wrong.
    """
    installed = _index(importlib.metadata.entry_points(group=GROUP) if entry_points is None else entry_points)
    with _placing(choice):
        _refuse_unknown_names(choice, installed)
    named = choice.settings if choice.allow is None else choice.allow
    offered = [name for name in choice.offered if name in installed]
    chosen = [name for name in dict.fromkeys((*named, *offered)) if name not in choice.deny]
    sections = {**choice.offered, **choice.settings}
    with _placing(choice):
        built = [(name, _load(name, installed[name], sections.get(name, {}), services)) for name in chosen]
    all_hooks = compile_hooks(built)
    hooks_of = {name: _hooks_of(name, all_hooks) for name, _ in built}
    hooks = compile_hooks([*built, *((_core_name(item), item) for item in core)], HookUse.MODELS)
    infos = [_describe(name, found[0], choice, hooks_of.get(name)) for name, found in installed.items()]
    return LoadedPlugins(hooks, tuple(infos), tuple(built))


def build_plugin(
    name: str, target: object, section: Mapping[str, object], services: PluginServices = OFFLINE
) -> object:
    """Turn what an entry point names into the object whose hooks are called.

    A target with a member `Settings` (a msgspec.Struct) gets its section as one: a class is called with it,
    a module's function `build` is; either may have a second parameter `services`. Without `Settings` a class
    is called without arguments, a module is used as it is, and the section must be empty. Raises PluginError.
    """
    declared = getattr(target, "Settings", None)
    build: Any = target if inspect.isclass(target) else getattr(target, "build", None)
    if declared is None:
        if section:
            key = next(iter(section))
            raise PluginError(name, f"it has no settings; remove '{key}'.", path=f"{_section(name)}.{key}")
        return _call(name, target) if inspect.isclass(target) else target
    if not (inspect.isclass(declared) and issubclass(declared, msgspec.Struct)):
        raise PluginError(name, "its 'Settings' must be a subclass of msgspec.Struct.")
    if build is None:
        raise PluginError(name, "its module has 'Settings' but no function 'build' that takes them.")
    decoded = decode_settings(name, section, declared)
    return _call(name, build, decoded, services) if _wants_services(build) else _call(name, build, decoded)


def _wants_services(build: Any) -> bool:
    try:
        return "services" in list(inspect.signature(build).parameters)[1:]
    except (TypeError, ValueError):
        return False


def _call(name: str, build: Any, *values: object) -> object:
    try:
        return build(*values)
    except PluginError:
        raise
    except Exception as error:
        # Whatever a plugin does when it is built stops the boot with the plugin's name on it.
        raise PluginError(name, f"it could not be built: {_reason(error)}", path=_section(name)) from error


def _section(name: str) -> str:
    return f"gatewright.plugins.settings.{name}"


@contextmanager
def _placing(choice: PluginChoice) -> Generator[None]:
    """Give file and line to the error that ends the block, where its setting has them."""
    try:
        yield
    except PluginError as error:
        place = choice.places.get(error.path or "")
        if place is None:
            raise
        raise error.at(place) from error.__cause__


def _load(
    name: str, found: Sequence[_EntryPoint], section: Mapping[str, object], services: PluginServices
) -> object:
    if len(found) > 1:
        owners = ", ".join(sorted(_distribution(item)[0] for item in found))
        raise PluginError(name, f"several distributions provide it: {owners}. Uninstall all but one.")
    try:
        target = found[0].load()
    except Exception as error:
        # An import runs the plugin's code: whatever it raises stops the boot with the plugin's name on it.
        raise PluginError(name, f"'{found[0].value}' could not be imported: {_reason(error)}") from error
    if not (inspect.isclass(target) or isinstance(target, ModuleType)):
        raise PluginError(name, f"its entry point '{found[0].value}' names neither a module nor a class.")
    return build_plugin(name, target, section, services)


def _index(entry_points: Iterable[_EntryPoint]) -> dict[str, list[_EntryPoint]]:
    found: dict[str, list[_EntryPoint]] = {}
    for item in sorted(entry_points, key=lambda item: item.name):
        found.setdefault(item.name, []).append(item)
    return found


def _refuse_unknown_names(choice: PluginChoice, installed: Mapping[str, object]) -> None:
    named = {"allow": choice.allow or (), "deny": choice.deny, "settings": choice.settings}
    for member, names in named.items():
        for name in names:
            if name not in installed:
                hint = nearest(name, installed) or " No plugin is installed."
                path = f"gatewright.plugins.{member}"
                place = _section(name) if member == "settings" else path
                raise PluginError(name, f"{path} names it, but it is not installed.{hint}", path=place)


def _hooks_of(name: str, hooks: Hooks) -> tuple[str, ...]:
    found = hooks.implementations.items()
    return tuple(hook for hook, items in found if any(item.plugin == name for item in items))


def _describe(
    name: str, entry_point: _EntryPoint, choice: PluginChoice, hooks: tuple[str, ...] | None
) -> PluginInfo:
    distribution, version = _distribution(entry_point)
    if hooks is not None:
        return PluginInfo(name=name, version=version, distribution=distribution, hooks=hooks, is_loaded=True)
    if name in choice.deny:
        reason = "denied by gatewright.plugins.deny"
    elif choice.allow is not None:
        reason = "not listed in gatewright.plugins.allow"
    else:
        reason = f"not configured: gatewright.plugins.settings has no section '{name}'"
    return PluginInfo(name=name, version=version, distribution=distribution, reason=reason)


def _distribution(entry_point: _EntryPoint) -> tuple[str, str]:
    """The name and version of what was installed; empty for an entry point that was made by hand."""
    found = entry_point.dist
    return (found.name, found.version) if found is not None else ("", "")


def _core_name(implementation: object) -> str:
    if isinstance(implementation, ModuleType):
        return implementation.__name__
    return f"{type(implementation).__module__}.{type(implementation).__qualname__}"


def _reason(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"
