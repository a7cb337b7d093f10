"""The daily activity of users, teams, organizations, customers, tags and agents: one family of routes."""

import csv
import io
from collections.abc import Callable, Mapping, Sequence
from typing import Annotated, Any, Literal

import msgspec
from litestar import Response, get
from litestar.di import NamedDependency, Provide
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromQuery, QueryParameter

from gateway.access.rules import RouteRule
from gateway.domain import Principal
from gateway.manage.freshness import bring_up_to_date
from gateway.manage.parameters import need, read_key, read_list
from gateway.permits.permit import allow
from gateway.permits.terms import Action, Party, Resource
from gateway.runtime import Gateway
from gateway.spend.reporting.daily import MOST_EXPORTED, DailyReports, Page
from gateway.spend.reporting.daily_store import Choice
from gateway.spend.reporting.dates import Period, parse_period

__all__ = ["ROUTE_HANDLERS", "TRUNCATED_HEADER"]

TRUNCATED_HEADER = "x-gatewright-truncated"
"""On an answer that does not have everything: how many rows it was cut to."""

_MOST_SHOWN_KEYS = 100
_Caller = NamedDependency[Principal]
_SEE = allow(Resource.SPEND, Action.READ, Party.CALLER)
_Gateway = NamedDependency[Gateway]
_Number = Annotated[int, QueryParameter(ge=1, le=1_000_000)]
_Flag = FromQuery[bool]
_Size = Annotated[int, QueryParameter(ge=1, le=1_000)]
_Content = dict[str, object]


class Window(msgspec.Struct, frozen=True):
    """What every route of the family narrows down: days, a model, a key."""

    period: Period
    model: str | None
    api_key: str | None


_Window = NamedDependency[Window]
_Choice = NamedDependency[Choice]


async def read_window(
    start_date: FromQuery[str | None] = None,
    end_date: FromQuery[str | None] = None,
    model: FromQuery[str | None] = None,
    api_key: FromQuery[str | None] = None,
    timezone: FromQuery[int | None] = None,
) -> Window:
    """Read the parameters that all have; raises BadRequest for dates that are missing or none."""
    period = parse_period(start_date, end_date, timezone)
    return Window(period, model or None, read_key(api_key))


async def choose_users(
    caller: _Caller, gateway: _Gateway, window: _Window, user_id: FromQuery[str | None] = None
) -> Choice:
    """The days of one user, or of all."""
    return await _choose("user", caller, gateway, window, (user_id,) if user_id else None)


async def choose_teams(
    caller: _Caller,
    gateway: _Gateway,
    window: _Window,
    team_ids: FromQuery[str | None] = None,
    exclude_team_ids: FromQuery[str | None] = None,
) -> Choice:
    """The days of teams."""
    return await _choose("team", caller, gateway, window, read_list(team_ids), read_list(exclude_team_ids))


async def choose_organizations(
    caller: _Caller,
    gateway: _Gateway,
    window: _Window,
    organization_ids: FromQuery[str | None] = None,
    exclude_organization_ids: FromQuery[str | None] = None,
) -> Choice:
    """The days of organizations."""
    excluded = read_list(exclude_organization_ids)
    return await _choose("organization", caller, gateway, window, read_list(organization_ids), excluded)


async def choose_customers(
    caller: _Caller,
    gateway: _Gateway,
    window: _Window,
    end_user_ids: FromQuery[str | None] = None,
    exclude_end_user_ids: FromQuery[str | None] = None,
) -> Choice:
    """The days of customers."""
    excluded = read_list(exclude_end_user_ids)
    return await _choose("customer", caller, gateway, window, read_list(end_user_ids), excluded)


async def choose_tags(
    caller: _Caller, gateway: _Gateway, window: _Window, tags: FromQuery[str | None] = None
) -> Choice:
    """The days of tags."""
    return await _choose("tag", caller, gateway, window, read_list(tags))


async def choose_agents(
    caller: _Caller,
    gateway: _Gateway,
    window: _Window,
    agent_ids: FromQuery[str | None] = None,
    exclude_agent_ids: FromQuery[str | None] = None,
) -> Choice:
    """The days of agents."""
    return await _choose("agent", caller, gateway, window, read_list(agent_ids), read_list(exclude_agent_ids))


async def _choose(
    kind: str,
    caller: Principal,
    gateway: Gateway,
    window: Window,
    asked: Sequence[str] | None,
    excluded: Sequence[str] | None = None,
) -> Choice:
    """What is asked for, narrowed down to what the caller may see."""
    sight = await gateway.parts.reports.visibility.of_entities(kind, caller, asked)
    keys = None if window.api_key is None else (window.api_key,)
    if sight.key is not None:
        keys = (sight.key,) if keys in (None, (sight.key,)) else ()
    await bring_up_to_date(gateway)
    return Choice(
        period=window.period,
        model=window.model,
        keys=keys,
        keys_of=sight.keys_of,
        entities=sight.entities,
        excluded=tuple(excluded or ()),
    )


