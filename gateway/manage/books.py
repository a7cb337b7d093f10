"""The routes of the books: resets by hand, refunds, adjustments, and what requests under way hold."""

from typing import Annotated, Any

import msgspec
from litestar import Request, get, post
from litestar.di import NamedDependency
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath, FromQuery

from gateway.access.rules import RouteRule
from gateway.domain import Principal
from gateway.errors import NotFound, PermissionDenied
from gateway.identity.master import MASTER_USER_ID
from gateway.identity.teams.permits import CHANGE_MEMBERS
from gateway.jobs.corrections import Refund
from gateway.manage.answers import Answer, answer
from gateway.manage.body import BodyReader
from gateway.money import usd_from_nanos
from gateway.permits.permit import allow
from gateway.permits.terms import Action, Resource
from gateway.pipeline.counters import check_counters
from gateway.pipeline.holds import list_everywhere, release_anywhere
from gateway.runtime import Gateway
from gateway.spend.books.check import check_books

__all__ = ["ROUTE_HANDLERS"]

_Request = Request[Any, Any, Any]
_Caller = NamedDependency[Principal]
_Gateway = NamedDependency[Gateway]
_Content = dict[str, object]
# Other workers are asked for it in a notice, which holds 8,000 bytes.
_LONGEST_ID = 100


class ResetSpendRequest(msgspec.Struct):
    """`reset_to` is USD."""

    reset_to: float


class ReleaseHoldRequest(msgspec.Struct):
    """The charge id of a request, as `/books/holds` shows it."""

    charge_id: Annotated[str, msgspec.Meta(min_length=1, max_length=_LONGEST_ID)]


_RELEASE = BodyReader(ReleaseHoldRequest)
_RESET = BodyReader(ResetSpendRequest)
_REFUND = BodyReader(Refund)


@post(
    "/team/{team_id:str}/member/{user_id:str}/reset_spend",
    status_code=200,
    opt={
        "rule": RouteRule(
            name="/team/{team_id}/member/{user_id}/reset_spend",
            permit=CHANGE_MEMBERS,
            allows_any_key=True,
            body=ResetSpendRequest,
        )
    },
)
async def reset_member(
    request: _Request, caller: _Caller, gateway: _Gateway, team_id: FromPath[str], user_id: FromPath[str]
) -> Answer:
    """Set the spend of a member of a team down to an amount."""
    await gateway.parts.management.people.team_members.check_administered(caller, team_id)
    body = await _RESET.read_from(request)
    await gateway.parts.drain.flush()
    corrections, reset_to = gateway.parts.corrections, body.value.reset_to
    return answer(await corrections.reset_member(team_id, user_id, reset_to, caller), body)


@post(
    "/global/spend/reset",
    status_code=200,
    opt={"rule": RouteRule(name="/global/spend/reset", permit=allow(Resource.SPEND, Action.UPDATE))},
)
async def reset_everything(caller: _Caller, gateway: _Gateway) -> _Content:
    """Set the spend of all keys and teams to 0; for the master key only."""
    if caller.user_id != MASTER_USER_ID or caller.key_name is not None:
        raise PermissionDenied("Only the master key may reset the spend of all keys and teams.")
    await gateway.parts.drain.flush()
    await gateway.parts.corrections.reset_everything(caller)
    return {"message": "Spend of all keys and teams was set to 0.", "status": "success"}


@post(
    "/books/refund",
    status_code=200,
    opt={"rule": RouteRule(name="/books/refund", permit=allow(Resource.BOOKS, Action.UPDATE), body=Refund)},
)
async def refund(request: _Request, caller: _Caller, gateway: _Gateway) -> Answer:
    """Change what something has spent, by an adjustment that says why."""
    body = await _REFUND.read_from(request)
    await gateway.parts.drain.flush()
    return answer(await gateway.parts.corrections.refund(body.value, caller), body)


@get(
    "/books/adjustments",
    opt={"rule": RouteRule(name="/books/adjustments", permit=allow(Resource.BOOKS, Action.READ))},
)
async def show_adjustments(
    gateway: _Gateway,
    entity_type: FromQuery[str | None] = None,
    entity_id: FromQuery[str | None] = None,
    limit: FromQuery[int] = 100,
) -> list[_Content]:
    """List adjustments, the newest first."""
    rows = await gateway.parts.corrections.list_adjustments(entity_type or None, entity_id or None, limit)
    return [
        {
            "id": row.id,
            "entity_type": row.entity_type,
            "entity_id": row.entity_id,
            "amount": usd_from_nanos(row.nanos),
            "reason": row.reason,
            "actor": row.actor,
            "at": row.at,
        }
        for row in rows
    ]


@get("/books/check", opt={"rule": RouteRule(name="/books/check", permit=allow(Resource.BOOKS, Action.READ))})
async def check(gateway: _Gateway) -> _Content:
    """Check the books as `gatewright books check` does, and the live counters of this worker against them."""
    report = await check_books(gateway.parts.database)
    counters = await check_counters(gateway)
    return {
        "is_balanced": report.is_balanced and not counters,
        "unopened": report.unopened,
        "differences": [
            {**msgspec.structs.asdict(one), "difference_nanos": one.nanos}
            for one in (*report.differences, *counters)
        ],
    }


@get("/books/holds", opt={"rule": RouteRule(name="/books/holds", permit=allow(Resource.BOOKS, Action.READ))})
async def show_holds(gateway: _Gateway) -> list[_Content]:
    """List the requests under way on all workers with what they hold, the oldest first."""
    now_ms = gateway.clock.now_nanos() // 1_000_000
    return [
        {
            "charge_id": held.request.charge_id,
            "call_id": held.request.call_id,
            "api_key": held.request.api_key,
            "model_group": held.request.model_group,
            "held": usd_from_nanos(held.request.held_nanos),
            "age_seconds": max(0, now_ms - held.request.started_ms) / 1000,
            "user_id": held.request.user,
            "team_id": held.request.team_id,
            "entities": held.request.entities,
            "worker": held.worker,
        }
        for held in await list_everywhere(gateway)
    ]


@post(
    "/books/holds/release",
    status_code=200,
    opt={
        "rule": RouteRule(
            name="/books/holds/release", permit=allow(Resource.BOOKS, Action.UPDATE), body=ReleaseHoldRequest
        )
    },
)
async def release_hold(request: _Request, gateway: _Gateway) -> Answer:
    """End a request that is under way on any worker: its prompt is charged, the rest is given back."""
    body = await _RELEASE.read_from(request)
    charge_id = body.value.charge_id
    if not await release_anywhere(gateway, charge_id):
        raise NotFound(f"No request '{charge_id}' is under way; see GET /books/holds.", param="charge_id")
    return answer({"charge_id": charge_id, "status": "released"}, body)


ROUTE_HANDLERS: tuple[HTTPRouteHandler, ...] = (
    reset_member,
    reset_everything,
    refund,
    show_adjustments,
    check,
    show_holds,
    release_hold,
)
