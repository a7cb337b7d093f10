"""The route that tells whether MCP servers answer."""

from typing import Annotated, Any

import msgspec
from litestar import get
from litestar.di import NamedDependency
from litestar.handlers import HTTPRouteHandler
from litestar.params import QueryParameter

from gateway.access.rules import RouteRule
from gateway.clock import datetime_from_nanos
from gateway.domain import Principal
from gateway.identity.rights import actor_of
from gateway.inventory.mcp.health import McpCheck
from gateway.inventory.mcp.sight import sees_all
from gateway.inventory.services import Inventory
from gateway.manage.mcp_surroundings import surroundings
from gateway.permits.permit import allow
from gateway.permits.terms import Action, Party, Resource
from gateway.pipeline.health.checks_store import CheckRow, ChecksStore
from gateway.runtime import Gateway

__all__ = ["ROUTE_HANDLERS"]

_PATH = "/v1/mcp/server/health"
_MOST = 1_000
_Caller = NamedDependency[Principal]
_Gateway = NamedDependency[Gateway]
_Inventory = NamedDependency[Inventory]
_Ids = Annotated[list[str] | None, QueryParameter(max_items=_MOST)]
_Content = dict[str, Any]


@get(
    _PATH,
    opt={
        "rule": RouteRule(
            name=_PATH, permit=allow(Resource.MCP_SERVER, Action.READ, Party.CALLER), allows_any_key=True
        )
    },
)
async def check_servers(
    caller: _Caller, gateway: _Gateway, inventory: _Inventory, server_ids: _Ids = None
) -> list[_Content]:
    """Ask MCP servers whether they answer; who is no administrator gets what was found last."""
    servers = await inventory.mcp_servers.list_visible(caller, surroundings(gateway))
    wanted = [one for one in servers if server_ids is None or one["server_id"] in server_ids]
    if sees_all(caller):
        await _check(caller, gateway, inventory, [one for one in wanted if not one["is_byok"]])
    store = ChecksStore(gateway.parts.database)
    latest = await store.list_latest([(one["server_id"], _history_of(one)) for one in wanted])
    found = {row["model_id"]: row for row in latest}
    return [_show(one, found.get(one["server_id"]), sees_why=sees_all(caller)) for one in wanted]


async def _check(caller: Principal, gateway: Gateway, inventory: Inventory, servers: list[_Content]) -> None:
    checks = await inventory.mcp_health.check([one["server_id"] for one in servers], surroundings(gateway))
    now = datetime_from_nanos(gateway.clock.now_nanos())
    rows = [_row(one, server) for one, server in zip(checks, servers, strict=True)]
    database = gateway.parts.database
    async with database.transaction():
        await inventory.mcp_health.note(checks, now)
        async with database.acquire() as connection:
            await ChecksStore(database).insert(connection, rows, actor_of(caller), now.replace(tzinfo=None))


def _row(check: McpCheck, server: _Content) -> CheckRow:
    details = {"tools": len(check.findings.tools)}
    return CheckRow(
        model_name=_history_of(server),
        model_id=check.server_id,
        is_healthy=not check.findings.error,
        error_message=check.error,
        response_time_ms=check.milliseconds,
        details=msgspec.json.encode(details).decode(),
    )


def _history_of(server: _Content) -> str:
    """The name under which the history of a server stands beside those of models."""
    return f"mcp:{server['server_name'] or server['alias'] or server['server_id']}"


def _show(server: _Content, row: Any, *, sees_why: bool) -> _Content:
    return {
        **{name: server[name] for name in ("server_id", "server_name", "alias")},
        "status": "unknown" if row is None else row["status"],
        "last_health_check": None if row is None else row["checked_at"],
        "health_check_error": row["error_message"] if row is not None and sees_why else None,
    }


ROUTE_HANDLERS: tuple[HTTPRouteHandler, ...] = (check_servers,)
