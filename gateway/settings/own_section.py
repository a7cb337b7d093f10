"""Read the section `gatewright:`, in which every unknown key is refused."""

import difflib
from collections.abc import Mapping
from pathlib import Path

import msgspec

from gateway.settings.model import GatewrightSettings, LimitSettings, PluginSettings
from gateway.settings.node import Node, config_error
from gateway.settings.readers import (
    Reader,
    integer,
    read_fields,
    read_mapping,
    read_members,
    read_plain_mapping,
    read_seconds,
    read_text,
    read_texts,
)

__all__ = ["LIMIT_READERS", "OWN_READERS", "PLUGIN_READERS", "read_own_section"]

_MEGABYTE = 1024 * 1024

LIMIT_READERS: Mapping[str, tuple[str, Reader]] = {
    "body_bytes": ("body_bytes", integer(1)),
    "header_bytes": ("header_bytes", integer(1024)),
    "stream_seconds": ("stream_seconds", read_seconds),
    "response_bytes": ("response_bytes", integer(1)),
}


def _read_limits(node: Node) -> LimitSettings:
    members = _strict(node, LIMIT_READERS)
    return msgspec.structs.replace(LimitSettings(), **read_fields(members, LIMIT_READERS))


def _read_plugin_sections(node: Node) -> dict[str, dict[str, object]]:
    """Sections by plugin; a plugin named without any settings is asked for all the same."""
    sections = node.value if isinstance(node.value, dict) else read_mapping(node)
    return {
        name: {} if child.value is None else read_plain_mapping(child) for name, child in sections.items()
    }


PLUGIN_READERS: Mapping[str, tuple[str, Reader]] = {
    "allow": ("allow", read_texts),
    "deny": ("deny", read_texts),
    "settings": ("settings", _read_plugin_sections),
}


def _read_plugins(node: Node) -> PluginSettings:
    members = _strict(node, PLUGIN_READERS)
    return msgspec.structs.replace(PluginSettings(), **read_fields(members, PLUGIN_READERS))


OWN_READERS: Mapping[str, tuple[str, Reader]] = {
    "plugins": ("plugins", _read_plugins),
    "limits": ("limits", _read_limits),
    "price_file": ("price_file", read_text),
    "drain_seconds": ("drain_seconds", read_seconds),
    "stream_keepalive_seconds": ("stream_keepalive_seconds", read_seconds),
    "cors_origins": ("cors_origins", read_texts),
    "journal_segment_bytes": ("journal_segment_bytes", integer(_MEGABYTE)),
    "journal_sync_seconds": ("journal_sync_seconds", read_seconds),
    "key_cache_seconds": ("key_cache_seconds", read_seconds),
    "key_cache_entries": ("key_cache_entries", integer(1)),
}


def read_own_section(root: Node) -> GatewrightSettings:
    """The settings that LiteLLM does not have; the price file's path becomes one from the current folder.

    Raises ConfigError, also for a key that does not exist.
    """
    section = root.member("gatewright")
    if section is None:
        return GatewrightSettings()
    members = _strict(section, OWN_READERS)
    fields = read_fields(members, OWN_READERS)
    price_file = members.get("price_file")
    if price_file is not None:
        fields["price_file"] = str(Path(price_file.file).parent / read_text(price_file))
    return msgspec.structs.replace(GatewrightSettings(), **fields)


def _strict(node: Node, readers: Mapping[str, tuple[str, Reader]]) -> dict[str, Node]:
    members = read_members(node)
    allowed = sorted(readers)
    for name, child in node.value.items() if isinstance(node.value, dict) else ():
        if name not in readers:
            close = difflib.get_close_matches(name, allowed, n=1)
            hint = f" Did you mean '{close[0]}'?" if close else ""
            raise config_error(child, f"There is no key '{name}' here.{hint}", allowed=allowed)
    return members
