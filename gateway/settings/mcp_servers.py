"""Read the section `mcp_servers`, which is the plugin's to understand."""

from collections.abc import Mapping
from typing import cast

import msgspec

from gateway.settings.model import GatewrightSettings
from gateway.settings.node import Node, config_error
from gateway.settings.readers import read_plain_mapping

__all__ = ["configured_servers", "with_mcp_servers"]

_PLUGIN, _MEMBER = "mcp", "servers"


def with_mcp_servers(own: GatewrightSettings, root: Node) -> GatewrightSettings:
    """The settings with the servers handed to the plugin `mcp`. Raises ConfigError where it may not load."""
    node = root.member("mcp_servers")
    if node is None or node.value is None:
        return own
    servers = read_plain_mapping(node)
    plugins = own.plugins
    is_closed = plugins.allow is not None and _PLUGIN not in plugins.allow
    if is_closed or _PLUGIN in plugins.deny:
        message = f"'gatewright.plugins' does not let the plugin '{_PLUGIN}' load, which serves these."
        raise config_error(node, message)
    section = {**plugins.settings.get(_PLUGIN, {}), _MEMBER: servers}
    settings = {**plugins.settings, _PLUGIN: section}
    return msgspec.structs.replace(own, plugins=msgspec.structs.replace(plugins, settings=settings))


def configured_servers(own: GatewrightSettings) -> Mapping[str, object]:
    """The servers of the configuration, by their names."""
    servers = own.plugins.settings.get(_PLUGIN, {}).get(_MEMBER)
    return cast("Mapping[str, object]", servers) if isinstance(servers, dict) else {}
