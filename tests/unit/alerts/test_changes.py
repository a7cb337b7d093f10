import pytest

from gateway.alerts.changes import CHANGE_TYPES, ChangedRow, build_change
from gateway.alerts.kinds import DEFAULT_TYPES, AlertType

KEYS, TEAMS = "LiteLLM_VerificationToken", "LiteLLM_TeamTable"
USERS, MODELS = "LiteLLM_UserTable", "LiteLLM_ProxyModelTable"


def row(table: str, action: str, **more: str) -> ChangedRow:
    return ChangedRow(id="entry", action=action, table=table, object_id="it", changed_by="ann", **more)


@pytest.mark.parametrize(
    ("table", "action", "kind", "message"),
    [
        (KEYS, "created", "new_virtual_key_created", "Key created: it. By ann."),
        (KEYS, "rotated", "virtual_key_updated", "Key rotated: it. By ann."),
        (KEYS, "deleted", "virtual_key_deleted", "Key deleted: it. By ann."),
        (TEAMS, "created", "new_team_created", "Team created: it. By ann."),
        (TEAMS, "blocked", "team_updated", "Team blocked: it. By ann."),
        (TEAMS, "deleted", "team_deleted", "Team deleted: it. By ann."),
        (USERS, "created", "new_internal_user_created", "Internal user created: it. By ann."),
        (USERS, "updated", "internal_user_updated", "Internal user updated: it. By ann."),
        (USERS, "deleted", "internal_user_deleted", "Internal user deleted: it. By ann."),
        (MODELS, "created", "new_model_added", "Model created: it. By ann."),
    ],
)
def test_a_change_is_told_once_by_its_entry(table: str, action: str, kind: str, message: str) -> None:
    alert = build_change(row(table, action))
    assert alert is not None
    assert (alert.type, alert.entity, alert.event.event_message) == (kind, "entry", message)


def test_other_changes_are_not_told() -> None:
    assert build_change(row("LiteLLM_BudgetTable", "created")) is None
    assert build_change(row(MODELS, "deleted")) is None


def test_the_event_names_the_object_and_what_it_belongs_to() -> None:
    alert = build_change(row(KEYS, "created", name="ci", user_id="u", team_id="t"))
    assert alert is not None
    event = alert.event
    assert (event.event, event.event_group, event.token, event.key_alias) == (
        "key_created",
        "key",
        "it",
        "ci",
    )
    assert (event.user_id, event.team_id, event.event_message) == ("u", "t", "Key created: ci. By ann.")


def test_changes_of_keys_teams_and_users_have_to_be_asked_for() -> None:
    assert {AlertType.NEW_MODEL} == CHANGE_TYPES & DEFAULT_TYPES
