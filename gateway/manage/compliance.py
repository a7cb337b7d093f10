"""The routes that say what the record of a request is worth in an audit."""

from datetime import datetime
from typing import Annotated, Any

import msgspec
from litestar import Request, post
from litestar.di import NamedDependency
from litestar.handlers import HTTPRouteHandler

from gateway.access.rules import RouteRule
from gateway.domain import Principal, Role
from gateway.errors import NotFound
from gateway.manage.answers import Answer, answer
from gateway.manage.body import BodyReader
from gateway.manage.freshness import bring_up_to_date
from gateway.permits.permit import allow
from gateway.permits.terms import Action, Party, Resource
from gateway.runtime import Gateway
from gateway.spend.reporting.compliance import (
    Claimed,
    Claims,
    Evidence,
    check_eu_ai_act,
    check_gdpr,
    read_evidence,
)
from gateway.spend.reporting.visibility import sees_everything
from gateway.spend.store import LogFilter

__all__ = ["ROUTE_HANDLERS"]

_ROLES = frozenset({Role.INTERNAL_USER, Role.INTERNAL_USER_VIEWER})
_Request = Request[Any, Any, Any]
_Caller = NamedDependency[Principal]
_Gateway = NamedDependency[Gateway]
_LONGEST, _MOST_RUNS = 1_024, 1_000


class ComplianceRequest(msgspec.Struct, frozen=True, kw_only=True):
    """Which request, by its id or its call id; what it was is read from its record and from nowhere else.

    What the caller says of it beside that is held against the record: it proves nothing, and may contradict.
    """

    request_id: Annotated[str, msgspec.Meta(max_length=_LONGEST)]
    user_id: Annotated[str, msgspec.Meta(max_length=_LONGEST)] | None = None
    model: Annotated[str, msgspec.Meta(max_length=_LONGEST)] | None = None
    timestamp: datetime | None = None
    guardrail_information: Annotated[list[Claimed], msgspec.Meta(max_length=_MOST_RUNS)] | None = None


_BODY = BodyReader(ComplianceRequest)


def _rule(path: str) -> dict[str, RouteRule]:
    permit = allow(Resource.SPEND, Action.READ, Party.CALLER)
    return {"rule": RouteRule(name=path, permit=permit, roles=_ROLES, body=ComplianceRequest)}


@post("/compliance/eu-ai-act", status_code=200, opt=_rule("/compliance/eu-ai-act"))
async def show_eu_ai_act(request: _Request, caller: _Caller, gateway: _Gateway) -> Answer:
    """Say what the record of a request shows under the EU AI Act."""
    body = await _BODY.read_from(request)
    return answer(check_eu_ai_act(await _find(gateway, caller, body.value)), body)


@post("/compliance/gdpr", status_code=200, opt=_rule("/compliance/gdpr"))
async def show_gdpr(request: _Request, caller: _Caller, gateway: _Gateway) -> Answer:
    """Say what the record of a request shows under the GDPR."""
    body = await _BODY.read_from(request)
    return answer(check_gdpr(await _find(gateway, caller, body.value)), body)


async def _find(gateway: Gateway, caller: Principal, asked: ComplianceRequest) -> Evidence:
    """What is recorded of a request. Raises NotFound, also for one that is not the caller's."""
    await bring_up_to_date(gateway)
    said = Claims(asked.user_id, asked.model, asked.timestamp, tuple(asked.guardrail_information or ()))
    for row in await gateway.parts.spend.list_logs(LogFilter(request_id=asked.request_id)):
        is_own = row["user"] == caller.user_id if caller.user_id else row["api_key"] == caller.token_hash
        if is_own or sees_everything(caller):
            return read_evidence(dict(row), said)
    raise NotFound(f"No request '{asked.request_id[:100]}' is recorded.", param="request_id")


ROUTE_HANDLERS: tuple[HTTPRouteHandler, ...] = (show_eu_ai_act, show_gdpr)
