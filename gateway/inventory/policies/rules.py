"""Whether a policy or an attachment can be what a request says."""

from collections.abc import Iterable, Mapping
from typing import Any

from gateway.errors import BadRequest, ConfigError
from gateway.guardrails.policies.book import Policy, resolve_policy
from gateway.identity.faults import Faults
from gateway.identity.values import check_members, check_text
from gateway.inventory.policies.request import AttachmentRequest
from gateway.settings.node import build_node
from gateway.settings.policies import (
    AttachmentEntry,
    PolicyEntry,
    read_attachment,
    read_stored_policy,
)

__all__ = ["COLUMNS", "attachment_columns", "read_entry", "read_scope", "resolve"]

COLUMNS = ("inherit", "description", "guardrails_add", "guardrails_remove", "condition", "pipeline")
"""What a version says, beside what version it is."""


def read_entry(name: str, columns: Mapping[str, Any]) -> PolicyEntry:
    """The policy that these columns make. Raises BadRequest."""
    faults = Faults()
    check_text(faults, "policy_name", name)
    if not name.isprintable() or "/" in name:
        faults.add("policy_name", "must be printable and without '/': headers and paths tell it.")
    check_members(faults, {"description": columns["description"]})
    for path in ("guardrails_add", "guardrails_remove"):
        for index, guardrail in enumerate(columns[path] or ()):
            check_text(faults, f"{path}[{index}]", guardrail)
    faults.refuse()
    try:
        return read_stored_policy(name, columns, "policy")
    except ConfigError as error:
        raise _refused(error) from error


def read_scope(request: AttachmentRequest) -> AttachmentEntry:
    """The attachment that a request asks for. Raises BadRequest."""
    members = {
        "policy": request.policy_name,
        "scope": request.scope,
        "priority": request.priority,
        "default": request.default,
        **{name: getattr(request, name) or None for name in ("teams", "keys", "models", "tags")},
    }
    try:
        return read_attachment(build_node(members, "attachment"))
    except ConfigError as error:
        raise _refused(error) from error


def attachment_columns(request: AttachmentRequest, entry: AttachmentEntry) -> dict[str, Any]:
    """The columns of an attachment."""
    return {
        "policy_name": request.policy_name,
        "scope": "*" if entry.is_global else None,
        "teams": list(entry.scope.teams),
        "keys": list(entry.scope.keys),
        "models": list(entry.scope.models),
        "tags": list(entry.scope.tags),
        "priority": entry.priority,
        "is_default": entry.is_default,
    }


def resolve(
    entry: PolicyEntry, ancestors: Iterable[Mapping[str, Any]], configured: Iterable[PolicyEntry]
) -> Policy:
    """The policy as it would be in production; its `fault` says why it could not be followed."""
    known = {one.name: Policy(name=one.name, policy_id=one.name, entry=one) for one in configured}
    for row in ancestors:
        name = row["policy_name"]
        above = Policy(name=name, policy_id=row["policy_id"], entry=read_entry(name, row))
        known.setdefault(name, above)
    policy = Policy(name=entry.name, policy_id=entry.name, entry=entry)
    return resolve_policy(policy, known | {entry.name: policy})


def _refused(error: ConfigError) -> BadRequest:
    return BadRequest(str(error), param=error.path, type="bad_request_error")
