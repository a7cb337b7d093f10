"""What holds for a tool for a team or a key: that they may not bring it, and the route that takes it back."""

from collections.abc import Collection
from typing import Annotated, Any

import msgspec
from litestar import delete
from litestar.di import NamedDependency
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath, QueryParameter

from gateway.access.rules import RouteRule
from gateway.domain import Principal
from gateway.errors import BadRequest, NotFound
from gateway.identity.keys.request import ObjectPermission
from gateway.identity.keys.service import KeyService
from gateway.identity.services import Services
from gateway.inventory.tools.request import ToolPolicyRequest
from gateway.permits.permit import allow
from gateway.permits.terms import Action, Resource
from gateway.runtime import Gateway

__all__ = ["ROUTE_HANDLERS", "set_override", "tool_name_of", "tool_paths"]

_NAME = "/v1/tool/{tool_name}/overrides"
_Caller = NamedDependency[Principal]
_Gateway = NamedDependency[Gateway]
_Services = NamedDependency[Services]
_Text = Annotated[str | None, QueryParameter(max_length=1_024)]


def tool_paths(end: str) -> list[str]:
    """The paths of a tool; that of an MCP server has the server's name before its own."""
    return [f"/v1/tool/{{tool_name:str}}{end}", f"/v1/tool/{{server_name:str}}/{{tool_name:str}}{end}"]


def tool_name_of(server: str | None, tool: str) -> str:
    """The name by which a tool is known, from the parts of its path."""
    return tool if server is None else f"{server}/{tool}"


@delete(
    tool_paths("/overrides"),
    status_code=200,
    opt={"rule": RouteRule(name=_NAME, permit=allow(Resource.TOOL, Action.DELETE))},
)
async def delete_override(
    caller: _Caller,
    gateway: _Gateway,
    services: _Services,
    tool_name: FromPath[str],
    server_name: FromPath[str | None] = None,
    team_id: _Text = None,
    key_hash: _Text = None,
) -> dict[str, Any]:
    """Let a team or a key bring a tool again that was blocked for it."""
    if not team_id and not key_hash:
        message = "Name whom the tool is blocked for: 'team_id' or 'key_hash'."
        raise BadRequest(message, param="team_id", type="bad_request_error")
    name, keys = tool_name_of(server_name, tool_name), gateway.parts.keys
    held = [await _of_team(services, team_id)] if team_id else []
    held += [await _of_key(keys, caller, key_hash)] if key_hash else []
    if not all(name in names for names in held):
        message = f"The tool '{name[:200]}' is not blocked for whom is named."
        raise NotFound(message, param="tool_name")
    await set_override(
        keys,
        services,
        caller,
        ToolPolicyRequest(tool_name=name, input_policy="untrusted", team_id=team_id or None),
        key_hash or None,
    )
    return {"deleted": True, "tool_name": name}


async def set_override(
    keys: KeyService, services: Services, caller: Principal, asked: ToolPolicyRequest, key: str | None
) -> None:
    """Block a tool for a team or a key, or let it be brought again."""
    if asked.output_policy is not None or asked.input_policy == "trusted":
        message = "For a team or a key a tool is 'blocked', or 'untrusted' to take that back."
        raise BadRequest(message, param="output_policy" if asked.output_policy else "input_policy")
    is_blocked = asked.input_policy == "blocked"
    if asked.team_id is not None:
        names = _with(await _of_team(services, asked.team_id), asked.tool_name, is_blocked=is_blocked)
        sent = {"object_permission": ObjectPermission(blocked_tools=names)}
        await services.teams.update(caller, asked.team_id, sent)
    if key is not None:
        names = _with(await _of_key(keys, caller, key), asked.tool_name, is_blocked=is_blocked)
        await services.key_updates.update(
            caller, {"key": key, "object_permission": ObjectPermission(blocked_tools=names)}
        )


async def _of_team(services: Services, team_id: str) -> Collection[str]:
    """The tools that a team may not bring; raises NotFound."""
    return (await services.teams.find_permission(team_id)).get("blocked_tools") or ()


async def _of_key(keys: KeyService, caller: Principal, key: str) -> Collection[str]:
    """The tools that a key may not bring; raises NotFound."""
    info = msgspec.convert((await keys.info(caller, key))["info"], dict[str, Any])
    return msgspec.convert(info.get("object_permission") or {}, dict[str, Any]).get("blocked_tools") or ()


def _with(names: Collection[str], name: str, *, is_blocked: bool) -> list[str]:
    return sorted({*names, name} if is_blocked else set(names) - {name})


ROUTE_HANDLERS: tuple[HTTPRouteHandler, ...] = (delete_override,)
