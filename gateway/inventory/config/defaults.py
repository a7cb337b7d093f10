"""What new users and teams get where a request says nothing: how it is changed and described."""

from collections.abc import Mapping

import msgspec

from gateway.identity.users.request import UserTeam
from gateway.inventory.sealed import merge_members

__all__ = [
    "TEAMS",
    "USERS",
    "TeamDefaultsRequest",
    "UserDefaultsRequest",
    "change_defaults",
    "describe_defaults",
    "show_defaults",
]

USERS, TEAMS = "default_internal_user_params", "default_team_params"
"""The members of `litellm_settings`."""

_COMMON: Mapping[str, tuple[str, str]] = {
    "models": ("array", "Models that may be asked for; an empty list allows all."),
    "max_budget": ("number", "US dollars that may be spent until the budget starts anew."),
    "budget_duration": ("string", "When the budget starts anew, such as 30d; without it never."),
}
_MEANINGS: Mapping[str, Mapping[str, tuple[str, str]]] = {
    USERS: {
        "user_role": ("string", "The role: internal_user or internal_user_viewer."),
        **_COMMON,
        "teams": ("array", "Teams that a new user enters."),
    },
    TEAMS: {
        **_COMMON,
        "tpm_limit": ("integer", "Tokens per minute."),
        "rpm_limit": ("integer", "Requests per minute."),
        "team_member_permissions": ("array", "Routes of keys that members may call for the team."),
        "organization_id": ("string", "The organization of the team."),
    },
}
_TITLES = {USERS: "What a new internal user gets.", TEAMS: "What a new team gets."}


class UserDefaultsRequest(msgspec.Struct, frozen=True, kw_only=True):
    """`PATCH /update/internal_user_settings`: what is sent changes, null takes a default away."""

    user_role: str | None = None
    max_budget: float | None = None
    budget_duration: str | None = None
    models: list[str] | None = None
    teams: list[str | UserTeam] | None = None


class TeamDefaultsRequest(msgspec.Struct, frozen=True, kw_only=True):
    """`PATCH /update/default_team_settings`: what is sent changes, null takes a default away."""

    models: list[str] | None = None
    max_budget: float | None = None
    budget_duration: str | None = None
    tpm_limit: int | None = None
    rpm_limit: int | None = None
    team_member_permissions: list[str] | None = None
    organization_id: str | None = None


def describe_defaults(name: str) -> dict[str, object]:
    """The defaults that can be set here, with their types and meanings."""
    fields = {field: {"type": kind, "description": text} for field, (kind, text) in _MEANINGS[name].items()}
    return {"description": _TITLES[name], "properties": fields}


def show_defaults(name: str, values: Mapping[str, object]) -> dict[str, object]:
    """Every default that can be set here, with its value, and those that only the file sets."""
    return {**dict.fromkeys(_MEANINGS[name]), **values}


def change_defaults(values: Mapping[str, object], sent: Mapping[str, object]) -> dict[str, object]:
    """The defaults with what was sent."""
    return merge_members(values, msgspec.to_builtins(sent))
