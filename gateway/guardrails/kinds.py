"""The kinds of guardrail that are installed, and how one is built from its parameters."""

import importlib.metadata
import inspect
from collections.abc import Callable, Iterable
from functools import cached_property
from typing import Any, cast

import msgspec

from gateway.errors import ConfigError, PluginError
from gateway.hooks.implementations import nearest
from gateway.hooks.plugin_settings import decode_settings
from gateway.sdk import Guardrail
from gateway.settings.guardrails import GuardrailEntry

__all__ = ["GROUP", "Kinds"]

GROUP = "gateway.guardrails"
"""The entry-point group in which guardrails register; a kind may have several names."""


class Kinds:
    """The installed kinds by name, looked for at need; one is imported when it is first built."""

    def __init__(self, entry_points: Iterable[importlib.metadata.EntryPoint] | None = None) -> None:
        self._given = entry_points

    @cached_property
    def _installed(self) -> dict[str, importlib.metadata.EntryPoint]:
        # Every distribution of the environment is read for them.
        found = importlib.metadata.entry_points(group=GROUP) if self._given is None else self._given
        return {item.name: item for item in found}

    def build(self, entry: GuardrailEntry) -> Guardrail:
        """Build a guardrail; raises ConfigError that says where its kind or a parameter is wrong."""
        path = f"{entry.key_path}.litellm_params"
        if entry.kind not in self._installed:
            hint = nearest(entry.kind, self._installed) or " None is installed."
            raise _refused(entry, f"{path}.guardrail", f"No guardrail '{entry.kind}' is installed.{hint}")
        try:
            target = self.load(entry.kind)
        except ConfigError as error:
            raise _refused(entry, path, error.message) from error
        return _build(entry, target, path)

    @property
    def names(self) -> list[str]:
        """The names of all kinds."""
        return sorted(self._installed)

    def load(self, name: str) -> type[Guardrail]:
        """Import an installed kind. Raises ConfigError."""
        installed = self._installed[name]
        try:
            target: object = installed.load()
        except Exception as error:
            # An import runs the plugin's code: whatever it raises stops the boot with its name on it.
            raise ConfigError(f"'{installed.value}' cannot be imported: {_reason(error)}") from error
        if not (inspect.isclass(target) and issubclass(target, Guardrail)):
            raise ConfigError(f"'{installed.value}' is no subclass of gateway.sdk.Guardrail.")
        return target


def _build(entry: GuardrailEntry, target: type[Guardrail], path: str) -> Guardrail:
    declared: object = getattr(target, "Params", None)
    build = cast("Callable[..., Guardrail]", target)  # each class declares what it is built with
    values: tuple[Any, ...] = ()
    if declared is None:
        if entry.params:
            raise _refused(entry, f"{path}.{next(iter(entry.params))}", "This guardrail has no parameters.")
    elif inspect.isclass(declared) and issubclass(declared, msgspec.Struct):
        try:
            values = (decode_settings(entry.kind, entry.params, declared, path),)
        except PluginError as error:
            raise _refused(entry, None, error.message) from error
    else:
        raise _refused(entry, path, f"'Params' of '{target.__name__}' must be a subclass of msgspec.Struct.")
    try:
        return build(*values)
    except Exception as error:
        # As above: a plugin's constructor may raise anything.
        raise _refused(entry, path, f"The guardrail cannot be built: {_reason(error)}") from error


def _refused(entry: GuardrailEntry, path: str | None, message: str) -> ConfigError:
    return ConfigError(message, path=path, file=entry.file or None, line=entry.line or None)


def _reason(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"
