"""Load the settings: the file with what it includes, the environment, and the command line."""

from collections.abc import Mapping
from pathlib import Path

from gateway.domain import Secret
from gateway.errors import ConfigError
from gateway.settings.environment import Flags, read_environment
from gateway.settings.fallbacks import find_unknown_models
from gateway.settings.include import read_document
from gateway.settings.master_key import find_weakness
from gateway.settings.model import Environment, GeneralSettings, Settings, SettingsNotice
from gateway.settings.models import find_missing_credentials, read_credentials, read_models
from gateway.settings.node import Node
from gateway.settings.own_section import read_own_section
from gateway.settings.references import read_variables, resolve_references
from gateway.settings.review import find_restricting_keys, review_keys
from gateway.settings.router import read_router_settings
from gateway.settings.sections import read_general_settings, read_litellm_settings

__all__ = ["CONFIG_VARIABLE", "load_settings"]

CONFIG_VARIABLE = "CONFIG_FILE_PATH"
"""LiteLLM's variable that names the file where the command line does not."""


def load_settings(
    config_path: Path | None, environ: Mapping[str, str], flags: Flags | None = None
) -> Settings:
    """Read everything that the gateway is told. Opens configuration files and nothing else.

    Without a path, and without `CONFIG_FILE_PATH`, the environment alone decides and there are no models.
    Nothing is written to `environ`. Raises ConfigError with file, line, key path and allowed values.
    """
    if config_path is None and environ.get(CONFIG_VARIABLE):
        config_path = Path(environ[CONFIG_VARIABLE])
    notices: list[SettingsNotice] = []
    document = Node({}, "", 1) if config_path is None else read_document(config_path, notices)
    review_keys(document, notices)
    variables = read_variables(document, environ, notices)
    effective = {**environ, **variables}
    required = [*find_restricting_keys(document), "gatewright"]
    root = resolve_references(_without_variables(document), effective, notices, required)
    return _build(root, effective, variables, flags or Flags(), notices)


def _without_variables(document: Node) -> Node:
    members = document.value if isinstance(document.value, dict) else {}
    kept = {name: child for name, child in members.items() if name != "environment_variables"}
    return Node(kept, document.file, document.line)


def _build(
    root: Node,
    environ: Mapping[str, str],
    variables: Mapping[str, str],
    flags: Flags,
    notices: list[SettingsNotice],
) -> Settings:
    general = read_general_settings(root, environ)
    environment = read_environment(root, environ, flags, notices)
    _refuse_weak_master_key(root, environment, general)
    models = read_models(root)
    credentials = read_credentials(root)
    router = read_router_settings(root, notices)
    notices += find_missing_credentials(models, credentials)
    notices += find_unknown_models(router, models)
    return Settings(
        environment=environment,
        models=models,
        credentials=credentials,
        litellm=read_litellm_settings(root),
        general=general,
        router=router,
        gatewright=read_own_section(root),
        variables={name: Secret(value) for name, value in variables.items()},
        notices=tuple(notices),
    )


def _refuse_weak_master_key(root: Node, environment: Environment, general: GeneralSettings) -> None:
    key = environment.master_key
    if key is None or general.dangerously_permit_weak_or_unset_master_key:
        return
    weakness = find_weakness(key.reveal())
    if weakness is None:
        return
    section = root.member("general_settings")
    node = section.member("master_key") if section is not None else None
    is_from_file = node is not None and node.value == key.reveal()
    message = (
        f"The master key {weakness}. Whoever knows it administers the gateway. Make one with "
        "'openssl rand -hex 32', or leave it out to have one made and kept; for a laptop there is "
        "general_settings.dangerously_permit_weak_or_unset_master_key."
    )
    raise ConfigError(
        message,
        path="general_settings.master_key" if is_from_file else "the master key of the environment",
        file=node.file if node is not None and is_from_file else None,
        line=node.line if node is not None and is_from_file else None,
    )
