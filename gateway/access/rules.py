"""The declared rule of a management route, and the check that every handler's caller passes."""

import msgspec

from gateway.access.routes import covers_own_path, route_refusal
from gateway.domain import Principal, Role
from gateway.errors import AuthenticationFailed
from gateway.permits.permit import Permit
from gateway.permits.terms import Action, Party

__all__ = ["RouteRule", "check_route", "is_open_to"]

_ADMINS = frozenset({Party.PROXY_ADMIN, Party.PROXY_ADMIN_VIEWER})


class RouteRule(msgspec.Struct, frozen=True, kw_only=True):
    """Who may call a route; a route without a rule stops the boot.

    `name` is the path as the contract writes it. `permit` says what the route does to what, which parties
    may have that, and which members of the request each may set; the service that acts asks the same permit.

    The door before it is the caller's role: a proxy_admin passes always, a proxy_admin_viewer when the route
    only reads, others when they are among `roles`. `allows_any_key` opens it to every key, for handlers that
    look at the resource. A permit for anybody needs no credential, unless the setting of a console that
    `closed_by` names says that this route does.

    `body` and `query` are what the route reads, for its description; where `is_optional`, a setting says
    whether anything is there. Raises ValueError for a permit that
    names parties whom the door never lets in.
    """

    name: str
    permit: Permit
    roles: frozenset[Role] = frozenset()
    allows_any_key: bool = False
    body: type[msgspec.Struct] | None = None
    query: type[msgspec.Struct] | None = None
    closed_by: str = ""
    is_optional: bool = False

    def __post_init__(self) -> None:
        """Refuse a rule that contradicts itself."""
        others = frozenset(self.permit.fields) - _ADMINS
        if others and not (self.is_public or self.allows_any_key or self.roles):
            names = ", ".join(sorted(others))
            raise ValueError(f"The rule of {self.name} permits {names} and lets none of their roles in.")

    @property
    def is_public(self) -> bool:
        """Whether the route needs no credential."""
        return self.permit.admits(Party.ANYBODY)

    @property
    def is_read_only(self) -> bool:
        """Whether the route only shows something."""
        return self.permit.action is Action.READ


def check_route(rule: RouteRule, principal: Principal, path: str) -> None:
    """Raise unless the principal's key and role open the route.

    `path` is the ASGI path without the root path. Raises PermissionDenied for a key that is restricted to
    other routes, AuthenticationFailed for a role that may not.
    """
    if rule.is_public:
        return
    allowed = principal.allowed_routes
    if allowed and not any(covers_own_path(entry, path) for entry in allowed):
        raise route_refusal(path)
    if not is_open_to(rule, principal.role):
        role = principal.role.value if principal.role else "unknown"
        raise AuthenticationFailed(
            "Authentication Error, Only proxy admin can be used to generate, delete, update info for new "
            f"keys/users/teams. Route={path}. Your role={role}. Your user_id={principal.user_id}"
        )


def is_open_to(rule: RouteRule, role: Role | None) -> bool:
    """Whether the door of a route that needs a credential lets the role in; None is a key without a user."""
    if rule.allows_any_key or role is Role.PROXY_ADMIN:
        return True
    if role is Role.PROXY_ADMIN_VIEWER:
        return rule.is_read_only or role in rule.roles
    return role in rule.roles
