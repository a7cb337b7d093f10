"""Load the settings: the file with what it includes, the environment, and the command line."""

from collections.abc import Mapping
from pathlib import Path

from gateway.domain import McpClients, McpFinding, Secret
from gateway.errors import ConfigError
from gateway.settings.access import AccessSettings, read_access_settings
from gateway.settings.environment import Flags, read_environment
from gateway.settings.fallbacks import find_unknown_models
from gateway.settings.faults import Faults
from gateway.settings.guardrails import read_guardrails
from gateway.settings.include import read_document
from gateway.settings.jwt_section import read_jwt_settings
from gateway.settings.login import LoginSettings, read_login_settings
from gateway.settings.master_key import find_weakness
from gateway.settings.mcp_clients import read_mcp_clients
from gateway.settings.mcp_finding import read_mcp_finding
from gateway.settings.mcp_servers import with_mcp_servers
from gateway.settings.model import (
    Environment,
    GatewrightSettings,
    GeneralSettings,
    LitellmSettings,
    RouterSettings,
    Settings,
    SettingsNotice,
)
from gateway.settings.models import find_missing_credentials, read_credentials, read_models
from gateway.settings.node import Node
from gateway.settings.overlay import Overlay, overlay_document
from gateway.settings.own_section import read_own_section
from gateway.settings.pass_through import read_pass_throughs
from gateway.settings.policies import read_attachments, read_policies
from gateway.settings.references import read_variables, resolve_references
from gateway.settings.refusals import Refusals, deny, refuse_malformed, split_overlay
from gateway.settings.review import find_restricting_keys, review_keys
from gateway.settings.rotation import KeyRotationSettings, read_rotation_settings
from gateway.settings.router import read_router_settings
from gateway.settings.sections import read_general_settings, read_litellm_settings
from gateway.settings.sso import read_sso_settings

__all__ = ["CONFIG_VARIABLE", "load_settings", "read_settings"]

CONFIG_VARIABLE = "CONFIG_FILE_PATH"
"""LiteLLM's variable that names the file where the command line does not."""


_NOTHING: Overlay = {}


def load_settings(
    config_path: Path | None,
    environ: Mapping[str, str],
    flags: Flags | None = None,
    overlay: Overlay = _NOTHING,
    refusals: Refusals | None = None,
) -> Settings:
    """Read everything that the gateway is told. Opens configuration files and nothing else.

    Without a path, and without `CONFIG_FILE_PATH`, the environment alone decides and there are no models.
    Nothing is written to `environ`. The `overlay` wins over the file where a running gateway can change; what
    of it is refused by itself is noted in `refusals`, if there are any to note it in.
    Raises ConfigError with file, line, key path and allowed values, and ConfigErrors where several settings
    are wrong.
    """
    faults = Faults()
    settings = read_settings(config_path, environ, flags or Flags(), faults, overlay, refusals)
    faults.refuse()
    return settings


def read_settings(
    config_path: Path | None,
    environ: Mapping[str, str],
    flags: Flags,
    faults: Faults,
    overlay: Overlay = _NOTHING,
    refusals: Refusals | None = None,
) -> Settings:
    """Like `load_settings`, but what is wrong is noted in `faults`, and left out of what is returned.

    Raises ConfigError for a file of which nothing can be read.
    """
    if config_path is None and environ.get(CONFIG_VARIABLE):
        config_path = Path(environ[CONFIG_VARIABLE])
    notices: list[SettingsNotice] = []
    document = Node({}, "", 1) if config_path is None else read_document(config_path, notices, faults)
    rest, apart = split_overlay(overlay)
    document = overlay_document(document, rest)
    with faults.collect():
        review_keys(document, notices)
    variables = read_variables(document, environ, notices, faults)
    effective = {**environ, **variables}
    readable, refused = refuse_malformed(apart, effective, notices)
    document = overlay_document(document, readable)
    required = [*find_restricting_keys(document), "gatewright"]
    root = resolve_references(_without_variables(document), effective, notices, faults, required)
    settings = deny(_Reading(root, effective, notices, faults).read(variables, flags), refused)
    if refusals is not None:
        refusals |= refused
        return settings
    for error in refused.values():
        faults.add(error)
    return settings


def _without_variables(document: Node) -> Node:
    members = document.value if isinstance(document.value, dict) else {}
    kept = {name: child for name, child in members.items() if name != "environment_variables"}
    return Node(kept, document.file, document.line)


class _Reading:
    """Reads every part of a configuration, however many of them are wrong."""

    def __init__(
        self, root: Node, environ: Mapping[str, str], notices: list[SettingsNotice], faults: Faults
    ) -> None:
        self._root = root
        self._environ = environ
        self._notices = notices
        self._faults = faults

    def read(self, variables: Mapping[str, str], flags: Flags) -> Settings:
        root, attempt = self._root, self._faults.attempt
        general = attempt(lambda: read_general_settings(root, self._environ), GeneralSettings())
        environment = read_environment(root, self._environ, flags, self._notices, self._faults)
        with self._faults.collect():
            _refuse_weak_master_key(root, environment, general)
        models = read_models(root, self._faults)
        credentials = read_credentials(root, self._faults)
        router = attempt(lambda: read_router_settings(root, self._notices), RouterSettings())
        self._notices += find_missing_credentials(models, credentials)
        self._notices += find_unknown_models(root, router, models)
        return Settings(
            environment=environment,
            models=models,
            credentials=credentials,
            guardrails=read_guardrails(root, self._faults),
            policies=read_policies(root, self._faults),
            policy_attachments=read_attachments(root, self._faults),
            litellm=attempt(lambda: read_litellm_settings(root), LitellmSettings()),
            general=general,
            access=attempt(lambda: read_access_settings(root), AccessSettings()),
            jwt=attempt(lambda: read_jwt_settings(root, self._environ), None),
            router=router,
            sso=attempt(lambda: read_sso_settings(self._environ), None),
            login=attempt(lambda: read_login_settings(root, self._environ), LoginSettings()),
            rotation=attempt(lambda: read_rotation_settings(self._environ), KeyRotationSettings()),
            gatewright=attempt(lambda: self._read_own(general), GatewrightSettings()),
            mcp_finding=attempt(lambda: read_mcp_finding(root), McpFinding()),
            mcp_clients=attempt(lambda: read_mcp_clients(root), McpClients()),
            pass_throughs=attempt(lambda: read_pass_throughs(root, self._environ, self._notices), ()),
            variables={name: Secret(value) for name, value in variables.items()},
            notices=tuple(self._notices),
        )

    def _read_own(self, general: GeneralSettings) -> GatewrightSettings:
        root = self._root
        return with_mcp_servers(
            read_own_section(root), root, self._environ, are_stored=general.store_model_in_db
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
