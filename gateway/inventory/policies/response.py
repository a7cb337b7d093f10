"""How policies and attachments are shown."""

from typing import Any

from gateway.db.rows import Columns
from gateway.settings.policies import AttachmentEntry, Condition, Pipeline, PolicyEntry

__all__ = ["show_attachment", "show_configured", "show_configured_attachment", "show_policy"]

_POLICY = (
    *("policy_id", "policy_name", "version_number", "version_status", "parent_version_id", "is_latest"),
    *("published_at", "production_at", "inherit", "description", "guardrails_add", "guardrails_remove"),
    *("condition", "pipeline", "created_at", "updated_at", "created_by", "updated_by"),
)
_ATTACHMENT = (
    *("attachment_id", "policy_name", "scope", "teams", "keys", "models", "tags", "priority"),
    *("created_at", "updated_at", "created_by", "updated_by"),
)
_LISTS = ("guardrails_add", "guardrails_remove", "teams", "keys", "models", "tags")


def show_policy(row: Columns) -> dict[str, Any]:
    """A version of a policy of the database."""
    return {**_shown(row, _POLICY), "condition": row["condition"] or None, "definition_location": "db"}


def show_attachment(row: Columns) -> dict[str, Any]:
    """An attachment of the database."""
    shown = _shown(row, _ATTACHMENT)
    return {**shown, "default": bool(row["is_default"]), "definition_location": "db"}


def show_configured(entry: PolicyEntry) -> dict[str, Any]:
    """A policy of the configuration, whose only version is in production."""
    shown: dict[str, Any] = dict.fromkeys(_POLICY)
    return shown | {
        "policy_id": entry.name,
        "policy_name": entry.name,
        "version_number": 1,
        "version_status": "production",
        "is_latest": True,
        "inherit": entry.inherit,
        "description": entry.description or None,
        "guardrails_add": list(entry.add),
        "guardrails_remove": list(entry.remove),
        "condition": _show_condition(entry.condition),
        "pipeline": None if entry.pipeline is None else _show_pipeline(entry.pipeline),
        "definition_location": "config",
    }


def show_configured_attachment(entry: AttachmentEntry) -> dict[str, Any]:
    """An attachment of the configuration, which has no id."""
    shown: dict[str, Any] = dict.fromkeys(_ATTACHMENT)
    return shown | {
        "policy_name": entry.policy,
        "scope": "*" if entry.is_global else None,
        "teams": list(entry.scope.teams),
        "keys": list(entry.scope.keys),
        "models": list(entry.scope.models),
        "tags": list(entry.scope.tags),
        "priority": entry.priority,
        "default": entry.is_default,
        "definition_location": "config",
    }


def _shown(row: Columns, names: tuple[str, ...]) -> dict[str, Any]:
    shown = {name: row[name] for name in names}
    return {name: value or [] if name in _LISTS else value for name, value in shown.items()}


def _show_condition(condition: Condition) -> dict[str, Any] | None:
    kinds = {
        "model": condition.models,
        "team": condition.teams,
        "key": condition.keys,
        "tag": condition.tags,
    }
    return {name: list(patterns) for name, patterns in kinds.items() if patterns} or None


def _show_pipeline(pipeline: Pipeline) -> dict[str, Any]:
    steps = [
        {
            "guardrail": step.guardrail,
            "on_pass": step.on_pass,
            "on_fail": step.on_fail,
            "on_error": step.on_error,
            "modify_response_message": step.message or None,
        }
        for step in pipeline.steps
    ]
    return {"mode": pipeline.mode, "steps": steps}