def build_routes(
    kind: str, prefixes: Sequence[str], choose: Callable[..., Any]
) -> tuple[HTTPRouteHandler, ...]:
    """The routes of one kind; `choose` is the dependency that reads whom it is about."""
    options: Mapping[str, Any] = {
        "opt": {"rule": RouteRule(name=f"{prefixes[0]}/daily/*", permit=_SEE, allows_any_key=True)},
        "dependencies": {"window": Provide(read_window), "choice": Provide(choose)},
    }

    def paths(rest: str) -> list[str]:
        return [f"{prefix}/daily/activity{rest}" for prefix in prefixes]

    def reports(gateway: Gateway) -> DailyReports:
        return DailyReports(gateway.parts.reports.reader, kind)

    @get(paths(""), **options)
    async def show_activity(
        gateway: _Gateway, choice: _Choice, page: _Number = 1, page_size: _Size = 10
    ) -> _Content:
        """One page of daily rows, joined to days."""
        return await reports(gateway).page(choice, Page(page, page_size))

    @get(paths("/aggregated"), **options)
    async def show_aggregated(gateway: _Gateway, choice: _Choice) -> _Content:
        """All days at once."""
        return await reports(gateway).aggregated(choice)

    @get(paths("/aggregated/keys"), **options)
    async def show_keys(
        gateway: _Gateway, choice: _Choice, page: _Number = 1, page_size: _Size = 50
    ) -> _Content:
        """One page of keys, the dearest first."""
        return await reports(gateway).keys(choice, Page(page, page_size))

    @get(paths("/aggregated/search"), **options)
    async def search_keys(
        gateway: _Gateway, choice: _Choice, search: FromQuery[str | None] = None, page_size: _Size = 50
    ) -> _Content:
        """The keys whose alias or hash contains a text."""
        found = msgspec.structs.replace(choice, key_pattern=need("search", search))
        return {"api_keys": (await reports(gateway).keys(found, Page(1, page_size)))["api_keys"]}

    @get(paths("/aggregated/model_top_keys"), **options)
    async def show_top_keys(
        gateway: _Gateway, choice: _Choice, *, by_model_group: _Flag = False, page_size: _Size = 10
    ) -> _Content:
        """The keys that spent most, with the parameter `model` on this model, or on this name of a model."""
        return await _top_keys(reports(gateway), choice, Page(1, page_size), by_name=by_model_group)

    @get(paths("/export"), **options)
    async def export(
        gateway: _Gateway,
        choice: _Choice,
        export_format: Annotated[Literal["csv", "json"], QueryParameter(name="format")] = "csv",
    ) -> Response[Any]:
        """A row per day, entity, key, model and provider."""
        return _exported(await reports(gateway).export(choice), export_format)

    return (show_activity, show_aggregated, show_keys, search_keys, show_top_keys, export)


@get(
    "/user/daily/activity/aggregated/cache_leakage_keys",
    opt={"rule": RouteRule(name="/user/daily/*", permit=_SEE, allows_any_key=True)},
    dependencies={"window": Provide(read_window), "choice": Provide(choose_users)},
)
async def show_uncached_keys(gateway: _Gateway, choice: _Choice) -> _Content:
    """The keys whose prompts never came from a provider's cache, most tokens first."""
    return await DailyReports(gateway.parts.reports.reader, "user").uncached_keys(choice, _MOST_SHOWN_KEYS)


async def _top_keys(reports: DailyReports, choice: Choice, page: Page, *, by_name: bool) -> _Content:
    asked = choice.model
    if by_name:
        choice = msgspec.structs.replace(choice, model=None, model_group=asked)
    found = (await reports.keys(choice, page))["api_keys"]
    return {"model": asked, "by_model_group": by_name, "api_keys": found}


def _exported(rows: list[_Content], form: str) -> Response[Any]:
    headers = {TRUNCATED_HEADER: str(MOST_EXPORTED)} if len(rows) > MOST_EXPORTED else {}
    shown = rows[:MOST_EXPORTED]
    if form == "json":
        return Response(shown, headers=headers)
    text = io.StringIO()
    if shown:
        writer = csv.DictWriter(text, list(shown[0]))
        writer.writeheader()
        writer.writerows({name: _safe_cell(value) for name, value in row.items()} for row in shown)
    return Response(text.getvalue(), media_type="text/csv; charset=utf-8", headers=headers)


def _safe_cell(value: object) -> object:
    """Names come from clients: a spreadsheet must not take one for a formula."""
    return f"'{value}" if isinstance(value, str) and value.startswith(("=", "+", "-", "@", "\t")) else value


ROUTE_HANDLERS: tuple[HTTPRouteHandler, ...] = (
    *build_routes("user", ["/user"], choose_users),
    *build_routes("team", ["/team"], choose_teams),
    *build_routes("organization", ["/organization"], choose_organizations),
    *build_routes("customer", ["/customer", "/end_user"], choose_customers),
    *build_routes("tag", ["/tag"], choose_tags),
    *build_routes("agent", ["/agent"], choose_agents),
    show_uncached_keys,
)
