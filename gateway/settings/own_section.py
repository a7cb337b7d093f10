"""Read the section `gatewright:`, in which every unknown key is refused."""

import difflib
from collections.abc import Iterator, Mapping
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path

import msgspec

from gateway.settings.budgets import read_usd
from gateway.settings.faults import Faults
from gateway.settings.model import GatewrightSettings, LimitSettings, OpenAiCosts, PluginSettings
from gateway.settings.node import Node, config_error, describe
from gateway.settings.readers import (
    Reader,
    integer,
    one_of,
    read_each,
    read_fields,
    read_items,
    read_mapping,
    read_members,
    read_plain_mapping,
    read_seconds,
    read_secret,
    read_text,
    read_texts,
    read_values,
)

__all__ = ["COST_READERS", "LIMIT_READERS", "OWN_READERS", "PLUGIN_READERS", "read_own_section"]

_MEGABYTE = 1024 * 1024


def _read_positive_seconds(node: Node) -> float:
    seconds = read_seconds(node)
    if seconds <= 0:
        raise config_error(node, f"Expected more than 0 seconds, found {describe(node)}.")
    return seconds


LIMIT_READERS: Mapping[str, tuple[str, Reader]] = {
    "body_bytes": ("body_bytes", integer(1)),
    "body_seconds": ("body_seconds", _read_positive_seconds),
    "json_depth": ("json_depth", integer()),
    "header_bytes": ("header_bytes", integer(1024)),
    "stream_seconds": ("stream_seconds", read_seconds),
    "response_bytes": ("response_bytes", integer(1)),
}


def _read_limits(node: Node) -> LimitSettings:
    return msgspec.structs.replace(LimitSettings(), **_read_strictly(node, LIMIT_READERS))


def _read_plugin_sections(node: Node) -> dict[str, dict[str, object]]:
    """Sections by plugin; a plugin named without any settings is asked for all the same."""
    sections = node.value if isinstance(node.value, dict) else read_mapping(node)
    return read_values(sections, lambda node: {} if node.value is None else read_plain_mapping(node))


PLUGIN_READERS: Mapping[str, tuple[str, Reader]] = {
    "allow": ("allow", read_texts),
    "deny": ("deny", read_texts),
    "settings": ("settings", _read_plugin_sections),
}


def _read_plugins(node: Node) -> PluginSettings:
    read = msgspec.structs.replace(PluginSettings(), **_read_strictly(node, PLUGIN_READERS))
    return msgspec.structs.replace(read, places=dict(_list_places(node)))


def _list_places(node: Node) -> Iterator[tuple[str, tuple[str, int]]]:
    yield node.path, (node.file, node.line)
    members = node.value.values() if isinstance(node.value, dict) else node.value
    if isinstance(members, str | int | float | None):
        return
    for member in members:
        yield from _list_places(member)


def _read_networks(node: Node) -> tuple[IPv4Network | IPv6Network, ...]:
    if isinstance(node.value, str):
        return (_read_network(node),)
    return tuple(read_each(read_items(node), _read_network))


def _read_network(node: Node) -> IPv4Network | IPv6Network:
    try:
        return ip_network(read_text(node))
    except ValueError:
        message = f"Expected a network such as 10.20.0.0/16, found {describe(node)}."
        raise config_error(node, message) from None


COST_READERS: Mapping[str, tuple[str, Reader]] = {
    "admin_key": ("admin_key", read_secret),
    "api_base": ("api_base", read_text),
}


def _read_openai_costs(node: Node) -> OpenAiCosts:
    fields = _read_strictly(node, COST_READERS)
    if "admin_key" not in fields:
        raise config_error(node, "'admin_key' is missing: a key of the organization that may read its costs.")
    if not str(fields.get("api_base", "https://")).startswith(("http://", "https://")):
        raise config_error(node, "'api_base' is an address that begins with http:// or https://.")
    return msgspec.convert(fields, OpenAiCosts)


OWN_READERS: Mapping[str, tuple[str, Reader]] = {
    "plugins": ("plugins", _read_plugins),
    "limits": ("limits", _read_limits),
    "price_file": ("price_file", read_text),
    "drain_seconds": ("drain_seconds", read_seconds),
    "stream_keepalive_seconds": ("stream_keepalive_seconds", read_seconds),
    "client_side_networks": ("client_side_networks", _read_networks),
    "cors_origins": ("cors_origins", read_texts),
    "journal_segment_bytes": ("journal_segment_bytes", integer(_MEGABYTE)),
    "journal_sync_seconds": ("journal_sync_seconds", read_seconds),
    "redis_prefix": ("redis_prefix", read_text),
    "redis_deadline_seconds": ("redis_deadline_seconds", read_seconds),
    "redis_outage": ("redis_outage", one_of("deny", "allow")),
    "redis_allowance": ("redis_allowance_nanos", read_usd),
    "budget_mode": ("budget_mode", one_of("expected", "strict")),
    "openai_costs": ("openai_costs", _read_openai_costs),
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
    fields = _read_strictly(section, OWN_READERS)
    price_file = section.member("price_file")
    if price_file is not None:
        fields["price_file"] = str(Path(price_file.file).parent / read_text(price_file))
    return msgspec.structs.replace(GatewrightSettings(), **fields)


def _read_strictly(node: Node, readers: Mapping[str, tuple[str, Reader]]) -> dict[str, object]:
    """The fields of a section in which every key must be known. Raises ConfigError."""
    members = read_members(node)
    faults = Faults()
    allowed = sorted(readers)
    for name, child in node.value.items() if isinstance(node.value, dict) else ():
        if name not in readers:
            close = difflib.get_close_matches(name, allowed, n=1)
            hint = f" Did you mean '{close[0]}'?" if close else ""
            faults.add(config_error(child, f"There is no key '{name}' here.{hint}", allowed=allowed))
    fields = faults.attempt(lambda: read_fields(members, readers), {})
    faults.refuse()
    return fields
