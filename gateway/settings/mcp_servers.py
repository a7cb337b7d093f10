"""Read the section `mcp_servers`, which is the plugin's to understand."""

from collections.abc import Mapping
from typing import cast

import msgspec

from gateway.settings.access import read_networks
from gateway.settings.model import GatewrightSettings
from gateway.settings.node import Node, config_error
from gateway.settings.readers import (
    Reader,
    integer,
    read_boolean,
    read_fields,
    read_members,
    read_number,
    read_plain_mapping,
    read_text,
    read_texts,
)

__all__ = [
    "MCP_ACCESS_READERS",
    "MCP_FINDING_KEYS",
    "configured_servers",
    "demands_keys",
    "respects_scope",
    "with_mcp_servers",
]

_PLUGIN, _MEMBER, _ACCESS, _CHECKS = "mcp", "servers", "access", "checks_requests"
_SEARCH_TOP = 5
_FILTER_KEY, _SEARCH_KEY = "mcp_semantic_tool_filter", "mcp_tool_search"
MCP_FINDING_KEYS = frozenset({_FILTER_KEY, _SEARCH_KEY})
"""The members of `litellm_settings` that say how tools of MCP servers are found."""
_RESPECTS_SCOPE, _DEMANDS_KEYS = "mcp_allow_all_keys_respects_mcp_scope", "require_key_mcp_access_defined"
MCP_ACCESS_READERS: Mapping[str, tuple[str, Reader]] = {
    name: (name, reader)
    for name, reader in (
        (_DEMANDS_KEYS, read_boolean),
        ("require_end_user_mcp_access_defined", read_boolean),
        ("use_x_forwarded_for", read_boolean),
        ("mcp_trusted_proxy_ranges", read_networks),
        ("mcp_internal_ip_ranges", read_networks),
        (_RESPECTS_SCOPE, read_boolean),
    )
}
"""The members of `general_settings` that say who may reach MCP servers."""

_MEANING = {
    "embedding_model": ("embedding_model", read_text),
    "top_k": ("top_k", integer(1, 1_000)),
    "similarity_threshold": ("similarity_threshold", read_number),
}
_NARROWING: Mapping[str, tuple[str, Reader]] = {"enabled": ("enabled", read_boolean), **_MEANING}
_SEARCH: Mapping[str, tuple[str, Reader]] = {"core_tools": ("core_tools", read_texts), **_MEANING}


def with_mcp_servers(own: GatewrightSettings, root: Node, *, are_stored: bool) -> GatewrightSettings:
    """The settings with the servers handed to the plugin `mcp`.

    Where servers `are_stored` in the database it is offered without them too: it loads then though nothing is
    said of it, and checks no request of a model. Raises ConfigError where it may not load.
    """
    told = _read_surroundings(root)
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
    if not are_stored:
        return own
    if _PLUGIN in (plugins.settings if plugins.allow is None else plugins.allow):
        return _with_section(own, {_MEMBER: {}, **told, **section})
    told |= {_MEMBER: {}, _CHECKS: False}
    return msgspec.structs.replace(own, plugins=msgspec.structs.replace(plugins, offered={_PLUGIN: told}))


def _with_section(own: GatewrightSettings, section: dict[str, object]) -> GatewrightSettings:
    settings = {**own.plugins.settings, _PLUGIN: section}
    return msgspec.structs.replace(own, plugins=msgspec.structs.replace(own.plugins, settings=settings))


def _read_surroundings(root: Node) -> dict[str, object]:
    """What other sections say of MCP: who may reach servers, and how tools are found."""
    access = read_fields(read_members(root.member("general_settings")), MCP_ACCESS_READERS)
    return {_ACCESS: access, **_read_finding(root)}


def _read_finding(root: Node) -> dict[str, object]:
    """What `litellm_settings` say of finding tools."""
    members = read_members(root.member("litellm_settings"))
    found: dict[str, object] = {}
    if _FILTER_KEY in members:
        found["narrowing"] = _read_strictly(members[_FILTER_KEY], _NARROWING)
    if _SEARCH_KEY in members:
        found["search"] = {"top_k": _SEARCH_TOP, **_read_strictly(members[_SEARCH_KEY], _SEARCH)}
    return found


def _read_strictly(node: Node, readers: Mapping[str, tuple[str, Reader]]) -> dict[str, object]:
    members = read_members(node)
    unknown = next((name for name in members if name not in readers), None)
    if unknown is not None:
        raise config_error(members[unknown], "There is no such member.", allowed=sorted(readers))
    return read_fields(members, readers)


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
