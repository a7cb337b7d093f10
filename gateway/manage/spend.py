"""What was spent, from the recorded requests."""

from typing import Annotated

import msgspec
from litestar import get
from litestar.di import NamedDependency
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromQuery, QueryParameter

from gateway.access.rules import RouteRule
from gateway.domain import Principal, Role
from gateway.errors import BadRequest
from gateway.manage.freshness import bring_up_to_date
from gateway.permits.permit import allow
from gateway.permits.terms import Action, Party, Resource
from gateway.runtime import Gateway
from gateway.spend.spend_logs import MOST_ROWS, SpendLogQuery, list_spend_logs

__all__ = ["ROUTE_HANDLERS", "limit_to_caller"]

_RULE = RouteRule(
    name="/spend/logs", permit=allow(Resource.SPEND, Action.READ, Party.CALLER), allows_any_key=True
)
_SEE_ALL = frozenset({Role.PROXY_ADMIN, Role.PROXY_ADMIN_VIEWER})
_SEE_OWN = frozenset({Role.INTERNAL_USER, Role.INTERNAL_USER_VIEWER, Role.ORG_ADMIN})


@get("/spend/logs", opt={"rule": _RULE})
async def show_spend_logs(
    gateway: NamedDependency[Gateway],
    caller: NamedDependency[Principal],
    api_key: FromQuery[str | None] = None,
    user_id: FromQuery[str | None] = None,
    request_id: FromQuery[str | None] = None,
    start_date: FromQuery[str | None] = None,
    end_date: FromQuery[str | None] = None,
    summarize: FromQuery[bool] = True,  # noqa: FBT002  a query parameter
    limit: Annotated[int, QueryParameter(ge=1, le=MOST_ROWS)] = MOST_ROWS,
) -> list[dict[str, object]]:
    """List spend rows, or a summary per day when both dates are given.

    Users see their own rows, a key without a user those of its own requests. Raises BadRequest with the
    contract's type for a date that is none, and DatabaseUnavailable.
    """
    query = SpendLogQuery(
        api_key=api_key or None,
        user_id=user_id or None,
        request_id=request_id or None,
        start_date=start_date or None,
        end_date=end_date or None,
        summarize=summarize,
        limit=limit,
    )
    await bring_up_to_date(gateway)
    try:
        return await list_spend_logs(gateway.parts.spend, limit_to_caller(query, caller))
    except BadRequest as error:
        raise BadRequest(error.message, param=error.param, type="internal_error") from None


def limit_to_caller(query: SpendLogQuery, caller: Principal) -> SpendLogQuery:
    """Narrow a query down to what the caller may see, whatever it asks for."""
    if caller.role in _SEE_ALL:
        return query
    if caller.role in _SEE_OWN and caller.user_id:
        return msgspec.structs.replace(query, user_id=caller.user_id)
    return msgspec.structs.replace(query, api_key=caller.token_hash, user_id=None)


ROUTE_HANDLERS: tuple[HTTPRouteHandler, ...] = (show_spend_logs,)
