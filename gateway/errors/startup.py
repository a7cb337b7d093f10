"""Why the gateway does not start."""

from collections.abc import Sequence

from gateway.errors.root import GatewayError

__all__ = ["ConfigError", "ConfigErrors", "PluginError", "SchemaError", "StartupError"]


class StartupError(GatewayError):
    """Why the gateway does not start; printed by the command without a traceback."""


class ConfigError(StartupError):
    """A setting is wrong.

    `path` is the key path (`model_list[2].litellm_params.model`), `file` and `line` (from 1) where it
    stands, `allowed` the values that would have been accepted, `reason` the message without all that.
    """

    def __init__(
        self,
        message: str,
        *,
        path: str | None = None,
        file: str | None = None,
        line: int | None = None,
        allowed: Sequence[str] = (),
    ) -> None:
        where = ":".join(str(part) for part in (file, line) if part is not None)
        parts = [part for part in (where, path) if part]
        text = ": ".join([*parts, message])
        if allowed:
            text += f" Allowed: {', '.join(allowed)}."
        super().__init__(text)
        self.reason = message
        self.path = path
        self.file = file
        self.line = line
        self.allowed = tuple(allowed)

    def at(self, file: str, line: int) -> "ConfigError":
        """The same error with the place where its setting stands."""
        return ConfigError(self.reason, path=self.path, file=file, line=line, allowed=self.allowed)

    @property
    def errors(self) -> "tuple[ConfigError, ...]":
        """The single errors that this one stands for."""
        return (self,)


class ConfigErrors(ConfigError):
    """Several settings are wrong: a line each. `path`, `file`, `line` and `allowed` are the first one's."""

    def __init__(self, errors: Sequence[ConfigError]) -> None:
        first = errors[0]
        super().__init__("", path=first.path, file=first.file, line=first.line, allowed=first.allowed)
        self._errors = tuple(errors)
        self.message = "\n".join(error.message for error in self._errors)
        self.args = (self.message,)

    @property
    def errors(self) -> tuple[ConfigError, ...]:
        """The single errors, by file and line."""
        return self._errors


class PluginError(StartupError):
    """A plugin cannot be loaded; the message names the plugin and the hook, argument or setting.

    `path` is the key path of a setting that is wrong, `file` and `line` where it stands, `reason` the message
    without these two.
    """

    def __init__(
        self,
        plugin: str,
        message: str,
        *,
        path: str | None = None,
        place: tuple[str, int] | None = None,
    ) -> None:
        self.reason = f"Plugin '{plugin}': {message}"
        super().__init__(f"{place[0]}:{place[1]}: {self.reason}" if place else self.reason)
        self.plugin = plugin
        self.path = path
        self.file, self.line = place or (None, None)

    def at(self, place: tuple[str, int]) -> "PluginError":
        """The same error with the place of its setting."""
        message = self.reason.removeprefix(f"Plugin '{self.plugin}': ")
        return PluginError(self.plugin, message, path=self.path, place=place)


class SchemaError(StartupError):
    """The database schema is not one that this release can serve; the message says what to run."""
