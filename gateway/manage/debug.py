"""The routes that say what a worker is busy with, and those of the original that are not offered."""

import asyncio
import gc
import os
import socket
import sys
from collections import Counter

from litestar import get, post
from litestar.di import NamedDependency
from litestar.handlers import HTTPRouteHandler

from gateway.access.rules import RouteRule
from gateway.errors import PermissionDenied
from gateway.permits.permit import allow
from gateway.permits.terms import Action, Resource
from gateway.runtime import Gateway

__all__ = ["ROUTE_HANDLERS"]

_SEE = allow(Resource.GATEWAY, Action.READ)
_RUN = allow(Resource.GATEWAY, Action.RUN)
_Gateway = NamedDependency[Gateway]
_SUMMARY, _TASKS, _COUNTS = "/debug/memory/summary", "/debug/asyncio-tasks", "/memory-usage-in-mem-cache"
_UNOFFERED = ("/debug/memory/details", "/debug/report", "/memory-usage-in-mem-cache-items", "/otel-spans")
_UNOFFERED_CHANGES = ("/debug/memory/gc/configure", "/lazy/warm/{name:str}")
_NAMED_TASKS = 100


@get(_SUMMARY, opt={"rule": RouteRule(name=_SUMMARY, permit=_SEE)})
async def show_memory(gateway: _Gateway) -> dict[str, object]:
    """Say how many pieces of memory the worker has in use, and how many entries its caches hold."""
    return {
        "worker_pid": os.getpid(),
        "hostname": socket.gethostname(),
        "status": "healthy",
        "memory": {"allocated_blocks": sys.getallocatedblocks()},
        "caches": {"virtual_keys": len(gateway.parts.principals)},
        "garbage_collector": {
            "is_enabled": gc.isenabled(),
            "counts": list(gc.get_count()),
            "thresholds": list(gc.get_threshold()),
        },
    }


@get(_TASKS, opt={"rule": RouteRule(name=_TASKS, permit=_SEE)})
async def show_tasks() -> dict[str, object]:
    """Count what the worker has under way by the names of its functions; no task says for whom it runs."""
    names = Counter(_name(task) for task in asyncio.all_tasks())
    return {"total_active_tasks": names.total(), "by_name": dict(names.most_common(_NAMED_TASKS))}


@get(_COUNTS, opt={"rule": RouteRule(name=_COUNTS, permit=_RUN)})
async def count_entries(gateway: _Gateway) -> dict[str, int]:
    """Say how many entries the worker's caches hold; answers of models are never kept in one."""
    return {
        "num_items_in_user_api_key_cache": len(gateway.parts.principals),
        "num_items_in_llm_router_cache": 0,
        "num_items_in_proxy_logging_obj_cache": 0,
    }


@get(list(_UNOFFERED), opt={"rule": RouteRule(name="/debug/memory/details", permit=_RUN)})
async def refuse_to_show() -> None:
    """Refuse to show what the process holds: keys, prompts and credentials of others are in it."""
    raise PermissionDenied(
        "The gateway shows nobody the objects, caches, spans or files of its process: keys, prompts and "
        f"credentials are in them. Counts are at {_SUMMARY} and {_TASKS}, metrics at /metrics.",
        type="not_offered",
    )


@post(
    list(_UNOFFERED_CHANGES),
    status_code=200,
    opt={"rule": RouteRule(name="/debug/memory/gc/configure", permit=_RUN)},
)
async def refuse_to_tune() -> None:
    """Refuse to change how the process runs: that is for whoever starts it."""
    raise PermissionDenied(
        "The gateway loads everything at its start and lets nobody change its garbage collector over HTTP. "
        "Set what a worker needs where it is started.",
        type="not_offered",
    )


def _name(task: asyncio.Task[object]) -> str:
    return getattr(task.get_coro(), "__qualname__", "unknown")


ROUTE_HANDLERS: tuple[HTTPRouteHandler, ...] = (
    show_memory,
    show_tasks,
    count_entries,
    refuse_to_show,
    refuse_to_tune,
)
