"""The routes that list users, show one, and say what users can be."""

from typing import Any

from litestar import Request, Response, get
from litestar.di import NamedDependency
from litestar.handlers import HTTPRouteHandler

from gateway.access.rules import RouteRule
from gateway.domain import Principal, Role
from gateway.identity.services import Services
from gateway.identity.users.list_request import UserChoiceQuery, UserListQuery
from gateway.identity.users.permits import SEE_ANY_USER
from gateway.identity.users.roles import AVAILABLE_ROLES
from gateway.manage.query import QueryReader
from gateway.manage.raw_errors import RAW_ERRORS, raw_errors
from gateway.permits.permit import allow
from gateway.permits.terms import Action, Party, Resource

__all__ = ["ROUTE_HANDLERS"]

_ORGANIZERS = frozenset({Role.INTERNAL_USER, Role.ORG_ADMIN})
_LIST = QueryReader(UserListQuery)
_CHOICE = QueryReader(UserChoiceQuery)
_Request = Request[Any, Any, Any]
_Caller = NamedDependency[Principal]
_Services = NamedDependency[Services]
_Object = Response[dict[str, Any]]


@get(
    "/user/list",
    opt={
        "rule": RouteRule(
            name="/user/list",
            permit=allow(Resource.USER, Action.READ, Party.ORGANIZATION_ADMIN),
            allows_any_key=True,
            query=UserListQuery,
        )
    },
)
async def list_users(request: _Request, caller: _Caller, services: _Services) -> _Object:
    """List one page of the users that match."""
    return Response(await services.people.user_lists.page(caller, _LIST.read(request)))


@get(
    "/user/filter/ui",
    exception_handlers=RAW_ERRORS,
    opt={
        "rule": RouteRule(
            name="/user/filter/ui",
            permit=allow(Resource.USER, Action.READ, Party.ORGANIZATION_ADMIN),
            allows_any_key=True,
            query=UserChoiceQuery,
        )
    },
)
async def list_choices(
    request: _Request, caller: _Caller, services: _Services
) -> Response[list[dict[str, Any]]]:
    """List ids and addresses to choose from."""
    query = _CHOICE.read(request)
    with raw_errors():
        return Response(await services.people.user_lists.choices(caller, query))


@get(
    "/v2/user/info",
    opt={
        "rule": RouteRule(
            name="/v2/user/info", permit=SEE_ANY_USER, allows_any_key=True, query=UserChoiceQuery
        )
    },
)
async def show_user_alone(request: _Request, caller: _Caller, services: _Services) -> _Object:
    """Show a user, the caller by default, without keys and teams."""
    user_id = _CHOICE.read(request).user_id
    return Response(await services.people.user_lists.one(caller, user_id or None))


@get(
    "/user/available_roles",
    opt={
        "rule": RouteRule(
            name="/user/available_roles",
            permit=allow(Resource.USER, Action.READ, Party.CALLER),
            allows_any_key=True,
        )
    },
)
async def show_roles() -> _Object:
    """Say which roles there are."""
    return Response(dict(AVAILABLE_ROLES))


@get(
    "/user/available_users",
    opt={
        "rule": RouteRule(
            name="/user/available_users",
            permit=allow(Resource.USER, Action.READ, Party.CALLER),
            roles=_ORGANIZERS,
        )
    },
)
async def count_users(caller: _Caller, services: _Services) -> _Object:
    """Say how many users and teams there are."""
    return Response(await services.people.user_lists.counts(caller))


ROUTE_HANDLERS: tuple[HTTPRouteHandler, ...] = (
    list_users,
    list_choices,
    show_user_alone,
    show_roles,
    count_users,
)
