"""What is told of changes by the management API: new, changed and deleted keys, teams, users, models."""

from collections.abc import Mapping

import msgspec

from gateway.alerts.events import Alert, WebhookEvent
from gateway.alerts.kinds import AlertType

__all__ = ["CHANGE_TYPES", "ChangedRow", "build_change"]

_KEYS, _TEAMS = "LiteLLM_VerificationToken", "LiteLLM_TeamTable"
_USERS, _MODELS = "LiteLLM_UserTable", "LiteLLM_ProxyModelTable"
_KINDS: Mapping[tuple[str, str], AlertType] = {
    (_KEYS, "created"): AlertType.KEY_CREATED,
    (_KEYS, "updated"): AlertType.KEY_UPDATED,
    (_KEYS, "blocked"): AlertType.KEY_UPDATED,
    (_KEYS, "unblocked"): AlertType.KEY_UPDATED,
    (_KEYS, "rotated"): AlertType.KEY_UPDATED,
    (_KEYS, "deleted"): AlertType.KEY_DELETED,
    (_TEAMS, "created"): AlertType.TEAM_CREATED,
    (_TEAMS, "updated"): AlertType.TEAM_UPDATED,
    (_TEAMS, "blocked"): AlertType.TEAM_UPDATED,
    (_TEAMS, "unblocked"): AlertType.TEAM_UPDATED,
    (_TEAMS, "deleted"): AlertType.TEAM_DELETED,
    (_USERS, "created"): AlertType.USER_CREATED,
    (_USERS, "updated"): AlertType.USER_UPDATED,
    (_USERS, "deleted"): AlertType.USER_DELETED,
    (_MODELS, "created"): AlertType.NEW_MODEL,
}
CHANGE_TYPES = frozenset(_KINDS.values())
"""The kinds of alert about changes."""
_GROUPS = {_KEYS: "key", _TEAMS: "team", _USERS: "internal_user", _MODELS: "proxy"}
_NAMES = {AlertType.KEY_CREATED: "key_created", AlertType.USER_CREATED: "internal_user_created"}
"""How the contract's webhooks call an event, where that is not the kind of alert."""
_LONGEST_NAME = 200
_QUIET_SECONDS = 86_400.0


class ChangedRow(msgspec.Struct, frozen=True, kw_only=True):
    """One entry of the audit trail, and what its row is called by: an alias, an address or a name."""

    id: str
    action: str
    table: str
    object_id: str
    changed_by: str
    name: str | None = None
    user_id: str | None = None
    team_id: str | None = None


def build_change(row: ChangedRow) -> Alert | None:
    """What is to be told of a change, once; None for one that no kind of alert is about."""
    kind = _KINDS.get((row.table, row.action))
    if kind is None:
        return None
    group = _GROUPS[row.table]
    what = "Model" if kind is AlertType.NEW_MODEL else group.replace("_", " ").capitalize()
    called = row.name or row.object_id
    event = WebhookEvent(
        event=_NAMES.get(kind, kind),
        event_message=f"{what} {row.action}: {called[:_LONGEST_NAME]}. By {row.changed_by[:_LONGEST_NAME]}.",
        event_group=group,
        spend=0.0,
        token=row.object_id if row.table == _KEYS else None,
        user_id=row.object_id if row.table == _USERS else row.user_id,
        team_id=row.object_id if row.table == _TEAMS else row.team_id,
        key_alias=row.name if row.table == _KEYS else None,
        team_alias=row.name if row.table == _TEAMS else None,
        user_email=row.name if row.table == _USERS else None,
    )
    return Alert(event, row.id, type=kind, quiet_seconds=_QUIET_SECONDS)
