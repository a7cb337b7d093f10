"""The routes by which teams submit guardrails, and proxy admins review them."""

from typing import Any

from litestar import Request, get, post
from litestar.di import NamedDependency
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath

from gateway.access.rules import RouteRule
from gateway.domain import Principal
from gateway.inventory.guardrails.permits import REVIEW, SEE_SUBMISSIONS, SUBMIT
from gateway.inventory.guardrails.request import RegisterGuardrailRequest, SubmissionQuery
from gateway.inventory.services import Inventory
from gateway.manage.answers import Answer, answer
from gateway.manage.body import BodyReader
from gateway.manage.query import QueryReader
from gateway.manage.stored_settings import configured_names, refuse_unread
from gateway.runtime import Gateway

__all__ = ["ROUTE_HANDLERS"]

_BODY = BodyReader(RegisterGuardrailRequest)
_QUERY = QueryReader(SubmissionQuery)
_LIST = "/guardrails/submissions"
_ONE = "/guardrails/submissions/{guardrail_id}"
_Request = Request[Any, Any, Any]
_Caller = NamedDependency[Principal]
_Gateway = NamedDependency[Gateway]
_Inventory = NamedDependency[Inventory]
_Content = dict[str, Any]


@post(
    "/guardrails/register",
    status_code=200,
    opt={
        "rule": RouteRule(
            name="/guardrails/register", permit=SUBMIT, allows_any_key=True, body=RegisterGuardrailRequest
        )
    },
)
async def submit_guardrail(
    request: _Request, caller: _Caller, gateway: _Gateway, inventory: _Inventory
) -> Answer:
    """Submit a guardrail for a team; it runs once a proxy admin has approved it."""
    refuse_unread(gateway)
    body = await _BODY.read_from(request)
    return answer(await inventory.submissions.submit(caller, body.value, configured_names(gateway)), body)


@get(
    _LIST,
    opt={"rule": RouteRule(name=_LIST, permit=SEE_SUBMISSIONS, allows_any_key=True, query=SubmissionQuery)},
)
async def list_submissions(request: _Request, caller: _Caller, inventory: _Inventory) -> _Content:
    """List the submissions of the caller's teams, the newest first; administrators see all."""
    return await inventory.submissions.list_page(caller, _QUERY.read(request))


@get(
    "/guardrails/submissions/{guardrail_id:str}",
    opt={"rule": RouteRule(name=_ONE, permit=SEE_SUBMISSIONS, allows_any_key=True)},
)
async def show_submission(caller: _Caller, inventory: _Inventory, guardrail_id: FromPath[str]) -> _Content:
    """Show one submission."""
    return await inventory.submissions.find(caller, guardrail_id)


@post(
    "/guardrails/submissions/{guardrail_id:str}/approve",
    status_code=200,
    opt={"rule": RouteRule(name=f"{_ONE}/approve", permit=REVIEW)},
)
async def approve_submission(
    caller: _Caller, gateway: _Gateway, inventory: _Inventory, guardrail_id: FromPath[str]
) -> _Content:
    """Approve a submission: it runs where it is asked for."""
    refuse_unread(gateway)
    return await inventory.submissions.approve(caller, guardrail_id, configured_names(gateway))


@post(
    "/guardrails/submissions/{guardrail_id:str}/reject",
    status_code=200,
    opt={"rule": RouteRule(name=f"{_ONE}/reject", permit=REVIEW)},
)
async def reject_submission(caller: _Caller, inventory: _Inventory, guardrail_id: FromPath[str]) -> _Content:
    """Reject a submission."""
    return await inventory.submissions.reject(caller, guardrail_id)


ROUTE_HANDLERS: tuple[HTTPRouteHandler, ...] = (
    submit_guardrail,
    list_submissions,
    show_submission,
    approve_submission,
    reject_submission,
)
