"""Spend rows page by page, sessions, and what keys, users and tags have spent: `/spend/*`."""

from datetime import time
from typing import Annotated, Literal

import msgspec
from litestar import get
from litestar.di import NamedDependency, Provide
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath, FromQuery, QueryParameter

from gateway.access.rules import RouteRule
from gateway.domain import Principal, Role
from gateway.errors import NotFound, PermissionDenied
from gateway.manage.freshness import bring_up_to_date
from gateway.manage.parameters import need, read_key
from gateway.permits.permit import allow
from gateway.permits.terms import Action, Party, Resource
from gateway.runtime import Gateway
from gateway.spend.reporting.dates import last_days, parse_moment, parse_period, refuse
from gateway.spend.reporting.logs import LogPage, LogPages, read_cursor
from gateway.spend.reporting.logs_store import SORT_COLUMNS, LogChoice, Order
from gateway.spend.reporting.owners_store import list_keys, list_users
from gateway.spend.reporting.totals import Totals
from gateway.spend.reporting.visibility import own_user, sees_everything
from gateway.spend.spend_logs import build_row

__all__ = ["ROUTE_HANDLERS"]

_ROLES = frozenset({Role.INTERNAL_USER, Role.INTERNAL_USER_VIEWER, Role.ORG_ADMIN})
_MOST_OWNERS = 500
_CACHE_HITS = {"hit": "True", "true": "True", "miss": "False", "false": "False"}
_HEALTH_CHECKS = "litellm-internal-health-check"
"""Tag and key of the rows that LiteLLM writes about its own health checks; ours leave none."""
_Caller = NamedDependency[Principal]
_Gateway = NamedDependency[Gateway]
_Text = FromQuery[str | None]
_Amount = FromQuery[float | None]
_Number = Annotated[int, QueryParameter(ge=1, le=1_000_000)]
_Size = Annotated[int, QueryParameter(ge=1, le=500)]
_Content = dict[str, object]


def _rule(path: str) -> dict[str, RouteRule]:
    return {
        "rule": RouteRule(name=path, permit=allow(Resource.SPEND, Action.READ, Party.CALLER), roles=_ROLES)
    }


async def read_traits(
    model: _Text = None,
    model_id: _Text = None,
    model_group: _Text = None,
    end_user: _Text = None,
    session_id: _Text = None,
    key_alias: _Text = None,
    error_code: _Text = None,
    error_message: _Text = None,
    min_spend: _Amount = None,
    max_spend: _Amount = None,
    status_filter: FromQuery[Literal["success", "failure"] | None] = None,
    cache_hit_filter: FromQuery[Literal["hit", "miss", "true", "false"] | None] = None,
    span_type: FromQuery[Literal["llm", "mcp", "agent"] | None] = None,
    used_client_oauth_token: FromQuery[bool | None] = None,
    exclude_internal_health_checks: FromQuery[bool] = False,  # noqa: FBT002  a query parameter
) -> LogChoice:
    """Read what narrows rows down by what they are about."""
    return LogChoice(
        model=model or None,
        model_id=model_id or None,
        model_group=model_group or None,
        end_user=end_user or None,
        session_id=session_id or None,
        key_alias=key_alias or None,
        error_code=error_code or None,
        error_message=error_message or None,
        min_spend=min_spend,
        max_spend=max_spend,
        status=status_filter,
        cache_hit=_CACHE_HITS[cache_hit_filter] if cache_hit_filter else None,
        span_type=span_type,
        client_oauth=None if used_client_oauth_token is None else str(used_client_oauth_token).lower(),
        excluded_source=_HEALTH_CHECKS if exclude_internal_health_checks else None,
    )


async def choose_rows(
    caller: _Caller,
    gateway: _Gateway,
    traits: NamedDependency[LogChoice],
    start_date: _Text = None,
    end_date: _Text = None,
    api_key: _Text = None,
    user_id: _Text = None,
    request_id: _Text = None,
    team_id: _Text = None,
    search: _Text = None,
) -> LogChoice:
    """Read when and whose, narrowed down to what the caller may see."""
    start = parse_moment("start_date", start_date, time.min)
    end = parse_moment("end_date", end_date, time.max)
    if end < start:
        raise refuse("end_date", "'end_date' must not be before 'start_date'.")
    chosen = msgspec.structs.replace(
        traits,
        start=start,
        end=end,
        api_key=read_key(api_key),
        user_id=user_id or None,
        request_id=request_id or search or None,
        team_id=team_id or None,
    )
    return await _limit_to_caller(gateway, caller, chosen)


async def _limit_to_caller(gateway: Gateway, caller: Principal, chosen: LogChoice) -> LogChoice:
    """Users see their own rows, and those of a team that they administer and name."""
    if sees_everything(caller):
        return chosen
    visibility = gateway.parts.reports.visibility
    if chosen.team_id and await visibility.administers_teams(caller, [chosen.team_id]):
        return chosen
    if caller.user_id:
        return msgspec.structs.replace(chosen, user_id=caller.user_id)
    return msgspec.structs.replace(chosen, api_key=caller.token_hash)


