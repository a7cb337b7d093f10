"""Reports per team, customer and key: `/global/spend/report`, `/key/spend/report` and those like it."""

from typing import Any, Literal

from litestar import Response, get
from litestar.di import NamedDependency
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromQuery

from gateway.access.rules import RouteRule
from gateway.domain import Principal, Role
from gateway.errors import PermissionDenied
from gateway.manage.daily_activity import TRUNCATED_HEADER
from gateway.manage.freshness import bring_up_to_date
from gateway.manage.parameters import read_key, read_list
from gateway.permits.permit import allow
from gateway.permits.terms import Action, Party, Resource
from gateway.runtime import Gateway
from gateway.spend.reporting.dates import parse_period, refuse
from gateway.spend.reporting.grouped import MOST_DETAILS, GroupedReports
from gateway.spend.reporting.grouped_store import KeyFilter
from gateway.spend.reporting.visibility import sees_everything

__all__ = ["ROUTE_HANDLERS"]

_ROLES = frozenset({Role.INTERNAL_USER, Role.INTERNAL_USER_VIEWER, Role.ORG_ADMIN})
_Caller = NamedDependency[Principal]
_Gateway = NamedDependency[Gateway]
_Date = FromQuery[str | None]
_Content = dict[str, object]
_OTHERS = (Party.CALLER,)


def _rule(path: str, roles: frozenset[Role] = _ROLES) -> dict[str, RouteRule]:
    permit = allow(Resource.SPEND, Action.READ, *(_OTHERS if roles else ()))
    return {"rule": RouteRule(name=path, permit=permit, roles=roles)}


@get("/global/spend/report", opt=_rule("/global/spend/report", frozenset()))
async def show_report(
    gateway: _Gateway,
    start_date: _Date = None,
    end_date: _Date = None,
    group_by: FromQuery[Literal["team", "customer", "api_key"]] = "team",
    api_key: FromQuery[str | None] = None,
    internal_user_id: FromQuery[str | None] = None,
    team_id: FromQuery[str | None] = None,
    customer_id: FromQuery[str | None] = None,
) -> Response[Any]:
    """What teams or customers spent per day; or keys, of one user, team or customer, or of all."""
    period = parse_period(start_date, end_date)
    await bring_up_to_date(gateway)
    reports = GroupedReports(gateway.parts.reports.reader)
    chosen = _chosen(read_key(api_key), internal_user_id, team_id, customer_id)
    if chosen is not None or group_by == "api_key":
        return Response(await reports.by_key(chosen or KeyFilter(), period))
    rows, is_cut = await reports.by_day(group_by, period)
    return Response(rows, headers={TRUNCATED_HEADER: str(MOST_DETAILS)} if is_cut else {})


@get("/key/spend/report", opt=_rule("/key/spend/report"))
async def show_key_report(
    caller: _Caller,
    gateway: _Gateway,
    start_date: _Date = None,
    end_date: _Date = None,
    api_key: FromQuery[str | None] = None,
) -> list[_Content]:
    """What a key spent: the caller's own, or for administrators any."""
    asked = read_key(api_key) or caller.token_hash
    _check(sees_everything(caller) or asked == caller.token_hash, "api_key", "key")
    return await _by_key(gateway, KeyFilter(api_key=asked), start_date, end_date)


@get("/user/spend/report", opt=_rule("/user/spend/report"))
async def show_user_report(
    caller: _Caller,
    gateway: _Gateway,
    start_date: _Date = None,
    end_date: _Date = None,
    internal_user_id: FromQuery[str | None] = None,
) -> list[_Content]:
    """What the keys of a user spent: of the caller, or for administrators of anybody."""
    asked = internal_user_id or caller.user_id
    if not asked:
        raise refuse("internal_user_id", "'internal_user_id' is needed: the key belongs to no user.")
    _check(sees_everything(caller) or asked == caller.user_id, "internal_user_id", "user")
    return await _by_key(gateway, KeyFilter("user", asked), start_date, end_date)


@get("/team/spend/report", opt=_rule("/team/spend/report"))
async def show_team_report(
    caller: _Caller,
    gateway: _Gateway,
    start_date: _Date = None,
    end_date: _Date = None,
    team_id: FromQuery[str | None] = None,
) -> list[_Content]:
    """What the keys of a team spent, for its administrators."""
    asked = team_id or caller.team_id
    if not asked:
        raise refuse("team_id", "'team_id' is needed: the key belongs to no team.")
    visibility = gateway.parts.reports.visibility
    may = sees_everything(caller) or await visibility.administers_teams(caller, [asked])
    _check(may, "team_id", "team")
    return await _by_key(gateway, KeyFilter("team", asked), start_date, end_date)


@get("/organization/spend/report", opt=_rule("/organization/spend/report"))
async def show_organization_report(
    caller: _Caller,
    gateway: _Gateway,
    start_date: _Date = None,
    end_date: _Date = None,
    organization_id: FromQuery[str | None] = None,
) -> list[_Content]:
    """What the keys of an organization spent, for its administrators."""
    asked = organization_id or caller.organization_id
    if not asked:
        raise refuse("organization_id", "'organization_id' is needed: the key belongs to none.")
    visibility = gateway.parts.reports.visibility
    may = sees_everything(caller) or await visibility.administers_organization(caller, asked)
    _check(may, "organization_id", "organization")
    return await _by_key(gateway, KeyFilter("organization", asked), start_date, end_date)


@get(
    "/team/spend/by_user",
    opt={
        "rule": RouteRule(
            name="/team/spend/by_user",
            permit=allow(Resource.SPEND, Action.READ, Party.CALLER),
            allows_any_key=True,
        )
    },
)
async def show_team_users(
    caller: _Caller,
    gateway: _Gateway,
    start_date: _Date = None,
    end_date: _Date = None,
    team_ids: FromQuery[str | None] = None,
) -> _Content:
    """What each user spent in teams, for those who administer them."""
    period = parse_period(start_date, end_date)
    teams = read_list(team_ids)
    if teams is None:
        raise refuse("team_ids", "'team_ids' is needed: ids of teams with commas between them.")
    visibility = gateway.parts.reports.visibility
    may = sees_everything(caller) or await visibility.administers_teams(caller, teams)
    _check(may, "team_ids", "team")
    await bring_up_to_date(gateway)
    return await GroupedReports(gateway.parts.reports.reader).by_team_user(period, teams)


async def _by_key(
    gateway: Gateway, chosen: KeyFilter, start_date: str | None, end_date: str | None
) -> list[_Content]:
    period = parse_period(start_date, end_date)
    await bring_up_to_date(gateway)
    return await GroupedReports(gateway.parts.reports.reader).by_key(chosen, period)


def _chosen(
    api_key: str | None, user_id: str | None, team_id: str | None, customer_id: str | None
) -> KeyFilter | None:
    for kind, entity in (("team", team_id), ("customer", customer_id), ("user", user_id)):
        if entity:
            return KeyFilter(kind, entity, api_key)
    return KeyFilter(api_key=api_key) if api_key else None


def _check(may: bool, param: str, what: str) -> None:  # noqa: FBT001  the outcome of a check
    if not may:
        raise PermissionDenied(
            f"You may not see the spend of this {what}. Leave '{param}' out for your own.", param=param
        )


ROUTE_HANDLERS: tuple[HTTPRouteHandler, ...] = (
    show_report,
    show_key_report,
    show_user_report,
    show_team_report,
    show_organization_report,
    show_team_users,
)
