"""The routes of SCIM 2.0: users and groups as a directory provisions them."""

from typing import Any

import msgspec
from litestar import Request, delete, get, patch, post, put
from litestar.di import NamedDependency
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath

from gateway.access.rules import RouteRule
from gateway.domain import Principal
from gateway.identity.login.build import Logins
from gateway.identity.scim.attributes import GROUP, USER
from gateway.identity.scim.permits import check_provisions, permit_for
from gateway.identity.scim.request import (
    GroupResource,
    ListQuery,
    PatchRequest,
    UserResource,
    read_patch,
    read_resource,
)
from gateway.identity.scim.response import Selection
from gateway.identity.services import Services
from gateway.manage.query import QueryReader
from gateway.manage.scim_answers import SCIM_ERRORS, ScimAnswer, scim_answer, scim_root
from gateway.permits.terms import Action

__all__ = ["ROUTE_HANDLERS"]

_USERS, _GROUPS = "/scim/v2/Users", "/scim/v2/Groups"
_USER, _GROUP = f"{_USERS}/{{user_id:str}}", f"{_GROUPS}/{{group_id:str}}"
_READ, _CREATE = permit_for(Action.READ), permit_for(Action.CREATE)
_UPDATE, _DELETE = permit_for(Action.UPDATE), permit_for(Action.DELETE)
_QUERY = QueryReader(ListQuery)
_PERMITS = {"GET": _READ, "POST": _CREATE, "PUT": _UPDATE, "PATCH": _UPDATE, "DELETE": _DELETE}
_Request = Request[Any, Any, Any]
_Caller = NamedDependency[Principal]
_Services = NamedDependency[Services]
_Logins = NamedDependency[Logins]


def _route(method: str, path: str, body: type[msgspec.Struct] | None = None) -> dict[str, Any]:
    # Whether the key is one of the directory is asked by the handler: it needs no role.
    query = None if method == "DELETE" else ListQuery
    rule = RouteRule(
        name=path.replace(":str", ""), permit=_PERMITS[method], allows_any_key=True, body=body, query=query
    )
    return {"opt": {"rule": rule}, "exception_handlers": SCIM_ERRORS}


def _selection(logins: Logins, request: _Request) -> Selection:
    return Selection.of(scim_root(logins.base_url, request), _QUERY.read(request))


@get(_USERS, **_route("GET", _USERS))
async def list_users(request: _Request, caller: _Caller, services: _Services, logins: _Logins) -> ScimAnswer:
    """List users, or those that a filter matches."""
    check_provisions(caller, _READ)
    selection = _selection(logins, request)
    return scim_answer(await services.people.scim.users.list_page(_QUERY.read(request), selection))


@post(_USERS, status_code=201, **_route("POST", _USERS, UserResource))
async def create_user(request: _Request, caller: _Caller, services: _Services, logins: _Logins) -> ScimAnswer:
    """Make a user."""
    check_provisions(caller, _CREATE)
    resource = read_resource(await request.body(), USER, UserResource)
    selection = _selection(logins, request)
    return scim_answer(await services.people.scim.users.create(caller, resource, selection), 201)


@get(_USER, **_route("GET", _USER))
async def show_user(
    request: _Request, caller: _Caller, services: _Services, logins: _Logins, user_id: FromPath[str]
) -> ScimAnswer:
    """Show a user."""
    check_provisions(caller, _READ)
    return scim_answer(await services.people.scim.users.find(user_id, _selection(logins, request)))


@put(_USER, **_route("PUT", _USER, UserResource))
async def replace_user(
    request: _Request, caller: _Caller, services: _Services, logins: _Logins, user_id: FromPath[str]
) -> ScimAnswer:
    """Write a user anew."""
    check_provisions(caller, _UPDATE)
    resource = read_resource(await request.body(), USER, UserResource)
    selection = _selection(logins, request)
    return scim_answer(await services.people.scim.users.replace(caller, user_id, resource, selection))


@patch(_USER, **_route("PATCH", _USER, PatchRequest))
async def patch_user(
    request: _Request, caller: _Caller, services: _Services, logins: _Logins, user_id: FromPath[str]
) -> ScimAnswer:
    """Change a user by operations."""
    check_provisions(caller, _UPDATE)
    operations, selection = read_patch(await request.body()).operations, _selection(logins, request)
    return scim_answer(await services.people.scim.users.patch(caller, user_id, operations, selection))


@delete(_USER, status_code=204, **_route("DELETE", _USER))
async def delete_user(caller: _Caller, services: _Services, user_id: FromPath[str]) -> None:
    """Delete a user with its keys."""
    check_provisions(caller, _DELETE)
    await services.people.scim.users.delete(caller, user_id)


@get(_GROUPS, **_route("GET", _GROUPS))
async def list_groups(request: _Request, caller: _Caller, services: _Services, logins: _Logins) -> ScimAnswer:
    """List groups, or those that a filter matches."""
    check_provisions(caller, _READ)
    selection = _selection(logins, request)
    return scim_answer(await services.people.scim.groups.list_page(_QUERY.read(request), selection))


@post(_GROUPS, status_code=201, **_route("POST", _GROUPS, GroupResource))
async def create_group(
    request: _Request, caller: _Caller, services: _Services, logins: _Logins
) -> ScimAnswer:
    """Make a team."""
    check_provisions(caller, _CREATE)
    resource = read_resource(await request.body(), GROUP, GroupResource)
    selection = _selection(logins, request)
    return scim_answer(await services.people.scim.groups.create(caller, resource, selection), 201)


@get(_GROUP, **_route("GET", _GROUP))
async def show_group(
    request: _Request, caller: _Caller, services: _Services, logins: _Logins, group_id: FromPath[str]
) -> ScimAnswer:
    """Show a group."""
    check_provisions(caller, _READ)
    return scim_answer(await services.people.scim.groups.find(group_id, _selection(logins, request)))


@put(_GROUP, **_route("PUT", _GROUP, GroupResource))
async def replace_group(
    request: _Request, caller: _Caller, services: _Services, logins: _Logins, group_id: FromPath[str]
) -> ScimAnswer:
    """Write a group anew."""
    check_provisions(caller, _UPDATE)
    resource = read_resource(await request.body(), GROUP, GroupResource)
    selection = _selection(logins, request)
    return scim_answer(await services.people.scim.groups.replace(caller, group_id, resource, selection))


@patch(_GROUP, **_route("PATCH", _GROUP, PatchRequest))
async def patch_group(
    request: _Request, caller: _Caller, services: _Services, logins: _Logins, group_id: FromPath[str]
) -> ScimAnswer:
    """Change a group by operations."""
    check_provisions(caller, _UPDATE)
    operations, selection = read_patch(await request.body()).operations, _selection(logins, request)
    return scim_answer(await services.people.scim.groups.patch(caller, group_id, operations, selection))


@delete(_GROUP, status_code=204, **_route("DELETE", _GROUP))
async def delete_group(caller: _Caller, services: _Services, group_id: FromPath[str]) -> None:
    """Delete a team with its keys."""
    check_provisions(caller, _DELETE)
    await services.people.scim.groups.delete(caller, group_id)


ROUTE_HANDLERS: tuple[HTTPRouteHandler, ...] = (
    list_users,
    create_user,
    show_user,
    replace_user,
    patch_user,
    delete_user,
    list_groups,
    create_group,
    show_group,
    replace_group,
    patch_group,
    delete_group,
)
