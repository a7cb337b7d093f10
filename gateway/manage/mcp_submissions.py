"""The routes by which users submit MCP servers, and proxy admins review them."""

from typing import Any

from litestar import Request, get, post, put
from litestar.di import NamedDependency
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath

from gateway.access.rules import RouteRule
from gateway.domain import MCP_SUBMITTED, Principal
from gateway.inventory.mcp.request import NewMcpServerRequest, RejectMcpServerRequest
from gateway.inventory.services import Inventory
from gateway.manage.answers import Answer, answer
from gateway.manage.body import BodyReader
from gateway.manage.mcp_surroundings import surroundings
from gateway.manage.stored_settings import refuse_unread
from gateway.permits.permit import ALL, Permit, allow
from gateway.permits.terms import Action, Party, Resource
from gateway.runtime import Gateway

__all__ = ["ROUTE_HANDLERS"]

_NEW = BodyReader(NewMcpServerRequest)
_REJECT = BodyReader(RejectMcpServerRequest)
_REGISTER, _LIST = "/v1/mcp/server/register", "/v1/mcp/server/submissions"
_ONE = "/v1/mcp/server/{server_id}"
_SUBMIT = Permit(
    resource=Resource.MCP_SERVER,
    action=Action.CREATE,
    fields={Party.PROXY_ADMIN: ALL, Party.CALLER: MCP_SUBMITTED},
)
_REVIEW = allow(Resource.MCP_SERVER, Action.UPDATE)
_Request = Request[Any, Any, Any]
_Caller = NamedDependency[Principal]
_Gateway = NamedDependency[Gateway]
_Inventory = NamedDependency[Inventory]
_Content = dict[str, Any]


@post(
    _REGISTER,
    status_code=201,
    opt={
        "rule": RouteRule(
            name=_REGISTER,
            permit=_SUBMIT,
            allows_any_key=True,
            body=NewMcpServerRequest,
        )
    },
)
async def submit_server(
    request: _Request, caller: _Caller, gateway: _Gateway, inventory: _Inventory
) -> Answer:
    """Submit an MCP server; it is served once a proxy admin has approved it."""
    refuse_unread(gateway)
    body = await _NEW.read_from(request)
    return answer(await inventory.mcp_submissions.submit(caller, body.sent, surroundings(gateway)), body)


@get(
    _LIST,
    opt={
        "rule": RouteRule(
            name=_LIST, permit=allow(Resource.MCP_SERVER, Action.READ, Party.OWNER), allows_any_key=True
        )
    },
)
async def list_submissions(caller: _Caller, inventory: _Inventory) -> _Content:
    """List the caller's own submissions, the newest first; administrators see all."""
    return await inventory.mcp_submissions.summarize(caller)


@put(
    "/v1/mcp/server/{server_id:str}/approve",
    status_code=200,
    opt={"rule": RouteRule(name=f"{_ONE}/approve", permit=_REVIEW)},
)
async def approve_submission(
    caller: _Caller, gateway: _Gateway, inventory: _Inventory, server_id: FromPath[str]
) -> _Content:
    """Approve a submission: every worker serves it within a second."""
    refuse_unread(gateway)
    return await inventory.mcp_submissions.approve(caller, server_id, surroundings(gateway))


@put(
    "/v1/mcp/server/{server_id:str}/reject",
    status_code=200,
    opt={"rule": RouteRule(name=f"{_ONE}/reject", permit=_REVIEW, body=RejectMcpServerRequest)},
)
async def reject_submission(
    request: _Request, caller: _Caller, inventory: _Inventory, server_id: FromPath[str]
) -> Answer:
    """Reject a submission."""
    body = await _REJECT.read_from(request)
    return answer(await inventory.mcp_submissions.reject(caller, server_id, body.value.review_notes), body)


ROUTE_HANDLERS: tuple[HTTPRouteHandler, ...] = (
    submit_server,
    list_submissions,
    approve_submission,
    reject_submission,
)
