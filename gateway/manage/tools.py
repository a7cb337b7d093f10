"""The routes of the registry of tools."""

from typing import Annotated, Any

from litestar import Request, get, post
from litestar.di import NamedDependency
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath, FromQuery, QueryParameter

from gateway.access.rules import RouteRule
from gateway.domain import Principal
from gateway.errors import BadRequest, NotFound
from gateway.identity.services import Services
from gateway.inventory.services import Inventory
from gateway.inventory.tools.request import (
    INPUT_POLICIES,
    OUTPUT_POLICIES,
    InputPolicy,
    ToolPolicyRequest,
)
from gateway.manage.answers import Answer, answer
from gateway.manage.body import BodyReader
from gateway.manage.freshness import bring_up_to_date
from gateway.manage.stored_settings import refuse_unread
from gateway.manage.tool_overrides import ROUTE_HANDLERS as OVERRIDES
from gateway.manage.tool_overrides import set_override, tool_name_of, tool_paths
from gateway.permits.permit import allow
from gateway.permits.terms import Action, Resource
from gateway.runtime import Gateway
from gateway.spend.reporting.dates import Period, last_days, parse_period
from gateway.spend.reporting.tool_usage import ToolUsage

__all__ = ["ROUTE_HANDLERS"]

_BODY = BodyReader(ToolPolicyRequest)
_NAME = "/v1/tool/{tool_name}"
_SEE = allow(Resource.TOOL, Action.READ)
_CHANGE = allow(Resource.TOOL, Action.UPDATE)
_Request = Request[Any, Any, Any]
_Caller = NamedDependency[Principal]
_Gateway = NamedDependency[Gateway]
_Inventory = NamedDependency[Inventory]
_Services = NamedDependency[Services]
_Text = Annotated[str | None, QueryParameter(max_length=1_024)]
_Page = Annotated[int, QueryParameter(ge=1, le=1_000_000)]
_Server = FromPath[str | None]
_Size = Annotated[int, QueryParameter(ge=1, le=500)]
_Object = dict[str, Any]


@get("/v1/tool/list", opt={"rule": RouteRule(name="/v1/tool/list", permit=_SEE)})
async def list_tools(
    gateway: _Gateway, inventory: _Inventory, input_policy: FromQuery[InputPolicy | None] = None
) -> _Object:
    """List the tools that requests have offered and answers have called, those used last first."""
    await bring_up_to_date(gateway)
    return await inventory.tools.list(input_policy)


@get("/v1/tool/policy/options", opt={"rule": RouteRule(name="/v1/tool/policy/options", permit=_SEE)})
async def list_options() -> _Object:
    """The policies that there are."""
    return {"input_policies": list(INPUT_POLICIES), "output_policies": list(OUTPUT_POLICIES)}


@post(
    "/v1/tool/policy",
    status_code=200,
    opt={"rule": RouteRule(name="/v1/tool/policy", permit=_CHANGE, body=ToolPolicyRequest)},
)
async def set_policy(
    request: _Request, caller: _Caller, gateway: _Gateway, inventory: _Inventory, services: _Services
) -> Answer:
    """Say what holds for a tool: everywhere, or for a team or a key."""
    body = await _BODY.read_from(request)
    asked = body.value
    changes = {
        name: value
        for name in ("input_policy", "output_policy")
        if (value := getattr(asked, name)) is not None
    }
    if not changes:
        raise BadRequest("Neither 'input_policy' nor 'output_policy' is given.", param="input_policy")
    key = asked.key_hash
    if asked.key_alias is not None:
        key = await gateway.parts.keys.find_token_of_alias(asked.key_alias)
        if key is None:
            raise NotFound(f"There is no key with the alias '{asked.key_alias[:200]}'.", param="key_alias")
    if asked.team_id is None and key is None:
        refuse_unread(gateway)
        await inventory.tools.set_policies(caller, asked.tool_name, changes)
    else:
        await set_override(gateway.parts.keys, services, caller, asked, key)
    return answer(
        {"tool_name": asked.tool_name, **changes, "updated": True, "team_id": asked.team_id, "key_hash": key},
        body,
    )


@get("/v1/tool/spend", opt={"rule": RouteRule(name="/v1/tool/spend", permit=_SEE)})
async def show_spend(gateway: _Gateway, start_date: _Text = None, end_date: _Text = None) -> _Object:
    """What the calls cost whose answers called a tool."""
    await bring_up_to_date(gateway)
    return await ToolUsage(gateway.parts.reports.reader).spend(_period(gateway, start_date, end_date))


@get(tool_paths(""), opt={"rule": RouteRule(name=_NAME, permit=_SEE)})
async def show_tool(
    gateway: _Gateway, inventory: _Inventory, tool_name: FromPath[str], server_name: _Server = None
) -> _Object:
    """Show one tool."""
    await bring_up_to_date(gateway)
    return await inventory.tools.find(tool_name_of(server_name, tool_name))


@get(tool_paths("/detail"), opt={"rule": RouteRule(name=f"{_NAME}/detail", permit=_SEE)})
async def show_detail(
    gateway: _Gateway, inventory: _Inventory, tool_name: FromPath[str], server_name: _Server = None
) -> _Object:
    """Show one tool, and who may not bring it."""
    await bring_up_to_date(gateway)
    return await inventory.tools.detail(tool_name_of(server_name, tool_name))


@get(tool_paths("/logs"), opt={"rule": RouteRule(name=f"{_NAME}/logs", permit=_SEE)})
async def list_logs(
    gateway: _Gateway,
    tool_name: FromPath[str],
    server_name: _Server = None,
    page: _Page = 1,
    page_size: _Size = 50,
    start_date: _Text = None,
    end_date: _Text = None,
) -> _Object:
    """The requests whose answers called a tool, the latest first."""
    await bring_up_to_date(gateway)
    period = _period(gateway, start_date, end_date)
    return await ToolUsage(gateway.parts.reports.reader).logs(
        tool_name_of(server_name, tool_name), period, page, page_size
    )


def _period(gateway: Gateway, start: str | None, end: str | None) -> Period:
    """The days that are asked for; the last thirty where none are."""
    first, last = last_days(gateway.clock).bounds
    return parse_period(start or first, end or last)


ROUTE_HANDLERS: tuple[HTTPRouteHandler, ...] = (
    list_tools,
    list_options,
    set_policy,
    show_spend,
    show_tool,
    show_detail,
    list_logs,
    *OVERRIDES,
)
