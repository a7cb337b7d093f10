"""The routes of tags."""

from typing import Any

from litestar import Request, Response, get, post
from litestar.di import NamedDependency
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromQuery

from gateway.access.rules import RouteRule
from gateway.domain import Principal, Role
from gateway.identity.services import Services
from gateway.identity.tags.request import NewTagRequest, TagRequest, TagsRequest
from gateway.manage.answers import Answer, answer
from gateway.manage.body import BodyReader
from gateway.manage.everybody import everybodys_budget
from gateway.manage.paging import listed, page_of
from gateway.manage.raw_errors import RAW_ERRORS, raw_errors
from gateway.permits.permit import allow
from gateway.permits.terms import Action, Party, Resource
from gateway.runtime import Gateway

__all__ = ["ROUTE_HANDLERS"]

_NEW = BodyReader(NewTagRequest)
_NAMED = BodyReader(TagsRequest)
_ONE = BodyReader(TagRequest)
_READERS = frozenset({Role.ORG_ADMIN, Role.INTERNAL_USER, Role.INTERNAL_USER_VIEWER})
_Request = Request[Any, Any, Any]
_Caller = NamedDependency[Principal]
_Services = NamedDependency[Services]
_Gateway = NamedDependency[Gateway]


@post(
    "/tag/new",
    status_code=200,
    opt={"rule": RouteRule(name="/tag/new", permit=allow(Resource.TAG, Action.CREATE), body=NewTagRequest)},
    exception_handlers=RAW_ERRORS,
)
async def make_tag(request: _Request, caller: _Caller, services: _Services) -> Answer:
    """Make a tag that carries a budget."""
    body = await _NEW.read_from(request)
    with raw_errors():
        return answer(await services.tags.create(caller, body.value), body)


@post(
    "/tag/update",
    status_code=200,
    opt={
        "rule": RouteRule(name="/tag/update", permit=allow(Resource.TAG, Action.UPDATE), body=NewTagRequest)
    },
    exception_handlers=RAW_ERRORS,
)
async def update_tag(request: _Request, caller: _Caller, services: _Services, gateway: _Gateway) -> Answer:
    """Change what is sent of a tag; null clears."""
    body = await _NEW.read_from(request)
    with raw_errors():
        return answer(await services.tags.update(caller, body.sent, everybodys_budget(gateway)), body)


@post(
    "/tag/delete",
    status_code=200,
    opt={"rule": RouteRule(name="/tag/delete", permit=allow(Resource.TAG, Action.DELETE), body=TagRequest)},
    exception_handlers=RAW_ERRORS,
)
async def delete_tag(request: _Request, caller: _Caller, services: _Services) -> Answer:
    """Delete a tag with its budget's hold on requests; they may carry it on."""
    body = await _ONE.read_from(request)
    with raw_errors():
        return answer(await services.tags.delete(caller, body.value.name), body)


@get(
    "/tag/list",
    opt={
        "rule": RouteRule(
            name="/tag/list", permit=allow(Resource.TAG, Action.READ, Party.CALLER), roles=_READERS
        )
    },
    exception_handlers=RAW_ERRORS,
)
async def list_tags(
    caller: _Caller,
    services: _Services,
    *,
    start_date: FromQuery[str | None] = None,
    end_date: FromQuery[str | None] = None,
    after: FromQuery[str | None] = None,
    limit: FromQuery[int | None] = None,
) -> Response[list[dict[str, Any]]]:
    """List tags by name: those that were made, and those that requests have carried."""
    page = page_of(after, limit)
    with raw_errors():
        return listed(await services.tag_listing.list_all(caller, page, start_date, end_date))


@post(
    "/tag/info",
    status_code=200,
    opt={"rule": RouteRule(name="/tag/info", permit=allow(Resource.TAG, Action.READ), body=TagsRequest)},
    exception_handlers=RAW_ERRORS,
)
async def show_tags(request: _Request, services: _Services) -> Answer:
    """Show tags by their names."""
    body = await _NAMED.read_from(request)
    with raw_errors():
        return answer(await services.tags.info(body.value.names), body)


ROUTE_HANDLERS: tuple[HTTPRouteHandler, ...] = (
    make_tag,
    update_tag,
    delete_tag,
    show_tags,
    list_tags,
)
