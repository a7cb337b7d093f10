"""The routes of requests for models: asking, showing, approving and disapproving."""

from typing import Any

from litestar import Request, Response, get, post
from litestar.di import NamedDependency
from litestar.handlers import HTTPRouteHandler

from gateway.access.rules import RouteRule
from gateway.domain import Principal
from gateway.identity.model_requests.permits import DECIDE_REQUEST, MAKE_REQUEST, SEE_REQUESTS
from gateway.identity.model_requests.request import DecideRequest, ModelRequest, ModelRequestQuery
from gateway.identity.services import Services
from gateway.manage.answers import Answer, answer
from gateway.manage.body import BodyReader
from gateway.manage.query import QueryReader

__all__ = ["ROUTE_HANDLERS"]

_ASK = BodyReader(ModelRequest)
_DECIDE = BodyReader(DecideRequest)
_QUERY = QueryReader(ModelRequestQuery)
_Request = Request[Any, Any, Any]
_Caller = NamedDependency[Principal]
_Services = NamedDependency[Services]


@post(
    "/user/request_model",
    status_code=200,
    opt={
        "rule": RouteRule(
            name="/user/request_model", permit=MAKE_REQUEST, allows_any_key=True, body=ModelRequest
        )
    },
)
async def ask_for_models(request: _Request, caller: _Caller, services: _Services) -> Answer:
    """Ask an administrator for models."""
    body = await _ASK.read_from(request)
    return answer(await services.people.model_requests.create(caller, body.value), body)


@get(
    "/user/get_requests",
    opt={
        "rule": RouteRule(
            name="/user/get_requests", permit=SEE_REQUESTS, allows_any_key=True, query=ModelRequestQuery
        )
    },
)
async def list_requests(request: _Request, caller: _Caller, services: _Services) -> Response[dict[str, Any]]:
    """List one page of requests."""
    return Response(await services.people.model_requests.page(caller, _QUERY.read(request)))


@post(
    "/user/approve_request",
    status_code=200,
    opt={"rule": RouteRule(name="/user/approve_request", permit=DECIDE_REQUEST, body=DecideRequest)},
)
async def approve_request(request: _Request, caller: _Caller, services: _Services) -> Answer:
    """Give a user the models that it asked for."""
    body = await _DECIDE.read_from(request)
    return answer(await services.people.model_requests.approve(caller, body.value.request_id), body)


@post(
    "/user/disapprove_request",
    status_code=200,
    opt={"rule": RouteRule(name="/user/disapprove_request", permit=DECIDE_REQUEST, body=DecideRequest)},
)
async def disapprove_request(request: _Request, caller: _Caller, services: _Services) -> Answer:
    """Leave a user without the models that it asked for."""
    body = await _DECIDE.read_from(request)
    return answer(await services.people.model_requests.disapprove(caller, body.value.request_id), body)


ROUTE_HANDLERS: tuple[HTTPRouteHandler, ...] = (
    ask_for_models,
    list_requests,
    approve_request,
    disapprove_request,
)
