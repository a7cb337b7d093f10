"""Read what is said of clients of MCP servers: which may be, and in which headers they say what."""

import re
from collections.abc import Mapping

import msgspec

from gateway.domain import McpClients
from gateway.settings.node import Node, config_error, describe
from gateway.settings.readers import (
    Reader,
    read_each,
    read_fields,
    read_items,
    read_mapping,
    read_members,
    read_text,
)

__all__ = ["MCP_CLIENT_READERS", "read_credential_header", "read_mcp_clients"]

_MEMBERS = ("alias", "value")
_HEADER = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,128}")
"""The name of a header (RFC 9110, 5.6.2)."""
_CREDENTIALS = frozenset(
    {
        *("authorization", "proxy-authorization", "cookie", "api-key", "x-api-key", "x-goog-api-key"),
        *("ocp-apim-subscription-key", "x-litellm-api-key"),
    }
)

_TAKEN = frozenset(
    {
        *("accept", "connection", "cookie", "host", "last-event-id", "origin", "te", "trailer", "upgrade"),
        *("x-litellm-api-key", "x-mcp-access-groups", "x-mcp-servers", "x-mcp-toolset-id"),
    }
)
_OF_PROTOCOLS = ("content-", "mcp-", "proxy-", "sec-", "transfer-", "x-forwarded-", "x-mcp-tool-")


def _read_allowed(node: Node) -> frozenset[str]:
    """The applications, each with exactly `alias` and `value`. Raises ConfigError."""
    items = read_items(node)
    if not items:
        raise config_error(node, "Expected at least one application; leave the key out to let in all.")
    return frozenset(read_each(items, _read_client))


def _read_client(node: Node) -> str:
    members = read_mapping(node)
    for name, child in members.items():
        if name not in _MEMBERS:
            raise config_error(child, f"There is no key '{name}' here.", allowed=_MEMBERS)
    missing = [name for name in _MEMBERS if name not in members]
    if missing:
        raise config_error(node, f"Expected a mapping with 'alias' and 'value', without '{missing[0]}'.")
    alias, value = (_read_name(members[name]) for name in _MEMBERS)
    del alias
    return value


def _read_name(node: Node) -> str:
    text = read_text(node)
    if not text or text != text.strip():
        message = f"Expected a text without spaces at its ends, found {describe(node)}."
        raise config_error(node, message)
    return text


def _read_id_header(node: Node) -> str:
    """The name of a header that carries no credential. Raises ConfigError."""
    name = _read_header(node)
    if name.lower() in _CREDENTIALS:
        raise config_error(node, f"The header '{name}' has credentials; name one that says who is asking.")
    return name


MCP_CLIENT_READERS: Mapping[str, tuple[str, Reader]] = {
    "mcp_allowed_clients": ("allowed", _read_allowed),
    "mcp_client_id_header": ("id_header", _read_id_header),
}


def read_mcp_clients(root: Node) -> McpClients:
    """Which applications may speak with MCP servers. Raises ConfigError."""
    given = read_fields(read_members(root.member("general_settings")), MCP_CLIENT_READERS)
    return msgspec.structs.replace(McpClients(), **given)


def read_credential_header(node: Node) -> str:
    """The name of a header in which a client may bring a credential for a server. Raises ConfigError."""
    name = _read_header(node)
    if name.lower() in _TAKEN or name.lower().startswith(_OF_PROTOCOLS):
        raise config_error(node, f"The header '{name}' says something else already; name another one.")
    return name


def _read_header(node: Node) -> str:
    name = read_text(node).strip()
    if _HEADER.fullmatch(name) is None:
        raise config_error(node, f"Expected the name of a header, found {describe(node)}.")
    return name