@get(
    ["/spend/logs/v2", "/spend/logs/ui"],
    opt=_rule("/spend/logs/v2"),
    dependencies={"traits": Provide(read_traits), "choice": Provide(choose_rows)},
)
async def show_rows(
    gateway: _Gateway,
    choice: NamedDependency[LogChoice],
    page: _Number = 1,
    page_size: _Size = 50,
    sort_by: FromQuery[str] = "startTime",
    sort_order: FromQuery[Literal["asc", "desc"]] = "desc",
    group_by_session: FromQuery[bool] = False,  # noqa: FBT002  a query parameter
    cursor: _Text = None,
    session_cursor: _Text = None,
) -> _Content:
    """One page of spend rows, or of sessions."""
    if sort_by not in SORT_COLUMNS:
        raise refuse("sort_by", f"'sort_by' is one of {', '.join(SORT_COLUMNS)}.")
    after = read_cursor((session_cursor if group_by_session else None) or cursor)
    if after is not None and sort_by != "startTime":
        raise refuse("cursor", "'cursor' goes with sort_by=startTime.")
    await bring_up_to_date(gateway)
    pages = LogPages(gateway.parts.reports.reader)
    order = Order(sort_by, is_rising=sort_order == "asc")
    asked = LogPage(choice=choice, order=order, number=page, size=page_size, after=after)
    return await (pages.sessions(asked) if group_by_session else pages.page(asked))


@get("/spend/logs/session/ui", opt=_rule("/spend/logs/session/ui"))
async def show_session(
    caller: _Caller,
    gateway: _Gateway,
    session_id: _Text = None,
    page: _Number = 1,
    page_size: _Size = 50,
) -> _Content:
    """The rows of one session, the oldest first."""
    choice = await _limit_to_caller(gateway, caller, LogChoice(session_id=need("session_id", session_id)))
    await bring_up_to_date(gateway)
    asked = LogPage(choice=choice, order=Order(is_rising=True), number=page, size=page_size)
    found = await LogPages(gateway.parts.reports.reader).page(asked)
    return {name: value for name, value in found.items() if name != "next_cursor"}


@get("/spend/logs/ui/{request_id:str}", opt=_rule("/spend/logs/ui/{request_id}"))
async def show_request(
    caller: _Caller,
    gateway: _Gateway,
    request_id: FromPath[str],
    start_date: _Text = None,
    end_date: _Text = None,
) -> _Content:
    """What was said in one request, where it was kept; found by its id, whenever it was."""
    if start_date:
        parse_moment("start_date", start_date, time.min)
    if end_date:
        parse_moment("end_date", end_date, time.max)
    await bring_up_to_date(gateway)
    row = await LogPages(gateway.parts.reports.reader).find(request_id)
    if row is None:
        raise NotFound(f"No request '{request_id[:100]}' is recorded.", param="request_id")
    visibility = gateway.parts.reports.visibility
    is_own = row["user"] == caller.user_id if caller.user_id else row["api_key"] == caller.token_hash
    if not (sees_everything(caller) or is_own) and not (
        row["team_id"] and await visibility.administers_teams(caller, [row["team_id"]])
    ):
        raise PermissionDenied("You may not see this request.", param="request_id")
    shown = build_row(row)
    return {name: shown[name] for name in ("messages", "response", "proxy_server_request")}


@get("/spend/keys", opt=_rule("/spend/keys"))
async def show_keys(caller: _Caller, gateway: _Gateway) -> list[_Content]:
    """The keys that have spent most; users see their own."""
    await bring_up_to_date(gateway)
    own = own_user(caller)
    return [build_row(row) for row in await list_keys(gateway.parts.reports.reader, own, _MOST_OWNERS)]


@get("/spend/users", opt=_rule("/spend/users"))
async def show_users(caller: _Caller, gateway: _Gateway, user_id: _Text = None) -> list[_Content]:
    """The users that have spent most, or one; users see themselves."""
    await bring_up_to_date(gateway)
    asked = own_user(caller) or user_id or None
    return [build_row(row) for row in await list_users(gateway.parts.reports.reader, asked, _MOST_OWNERS)]


@get("/spend/tags", opt=_rule("/spend/tags"))
async def show_tags(
    caller: _Caller, gateway: _Gateway, start_date: _Text = None, end_date: _Text = None
) -> list[_Content]:
    """What requests with tags did cost, in the last 30 days unless dates are given; users see their own."""
    has_dates = bool(start_date or end_date)
    period = parse_period(start_date, end_date) if has_dates else last_days(gateway.clock)
    await bring_up_to_date(gateway)
    totals = Totals(gateway.parts.reports.reader)
    return await totals.tag_list(period, own_user(caller))


ROUTE_HANDLERS: tuple[HTTPRouteHandler, ...] = (
    show_rows,
    show_session,
    show_request,
    show_keys,
    show_users,
    show_tags,
)
