"""Read the section `mcp_servers`, which is the plugin's to understand."""

from collections.abc import Mapping
from typing import cast

import msgspec

from gateway.domain import MCP_REVISIONS
from gateway.settings.access import read_networks
from gateway.settings.mcp_clients import read_credential_header
from gateway.settings.model import GatewrightSettings
from gateway.settings.node import Node, config_error
from gateway.settings.readers import (
    Reader,
    integer,
    one_of,
    read_boolean,
    read_each,
    read_fields,
    read_items,
    read_members,
    read_plain_mapping,
)

__all__ = [
    "MCP_ACCESS_READERS",
    "configured_servers",
    "demands_keys",
    "respects_scope",
    "with_mcp_servers",
]

_PLUGIN, _MEMBER, _ACCESS, _CHECKS = "mcp", "servers", "access", "checks_requests"
_RESPECTS_SCOPE, _DEMANDS_KEYS = "mcp_allow_all_keys_respects_mcp_scope", "require_key_mcp_access_defined"
_read_revision = one_of(*MCP_REVISIONS)


def _read_revisions(node: Node) -> tuple[str, ...]:
    """Revisions of the protocol, at least one. Raises ConfigError."""
    items = [node] if isinstance(node.value, str) else read_items(node)
    if not items:
        raise config_error(node, "Expected at least one revision.", allowed=MCP_REVISIONS)
    return tuple(read_each(items, _read_revision))


_CREDENTIAL_HEADER = "mcp_client_side_auth_header_name"
_CREDENTIAL_VARIABLE = f"LITELLM_{_CREDENTIAL_HEADER.upper()}"
"""The variable of the environment that names this header where the file is silent."""
MCP_ACCESS_READERS: Mapping[str, tuple[str, Reader]] = {
    name: (name, reader)
    for name, reader in (
        (_DEMANDS_KEYS, read_boolean),
        ("require_end_user_mcp_access_defined", read_boolean),
        ("use_x_forwarded_for", read_boolean),
        ("mcp_trusted_proxy_ranges", read_networks),
        ("mcp_xff_num_trusted_hops", integer(minimum=1)),
        ("mcp_internal_ip_ranges", read_networks),
        (_RESPECTS_SCOPE, read_boolean),
        (_CREDENTIAL_HEADER, read_credential_header),
        ("mcp_advertised_versions", _read_revisions),
    )
}
"""The members of `general_settings` that say who may reach MCP servers."""


def with_mcp_servers(
    own: GatewrightSettings, root: Node, environ: Mapping[str, str], *, are_stored: bool
) -> GatewrightSettings:
    """The settings with the servers handed to the plugin `mcp`.

    Where servers `are_stored` in the database it is offered without them too: it loads then though nothing is
    said of it, and checks no request of a model. Raises ConfigError where it may not load.
    """
    general = read_members(root.member("general_settings"))
    if environ.get(_CREDENTIAL_VARIABLE):
        stated = Node(environ[_CREDENTIAL_VARIABLE], "", 0, _CREDENTIAL_VARIABLE)
        general.setdefault(_CREDENTIAL_HEADER, stated)
    access = read_fields(general, MCP_ACCESS_READERS)
    told: dict[str, object] = {_ACCESS: access}
    node, plugins = root.member("mcp_servers"), own.plugins
    is_declared = node is not None and node.value is not None
    is_closed = plugins.allow is not None and _PLUGIN not in plugins.allow
    if is_closed or _PLUGIN in plugins.deny:
        if node is None or not is_declared:
            return own
        message = f"'gatewright.plugins' does not let the plugin '{_PLUGIN}' load, which serves these."
        raise config_error(node, message)
    section = plugins.settings.get(_PLUGIN, {})
    if node is not None and is_declared:
        return _with_section(own, {**section, _MEMBER: read_plain_mapping(node), **told})
    if not are_stored and _MEMBER not in section:
        return own
    if _PLUGIN in (plugins.settings if plugins.allow is None else plugins.allow):
        return _with_section(own, {_MEMBER: {}, **section, **told})
    told |= {_MEMBER: {}, _CHECKS: False}
    return msgspec.structs.replace(own, plugins=msgspec.structs.replace(plugins, offered={_PLUGIN: told}))


def _with_section(own: GatewrightSettings, section: dict[str, object]) -> GatewrightSettings:
    settings = {**own.plugins.settings, _PLUGIN: section}
    return msgspec.structs.replace(own, plugins=msgspec.structs.replace(own.plugins, settings=settings))


def respects_scope(own: GatewrightSettings) -> bool:
    """Whether servers that are open to all keys are so only to those that name no servers."""
    return _says(own, _RESPECTS_SCOPE)


def demands_keys(own: GatewrightSettings) -> bool:
    """Whether keys that name no servers have none."""
    return _says(own, _DEMANDS_KEYS)


def configured_servers(own: GatewrightSettings) -> Mapping[str, object]:
    """The servers of the configuration, by their names."""
    servers = _section(own).get(_MEMBER)
    return cast("Mapping[str, object]", servers) if isinstance(servers, dict) else {}


def _says(own: GatewrightSettings, name: str) -> bool:
    access = _section(own).get(_ACCESS)
    return isinstance(access, dict) and cast("Mapping[str, object]", access).get(name) is True


def _section(own: GatewrightSettings) -> Mapping[str, object]:
    """What the plugin is told."""
    return own.plugins.settings.get(_PLUGIN) or own.plugins.offered.get(_PLUGIN, {})
