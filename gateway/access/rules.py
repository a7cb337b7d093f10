"""The declared rule of a management route, and the check that every handler's caller passes."""

import msgspec

from gateway.access.routes import covers_path
from gateway.domain import Principal, Role
from gateway.errors import AuthenticationFailed, PermissionDenied

__all__ = ["RouteRule", "check_route"]


class RouteRule(msgspec.Struct, frozen=True, kw_only=True):
    """Who may call a route; a route without a rule stops the boot.

    `name` is the path as the contract writes it. A proxy_admin passes always, a proxy_admin_viewer when the
    route `is_read_only`. `allows_any_key` leaves the decision to the handler, which looks at the resource.
    `is_public` needs no credential.
    """

    name: str
    roles: frozenset[Role] = frozenset()
    allows_any_key: bool = False
    is_read_only: bool = False
    is_public: bool = False


def check_route(rule: RouteRule, principal: Principal, path: str) -> None:
    """Raise unless the principal's key and role open the route.

    `path` is the ASGI path without the root path. Raises PermissionDenied for a key that is restricted to
    other routes, AuthenticationFailed for a role that may not.
    """
    if rule.is_public:
        return
    allowed = principal.allowed_routes
    if allowed and not any(covers_path(entry, path) for entry in allowed):
        raise PermissionDenied(
            "Virtual key is not allowed to call this route. "
            f"Only allowed to call routes: {list(allowed)}. Tried to call route: {path}"
        )
    if not _is_open_to(rule, principal.role):
        role = principal.role.value if principal.role else "unknown"
        raise AuthenticationFailed(
            "Authentication Error, Only proxy admin can be used to generate, delete, update info for new "
            f"keys/users/teams. Route={path}. Your role={role}. Your user_id={principal.user_id}"
        )


def _is_open_to(rule: RouteRule, role: Role | None) -> bool:
    if rule.allows_any_key or role is Role.PROXY_ADMIN:
        return True
    if role is Role.PROXY_ADMIN_VIEWER:
        return rule.is_read_only or role in rule.roles
    return role in rule.roles
