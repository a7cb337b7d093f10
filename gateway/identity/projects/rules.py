"""Field by field: what whom may set on a project."""

from collections.abc import Mapping
from typing import Any

from gateway.identity.metadata import is_kept_away
from gateway.identity.projects.permits import CHANGE_PROJECT, MAKE_PROJECT
from gateway.identity.rights import is_same, refuse_field
from gateway.permits.terms import Party

__all__ = ["METADATA_FIELDS", "check_fields"]

METADATA_FIELDS = (*("tags", "guardrails", "policies", "model_itpm_limit", "model_otpm_limit"),)
"""Members of a request that have no column and are kept in `metadata`."""


def check_fields(sent: Mapping[str, Any], project: Mapping[str, Any] | None) -> None:
    """Raise PermissionDenied naming the first sent member that a team's administrator may not set.

    `project` is the stored row, None for a project to be. What does not change is nobody's business.
    """
    stored: Mapping[str, object] = (project["metadata"] if project else None) or {}
    permit = MAKE_PROJECT if project is None else CHANGE_PROJECT
    changed = (name for name, value in sent.items() if not _is_stored(project, stored, name, value))
    refused = permit.first_refused(Party.TEAM_ADMIN, changed)
    if refused is not None:
        raise refuse_field(refused, "project", "Only proxy admins can set it.")
    if "metadata" not in sent:
        return
    given: Mapping[str, object] = sent["metadata"] or {}
    for name in {**stored, **given}:
        # A rate of the project's own, named beside `metadata`, is looked at as that member.
        if is_kept_away(name) and name not in sent and stored.get(name) != given.get(name):
            reason = "It has a meaning for admission; only proxy admins can set it."
            raise refuse_field(f"metadata.{name}", "project", reason)


def _is_stored(
    project: Mapping[str, Any] | None, metadata: Mapping[str, object], name: str, value: object
) -> bool:
    if project is None:
        return False
    return is_same(project[name] if name in project else metadata.get(name), value)
