"""The routes of access groups, under both of their names."""

from typing import Any

from litestar import Request, Response, delete, get, post, put
from litestar.di import NamedDependency
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath, FromQuery

from gateway.access.rules import RouteRule
from gateway.domain import Principal
from gateway.identity.access_groups.request import NewAccessGroupRequest, UpdateAccessGroupRequest
from gateway.identity.services import Services
from gateway.manage.answers import Answer, answer
from gateway.manage.body import BodyReader
from gateway.manage.paging import listed, page_of
from gateway.manage.raw_errors import RAW_ERRORS, raw_errors
from gateway.permits.permit import allow
from gateway.permits.terms import Action, Resource

__all__ = ["ROUTE_HANDLERS"]

_ALL = ["/v1/access_group", "/v1/unified_access_group"]
_ONE = [f"{path}/{{access_group_id:str}}" for path in _ALL]
_NAME = "/v1/access_group/{access_group_id}"
_NEW = BodyReader(NewAccessGroupRequest)
_UPDATE = BodyReader(UpdateAccessGroupRequest)
_Request = Request[Any, Any, Any]
_Caller = NamedDependency[Principal]
_Services = NamedDependency[Services]


@post(
    _ALL,
    opt={
        "rule": RouteRule(
            name="/v1/access_group",
            permit=allow(Resource.ACCESS_GROUP, Action.CREATE),
            body=NewAccessGroupRequest,
        )
    },
    exception_handlers=RAW_ERRORS,
)
async def make_group(request: _Request, caller: _Caller, services: _Services) -> Answer:
    """Make an access group."""
    body = await _NEW.read_from(request)
    with raw_errors():
        made = await services.access_groups.create(caller, body.sent)
    return Response(made, status_code=201, headers=body.headers)


@get(
    _ALL,
    opt={"rule": RouteRule(name="/v1/access_group", permit=allow(Resource.ACCESS_GROUP, Action.READ))},
    exception_handlers=RAW_ERRORS,
)
async def list_groups(
    services: _Services, after: FromQuery[str | None] = None, limit: FromQuery[int | None] = None
) -> Response[list[dict[str, Any]]]:
    """List access groups in the order of their ids."""
    return listed(await services.access_groups.list_all(page_of(after, limit)))


@get(
    _ONE,
    opt={"rule": RouteRule(name=_NAME, permit=allow(Resource.ACCESS_GROUP, Action.READ))},
    exception_handlers=RAW_ERRORS,
)
async def show_group(services: _Services, access_group_id: FromPath[str]) -> Response[dict[str, Any]]:
    """Show an access group."""
    with raw_errors():
        return Response(await services.access_groups.info(access_group_id))


@put(
    _ONE,
    opt={
        "rule": RouteRule(
            name=_NAME, permit=allow(Resource.ACCESS_GROUP, Action.UPDATE), body=UpdateAccessGroupRequest
        )
    },
    exception_handlers=RAW_ERRORS,
)
async def update_group(
    request: _Request, caller: _Caller, services: _Services, access_group_id: FromPath[str]
) -> Answer:
    """Change what is sent of an access group; null empties."""
    body = await _UPDATE.read_from(request)
    with raw_errors():
        return answer(await services.access_groups.update(caller, access_group_id, body.sent), body)


@delete(
    _ONE,
    opt={"rule": RouteRule(name=_NAME, permit=allow(Resource.ACCESS_GROUP, Action.DELETE))},
    exception_handlers=RAW_ERRORS,
)
async def delete_group(caller: _Caller, services: _Services, access_group_id: FromPath[str]) -> None:
    """Delete an access group, and take it from everybody who has it."""
    with raw_errors():
        await services.access_groups.delete(caller, access_group_id)


ROUTE_HANDLERS: tuple[HTTPRouteHandler, ...] = (
    make_group,
    list_groups,
    show_group,
    update_group,
    delete_group,
)
