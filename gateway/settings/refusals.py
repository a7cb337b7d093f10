"""Stored settings that are refused one by one, and what holds in the place of each: what denies the most."""

from collections.abc import Callable, Mapping

import msgspec

from gateway.domain import MCP_SUBMITTED
from gateway.errors import ConfigError
from gateway.settings.faults import Faults
from gateway.settings.mcp_clients import MCP_CLIENT_READERS
from gateway.settings.model import Settings, SettingsNotice
from gateway.settings.node import build_node, child_path
from gateway.settings.overlay import Overlay, is_nothing
from gateway.settings.own_variables import refuse_own_secrets
from gateway.settings.readers import Reader
from gateway.settings.references import resolve_references
from gateway.settings.sections import GENERAL_READERS

__all__ = ["GENERAL", "Refusals", "deny", "refuse_malformed", "split_overlay"]

Refusals = dict[str, ConfigError]
"""By the names of members of `general_settings`, why what the database has for them is not taken over."""

GENERAL, _REQUIRED = "general_settings", "mcp_required_fields"
_READERS: Mapping[str, Reader] = {
    **{name: reader for name, (_, reader) in MCP_CLIENT_READERS.items()},
    _REQUIRED: GENERAL_READERS[_REQUIRED][1],
}
_DENIALS: Mapping[str, Callable[[Settings], Settings]] = {
    "mcp_allowed_clients": lambda settings: _with_clients(settings, allowed=frozenset[str]()),
    "mcp_client_id_header": lambda settings: _with_clients(settings, id_header=""),
    _REQUIRED: lambda settings: msgspec.structs.replace(
        settings,
        general=msgspec.structs.replace(settings.general, mcp_required_fields=tuple(sorted(MCP_SUBMITTED))),
    ),
}
"""No application is allowed; none is known by a header; a submission has whatever one can have.

Whether the file has a value for it does not matter: the database meant another one.
"""


def split_overlay(overlay: Overlay) -> tuple[Overlay, Mapping[str, object]]:
    """The overlay without these settings, and what it has for them."""
    members = overlay.get(GENERAL, {})
    apart = {
        name: members[name] for name in _READERS if name in members and not is_nothing(name, members[name])
    }
    if not apart:
        return overlay, apart
    rest = {name: value for name, value in members.items() if name not in apart}
    return {**overlay, GENERAL: rest}, apart


def refuse_malformed(
    apart: Mapping[str, object], environ: Mapping[str, str], notices: list[SettingsNotice]
) -> tuple[Overlay, Refusals]:
    """What can be taken over of these settings, and why the others cannot."""
    refusals: Refusals = {}
    for name, value in apart.items():
        try:
            _read(name, value, environ, notices)
        except ConfigError as error:
            refusals[name] = error
    kept = {name: value for name, value in apart.items() if name not in refusals}
    return {GENERAL: kept} if kept else {}, refusals


def deny(settings: Settings, refusals: Refusals) -> Settings:
    """The settings with what stands for these."""
    for name in refusals:
        settings = _DENIALS[name](settings)
    return settings


def _read(name: str, value: object, environ: Mapping[str, str], notices: list[SettingsNotice]) -> None:
    path, faults = child_path(GENERAL, name), Faults()
    node = build_node(value, path)
    refuse_own_secrets(node)
    resolved = resolve_references(node, environ, notices, faults, [path])
    faults.refuse()
    if resolved.value is not None:
        _READERS[name](resolved)


def _with_clients(settings: Settings, **members: object) -> Settings:
    return msgspec.structs.replace(
        settings, mcp_clients=msgspec.structs.replace(settings.mcp_clients, **members)
    )
