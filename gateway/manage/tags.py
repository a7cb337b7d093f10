"""The routes of tags."""

from typing import Any

from litestar import Request, post
from litestar.di import NamedDependency
from litestar.handlers import HTTPRouteHandler

from gateway.access.rules import RouteRule
from gateway.domain import Principal
from gateway.identity.services import Services
from gateway.identity.tags.request import NewTagRequest, TagsRequest
from gateway.manage.answers import Answer, answer
from gateway.manage.body import BodyReader, is_strict
from gateway.manage.raw_errors import RAW_ERRORS, raw_errors

__all__ = ["ROUTE_HANDLERS"]

_NEW = BodyReader(NewTagRequest)
_NAMED = BodyReader(TagsRequest)
_Request = Request[Any, Any, Any]
_Services = NamedDependency[Services]


@post("/tag/new", status_code=200, opt={"rule": RouteRule(name="/tag/new")}, exception_handlers=RAW_ERRORS)
async def make_tag(request: _Request, caller: NamedDependency[Principal], services: _Services) -> Answer:
    """Make a tag that carries a budget."""
    body = _NEW.read(await request.body(), refuses_unknown=is_strict(request.headers))
    with raw_errors():
        return answer(await services.tags.create(caller, body.value), body)


@post(
    "/tag/info",
    status_code=200,
    opt={"rule": RouteRule(name="/tag/info", is_read_only=True)},
    exception_handlers=RAW_ERRORS,
)
async def show_tags(request: _Request, services: _Services) -> Answer:
    """Show tags by their names."""
    body = _NAMED.read(await request.body(), refuses_unknown=is_strict(request.headers))
    with raw_errors():
        return answer(await services.tags.info(body.value.names), body)


ROUTE_HANDLERS: tuple[HTTPRouteHandler, ...] = (make_tag, show_tags)
