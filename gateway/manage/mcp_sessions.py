"""The routes of what clients of MCP servers have open: calls and streams, on all workers.

A session itself is in the id that its client keeps, so that any worker goes on with it; none is kept here.
"""

import os
from collections import Counter
from typing import Annotated, Any

from litestar import delete, get
from litestar.di import NamedDependency
from litestar.handlers import HTTPRouteHandler
from litestar.params import QueryParameter

from gateway.access.rules import RouteRule
from gateway.errors import BadRequest
from gateway.permits.permit import allow
from gateway.permits.terms import Action, Resource
from gateway.pipeline.holds import Held, list_everywhere, release_anywhere
from gateway.runtime import Gateway

__all__ = ["ROUTE_HANDLERS"]

_PATH, _ENDPOINT = "/v1/mcp/sessions", "/mcp"
_Gateway = NamedDependency[Gateway]
_Text = Annotated[str | None, QueryParameter(min_length=1, max_length=200)]
_Content = dict[str, Any]


@get(_PATH, opt={"rule": RouteRule(name=_PATH, permit=allow(Resource.MCP_SERVER, Action.READ))})
async def list_sessions(gateway: _Gateway) -> _Content:
    """List what clients of MCP servers have open, the oldest first."""
    found = await _list_open(gateway)
    return {
        "worker_pid": os.getpid(),
        "total_sessions": len(found),
        "by_client": Counter(one.request.api_key for one in found),
        "by_user": Counter(one.request.user for one in found if one.request.user),
        "sessions": [_show(gateway, one) for one in found],
    }


@delete(
    _PATH,
    status_code=200,
    opt={"rule": RouteRule(name=_PATH, permit=allow(Resource.MCP_SERVER, Action.UPDATE))},
)
async def end_sessions(gateway: _Gateway, session_id_prefix: _Text = None, user_id: _Text = None) -> _Content:
    """End what a user has open, or what has an id that begins so."""
    if session_id_prefix is None and user_id is None:
        message = "Say what is to end: 'session_id_prefix', 'user_id', or both."
        raise BadRequest(message, param="session_id_prefix", type="bad_request_error")
    ended = [
        one
        for one in await _list_open(gateway)
        if one.request.charge_id.startswith(session_id_prefix or "")
        and user_id in {None, one.request.user}
        and await release_anywhere(gateway, one.request.charge_id)
    ]
    return {
        "worker_pid": os.getpid(),
        "terminated_sessions": len(ended),
        "sessions": [_show(gateway, one) for one in ended],
    }


async def _list_open(gateway: Gateway) -> list[Held]:
    return [one for one in await list_everywhere(gateway) if one.request.endpoint == _ENDPOINT]


def _show(gateway: Gateway, held: Held) -> _Content:
    request, now_ms = held.request, gateway.clock.now_nanos() // 1_000_000
    return {
        "session_id": request.charge_id,
        "call_id": request.call_id,
        "path": request.model_group,
        "api_key": request.api_key,
        "user_id": request.user or None,
        "team_id": request.team_id,
        "age_seconds": max(0, now_ms - request.started_ms) / 1000,
        "worker": held.worker,
    }


ROUTE_HANDLERS: tuple[HTTPRouteHandler, ...] = (list_sessions, end_sessions)
