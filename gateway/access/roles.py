"""What the configuration leaves to administrators, and what it allows to a role."""

from collections.abc import Callable

from gateway.access.model_access import denied, is_granted
from gateway.access.models import ModelLists
from gateway.access.routes import RouteLists, covers_path, plain_path, route_refusal
from gateway.domain import ModelGrant, Principal, Scope, ScopeKind
from gateway.errors import PermissionDenied
from gateway.hooks import RequestContext
from gateway.settings.access import RolePermission

__all__ = ["admin_route_refusal", "build_role_check", "check_admin_routes"]


def check_admin_routes(closed: tuple[str, ...], principal: Principal, path: str) -> None:
    """`admin_only_routes`: raise PermissionDenied for such a route and a caller who is no administrator."""
    if principal.is_admin or not closed:
        return
    plain = plain_path(path)
    if any(covers_path(route, plain) for route in closed):
        role = principal.role.value if principal.role else "unknown"
        raise PermissionDenied(
            f"user not allowed to access this route. Route={path[:200]} is an admin only route. "
            f"Your role={role}",
            param="route",
        )


def admin_route_refusal(closed: tuple[str, ...]) -> Callable[[RequestContext], None]:
    """`check_admin_routes` as a check of model requests."""

    def check(context: RequestContext) -> None:
        check_admin_routes(closed, context.principal, context.head.path)

    return check


def build_role_check(
    entry: RolePermission, routes: RouteLists, lists: ModelLists
) -> Callable[[RequestContext], None]:
    """`role_permissions`: a check that holds a role to its routes and models, where it names any."""
    grant = ModelGrant(Scope(ScopeKind.USER, entry.role), frozenset(entry.models))

    def check(context: RequestContext) -> None:
        if entry.routes and not routes.covers(entry.routes, context.head.path):
            raise route_refusal(context.head.path, f"The role {entry.role}")
        principal, model, routed = context.principal, context.model, context.routed_model
        if entry.models and not is_granted(lists, principal, grant, model, routed):
            raise denied(grant, context.model)

    return check
