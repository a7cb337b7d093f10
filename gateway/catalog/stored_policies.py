"""Turns rows of policies and their attachments into what the configuration would say."""

import msgspec

from gateway.catalog.added import AddedAttachment, AddedPolicy
from gateway.catalog.model_store import AttachmentRow, PolicyRow
from gateway.errors import ConfigError
from gateway.settings.node import build_node
from gateway.settings.policies import AttachmentEntry, PolicyEntry, read_attachment, read_stored_policy

__all__ = ["read_attachment_row", "read_policy_row"]

_LISTS = ("teams", "keys", "models", "tags")
_decode = msgspec.json.Decoder().decode


def read_policy_row(row: PolicyRow) -> AddedPolicy:
    """A policy; one that cannot be read is still known, so that it refuses what it concerns."""
    fault = ""
    columns = {
        **msgspec.structs.asdict(row),
        "condition": _object(row.condition),
        "pipeline": _object(row.pipeline),
    }
    try:
        entry = read_stored_policy(row.policy_name, columns, f'LiteLLM_PolicyTable["{row.policy_name}"]')
    except ConfigError as error:
        entry, fault = PolicyEntry(name=row.policy_name), str(error)
    is_live = row.version_status == "production"
    return AddedPolicy(policy_id=row.policy_id, entry=entry, is_live=is_live, fault=fault)


def read_attachment_row(row: AttachmentRow) -> AddedAttachment:
    """An attachment; one that says nothing of where it applies holds everywhere, as in LiteLLM."""
    scope = {name: value for name in _LISTS if (value := getattr(row, name))}
    members = {
        "policy": row.policy_name,
        "scope": row.scope or (None if scope else "*"),
        "priority": row.priority,
        "default": row.is_default,
        **scope,
    }
    try:
        path = f'LiteLLM_PolicyAttachmentTable["{row.attachment_id}"]'
        return AddedAttachment(entry=read_attachment(build_node(members, path)))
    except ConfigError as error:
        return AddedAttachment(
            entry=AttachmentEntry(policy=row.policy_name, is_global=True), fault=str(error)
        )


def _object(text: str | None) -> object:
    """The JSON in a column; some releases stored the object as a JSON text within a JSON text."""
    value: object = None if text is None else _decode(text)
    if isinstance(value, str):
        try:
            return _decode(value)
        except msgspec.DecodeError:
            return value
    return value
