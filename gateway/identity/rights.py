"""What a caller is to a resource, and the refusals when that is not enough."""

from collections.abc import Iterator, Mapping
from enum import IntEnum
from typing import Any, cast

from gateway.domain import Principal, Role
from gateway.errors import AuthenticationFailed, PermissionDenied
from gateway.permits.terms import Party

__all__ = [
    "KNOWN_TO_ALL",
    "Level",
    "actor_of",
    "check_is_no_viewer",
    "is_same",
    "members_of",
    "party_of",
    "refuse_field",
    "refuse_role",
    "without_secrets",
]

_VIEWERS = frozenset({Role.PROXY_ADMIN_VIEWER, Role.INTERNAL_USER_VIEWER})

KNOWN_TO_ALL = ("user_id", "user_email", "user_alias", "user_role")
"""What of a user is shown to who takes it in and does not see everything: not what it is elsewhere."""
_SECRET_COLUMNS = frozenset({"token", "password"})


class Level(IntEnum):
    """How far a caller's rights over a resource go; more is more."""

    NONE = 0
    MEMBER = 1
    TEAM_ADMIN = 2
    ORGANIZATION_ADMIN = 3
    PROXY_ADMIN = 4


_PARTIES = {
    Level.NONE: None,
    Level.MEMBER: Party.TEAM_MEMBER,
    Level.TEAM_ADMIN: Party.TEAM_ADMIN,
    Level.ORGANIZATION_ADMIN: Party.ORGANIZATION_ADMIN,
    Level.PROXY_ADMIN: Party.PROXY_ADMIN,
}


def party_of(level: Level) -> Party | None:
    """What permits call a caller whose rights over a team go so far; None for a stranger."""
    return _PARTIES[level]


def actor_of(caller: Principal) -> str:
    """Who is written down as having made a change: the user, else the hash of the key."""
    return caller.user_id or caller.token_hash


def refuse_role(caller: Principal, route: str) -> AuthenticationFailed:
    """The contract's refusal of a route that the caller's role does not open."""
    role = caller.role.value if caller.role else "unknown"
    return AuthenticationFailed(
        "Authentication Error, Only proxy admin can be used to generate, delete, update info for new "
        f"keys/users/teams. Route={route}. Your role={role}. Your user_id={caller.user_id}"
    )


def refuse_field(path: str, resource: str, reason: str) -> PermissionDenied:
    """The refusal of one member of a request; `path` names it."""
    return PermissionDenied(f"Not allowed to set '{path}' on a {resource}. {reason}", param=path)


def check_is_no_viewer(caller: Principal) -> None:
    """Raise PermissionDenied for a role that only looks, whatever it is in a team or an organization."""
    if caller.role in _VIEWERS:
        raise PermissionDenied(f"The role {caller.role} may look and change nothing.")


def is_same(stored: object, given: object) -> bool:
    """Whether a sent value changes nothing; null, empty lists and false switches are alike, 0 is a value."""
    return (_is_nothing(stored) and _is_nothing(given)) or stored == given


def without_secrets(row: Mapping[str, Any]) -> dict[str, Any]:
    """The row of a key or a user as others may see it: no hash that stands for a credential."""
    return {name: value for name, value in row.items() if name not in _SECRET_COLUMNS}


def members_of(team: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The members of a team's row; an empty list is stored as an object."""
    return list(_objects(team["members_with_roles"]))


def _objects(value: object) -> Iterator[dict[str, Any]]:
    for item in cast("list[object]", value) if isinstance(value, list) else ():
        if isinstance(item, dict):
            yield cast("dict[str, Any]", item)  # as the contract writes it


def _is_nothing(value: object) -> bool:
    return value is None or value is False or (isinstance(value, str | list | dict) and not value)
