"""Replace `os.environ/NAME` by the value of the variable, everywhere in a configuration."""

from collections.abc import Mapping, Sequence

import msgspec

from gateway.settings.faults import Faults
from gateway.settings.model import SettingsNotice
from gateway.settings.node import Node, config_error, describe, is_credential_path

__all__ = ["REFERENCE_PREFIX", "list_references", "read_variables", "resolve_references"]

REFERENCE_PREFIX = "os.environ/"

_MISSING = "The environment variable {name} is not set; this counts as not given."
_MISSING_CREDENTIAL = "The environment variable {name} is not set, so there is no credential here."
_MISSING_DATABASE = (
    "The environment variable {name} is not set, so this database is not the one that is used."
)


def list_references(members: Mapping[str, object]) -> list[str]:
    """The names of variables that texts of an object refer to."""
    return [
        value.removeprefix(REFERENCE_PREFIX)
        for value in members.values()
        if isinstance(value, str) and value.startswith(REFERENCE_PREFIX)
    ]


def read_variables(
    root: Node, environ: Mapping[str, str], notices: list[SettingsNotice], faults: Faults
) -> dict[str, str]:
    """The section `environment_variables` as it would be exported; nothing is exported into this process.

    A value may itself refer to a variable of `environ` or to one above it. A null, or a reference that
    cannot be resolved, exports nothing. A value that is no text, number or boolean is noted in `faults`.
    """
    section = root.member("environment_variables")
    if section is None:
        return {}
    if not isinstance(section.value, dict):
        faults.add(config_error(section, f"Expected a mapping of variables, found {describe(section)}."))
        return {}
    variables: dict[str, str] = {}
    for name, child in section.value.items():
        node = resolve_references(child, {**environ, **variables}, notices, faults)
        if isinstance(node.value, dict | list):
            faults.add(config_error(node, f"Expected a text, found {describe(node)}."))
        elif not name or "=" in name or "\0" in name:
            faults.add(config_error(node, "This is no name of an environment variable."))
        elif node.value is not None:
            variables[name] = _as_exported(node.value)
    return variables


def _as_exported(value: str | float | bool) -> str:  # noqa: FBT001  a YAML scalar of any type
    if isinstance(value, bool):
        return "true" if value else "false"
    return value if isinstance(value, str) else repr(value)[:400]


def resolve_references(
    node: Node,
    environ: Mapping[str, str],
    notices: list[SettingsNotice],
    faults: Faults,
    required: Sequence[str] = (),
) -> Node:
    """The same configuration with every reference replaced.

    A variable that is not set gives null and a notice, as in LiteLLM. Under the key paths in `required` it
    is noted in `faults` instead: a restriction that cannot be read must not become none.
    """
    return _Resolver(environ, notices, faults, tuple(required)).resolve(node)


class _Resolver:
    def __init__(
        self,
        environ: Mapping[str, str],
        notices: list[SettingsNotice],
        faults: Faults,
        required: tuple[str, ...],
    ) -> None:
        self._environ = environ
        self._notices = notices
        self._faults = faults
        self._required = required

    def resolve(self, node: Node) -> Node:
        value = node.value
        if isinstance(value, dict):
            return msgspec.structs.replace(
                node, value={name: self.resolve(child) for name, child in value.items()}
            )
        if isinstance(value, list):
            return msgspec.structs.replace(node, value=[self.resolve(child) for child in value])
        if not isinstance(value, str) or not value.startswith(REFERENCE_PREFIX):
            return node
        return self._looked_up(node, value.removeprefix(REFERENCE_PREFIX))

    def _looked_up(self, node: Node, name: str) -> Node:
        found = self._environ.get(name)
        if found is None:
            self._report_missing(node, name)
        return msgspec.structs.replace(node, value=found, is_from_environment=True)

    def _report_missing(self, node: Node, name: str) -> None:
        if any(
            node.path == path or node.path.startswith((f"{path}.", f"{path}[")) for path in self._required
        ):
            message = (
                f"The environment variable {name} is not set, and this setting does not work without it."
            )
            self._faults.add(config_error(node, message))
            return
        text = _MISSING_CREDENTIAL if is_credential_path(node.path) else _MISSING
        if node.path == "general_settings.database_url":
            text = _MISSING_DATABASE
        self._notices.append(SettingsNotice(node.path, text.format(name=name), node.file, node.line))
