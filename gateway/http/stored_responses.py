"""Responses that a model provider has stored, by the ids that the gateway gave them."""

from typing import Any, cast

from litestar import MediaType, Request, Response, delete, get
from litestar.di import NamedDependency
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath, FromQuery

from gateway.access.rules import RouteRule
from gateway.domain import Principal
from gateway.errors import BadRequest
from gateway.permits.permit import allow
from gateway.permits.terms import Action, Party, Resource
from gateway.pipeline.heads import read_head
from gateway.pipeline.stored_responses import ITEMS, StoredQuestion, ask_stored
from gateway.runtime import Gateway
from gateway.wire import asgi as wire

__all__ = ["ROUTE_HANDLERS"]

_PATHS = ["/v1/responses/{response_id:str}", "/responses/{response_id:str}"]
_Request = Request[Any, Any, Any]
_Caller = NamedDependency[Principal]
_Gateway = NamedDependency[Gateway]


def _rule(action: Action, part: str = "") -> RouteRule:
    permit = allow(Resource.RESPONSE, action, Party.CALLER)
    return RouteRule(name=f"/v1/responses/{{response_id}}{part}", permit=permit, allows_any_key=True)


@get(_PATHS, opt={"rule": _rule(Action.READ)})
async def show_response(
    request: _Request,
    gateway: _Gateway,
    caller: _Caller,
    response_id: FromPath[str],
    stream: FromQuery[bool] = False,  # noqa: FBT002  a query parameter
) -> Response[bytes]:
    """Show a stored response to whom it was answered."""
    if stream:
        raise BadRequest("A stored response is shown whole; leave 'stream' out.", param="stream")
    return await _ask(request, gateway, caller, StoredQuestion(named=response_id))


@get([f"{path}/input_items" for path in _PATHS], opt={"rule": _rule(Action.READ, "/input_items")})
async def list_input_items(
    request: _Request,
    gateway: _Gateway,
    caller: _Caller,
    response_id: FromPath[str],
    limit: FromQuery[int | None] = None,
    order: FromQuery[str | None] = None,
    after: FromQuery[str | None] = None,
    before: FromQuery[str | None] = None,
) -> Response[bytes]:
    """List what a stored response was an answer to."""
    stated = {"limit": limit, "order": order, "after": after, "before": before}
    query = {name: str(value) for name, value in stated.items() if value is not None}
    return await _ask(request, gateway, caller, StoredQuestion(named=response_id, part=ITEMS, query=query))


@delete(_PATHS, status_code=200, opt={"rule": _rule(Action.DELETE)})
async def delete_response(
    request: _Request, gateway: _Gateway, caller: _Caller, response_id: FromPath[str]
) -> Response[bytes]:
    """Have a stored response deleted by its provider."""
    return await _ask(request, gateway, caller, StoredQuestion(named=response_id, method="DELETE"))


async def _ask(
    request: _Request, gateway: Gateway, caller: Principal, question: StoredQuestion
) -> Response[bytes]:
    head = read_head(cast("wire.Scope", request.scope))
    return Response(await ask_stored(gateway, head, caller, question), media_type=MediaType.JSON)


ROUTE_HANDLERS: tuple[HTTPRouteHandler, ...] = (show_response, list_input_items, delete_response)
