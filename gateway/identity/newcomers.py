"""The operator's defaults for new users and teams."""

from collections.abc import Mapping
from typing import Any, Literal, TypeVar

import msgspec

from gateway.errors import BadRequest, ConfigError
from gateway.identity.faults import Faults
from gateway.identity.users.request import UserTeam
from gateway.identity.values import check_members
from gateway.settings import Settings
from gateway.wire.faults import sentence_of

__all__ = ["NewcomerDefaults", "build_newcomer_defaults"]

Kind = TypeVar("Kind", bound=msgspec.Struct)

_USERS = "litellm_settings.default_internal_user_params"
_TEAMS = "litellm_settings.default_team_params"
_INTERNAL_ROLES = frozenset({"internal_user", "internal_user_viewer"})


class _UserDefaults(msgspec.Struct, frozen=True, kw_only=True):
    # Whoever may make users gives them this role, also who administers an organization only.
    user_role: Literal["internal_user", "internal_user_viewer"] | None = None
    max_budget: float | None = None
    budget_duration: str | None = None
    models: list[str] | None = None
    tpm_limit: int | None = None
    rpm_limit: int | None = None
    max_parallel_requests: int | None = None
    teams: list[str | UserTeam] | None = None
    available_teams: list[str] | None = None


class _TeamDefaults(msgspec.Struct, frozen=True, kw_only=True):
    organization_id: str | None = None
    max_budget: float | None = None
    soft_budget: float | None = None
    budget_duration: str | None = None
    models: list[str] | None = None
    tpm_limit: int | None = None
    rpm_limit: int | None = None
    tpd_limit: int | None = None
    max_parallel_requests: int | None = None
    team_member_permissions: list[str] | None = None
    team_member_budget: float | None = None
    team_member_budget_duration: str | None = None
    team_member_rpm_limit: int | None = None
    team_member_tpm_limit: int | None = None


class NewcomerDefaults:
    """`default_internal_user_params` and `default_team_params` of `litellm_settings`, checked once.

    Raises ConfigError for a member that there is not, and for a value that cannot be.
    """

    def __init__(self, users: Mapping[str, object], teams: Mapping[str, object]) -> None:
        given = _read(_USERS, users, _UserDefaults)
        self.joinable_teams: frozenset[str] = frozenset(given.pop("available_teams", None) or ())
        """Teams that every internal user may enter by itself."""
        self.user_teams: tuple[str | UserTeam, ...] = tuple(given.pop("teams", None) or ())
        """Teams that a new internal user enters where the request names none."""
        self.user_columns: Mapping[str, Any] = given
        self._teams: Mapping[str, Any] = _read(_TEAMS, teams, _TeamDefaults)

    def take_over(self, other: "NewcomerDefaults") -> None:
        """Go by what others say from now on: the settings have changed."""
        self.joinable_teams, self.user_teams = other.joinable_teams, other.user_teams
        self.user_columns, self._teams = other.user_columns, other.team_columns

    @property
    def team_columns(self) -> Mapping[str, Any]:
        """What every new team gets where the request says nothing."""
        return self._teams

    def fill_user(self, sent: Mapping[str, Any]) -> dict[str, Any]:
        """What was sent of a new user, completed; an administrator to be gets nothing."""
        if sent.get("user_role", "internal_user") not in _INTERNAL_ROLES:
            return dict(sent)
        return {**self.user_columns, **sent}

    def teams_of(self, sent: Mapping[str, Any]) -> tuple[str | UserTeam, ...]:
        """The teams that a new user enters because the operator says so."""
        is_internal = sent.get("user_role", "internal_user") in _INTERNAL_ROLES
        return self.user_teams if is_internal and not sent.get("teams") else ()

    def fill_team(self, sent: Mapping[str, Any]) -> dict[str, Any]:
        """What was sent of a new team, completed."""
        return {**self._teams, **sent}


def build_newcomer_defaults(settings: Settings) -> NewcomerDefaults:
    """The defaults of the settings. Raises ConfigError."""
    litellm = settings.litellm
    return NewcomerDefaults(litellm.default_internal_user_params, litellm.default_team_params)


def _read(path: str, values: Mapping[str, object], kind: type[Kind]) -> dict[str, Any]:
    known = kind.__struct_fields__
    for name in values:
        if name not in known:
            raise ConfigError("there is no such default.", path=f"{path}.{name}", allowed=known)
    given = {name: value for name, value in values.items() if value is not None}
    try:
        read = msgspec.convert(given, kind)
        faults = Faults()
        check_members(faults, {name: getattr(read, name) for name in given})
        faults.refuse()
    except msgspec.ValidationError as error:
        raise ConfigError(sentence_of(error, kind), path=path) from None
    except BadRequest as error:
        raise ConfigError(error.message, path=path) from None
    return {name: getattr(read, name) for name in given}
