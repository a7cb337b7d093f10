"""The compiled dispatch: per hook one async function, chosen at startup for the implementations there are."""

from collections.abc import Callable, Collection, Coroutine, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from types import MappingProxyType
from typing import Any

import msgspec
import structlog

from gateway.domain import (
    Claim,
    Completion,
    McpArrival,
    McpFindings,
    McpLogin,
    McpLoginAnswer,
    McpRenewal,
    McpServerRecord,
    PassThrough,
    Principal,
)
from gateway.hooks.context import Admission, RequestContext, RequestHead
from gateway.hooks.guards import CallGuard
from gateway.hooks.implementations import (
    HOOKS,
    HookManager,
    HookSpec,
    Implementation,
    check_plugin,
    list_idle,
    read_implementation,
)
from gateway.hooks.specs import HookMode, HookSpecs, HookUse
from gateway.hooks.transport import Forwarder, OpenAnswer, ReadBody, UpstreamStream

__all__ = ["Hooks", "compile_hooks"]

_Call = Callable[..., Coroutine[Any, Any, Any]]
_Implementations = tuple[Implementation, ...]


class Hooks(msgspec.Struct, frozen=True, kw_only=True):
    """Every hook as one coroutine function; read the struct once per request.

    `implementations` lists per hook who is called, in order. The `has_...` members let a caller skip the
    preparation of a call that nobody would answer.
    """

    authenticate: Callable[[RequestHead], Coroutine[Any, Any, Principal | None]]
    find_pass_through: Callable[[RequestHead], Coroutine[Any, Any, PassThrough | None]]
    answer_openly: Callable[[RequestHead, ReadBody], Coroutine[Any, Any, OpenAnswer | None]]
    answer_request: Callable[
        [RequestContext, Forwarder],
        Coroutine[Any, Any, AbstractAsyncContextManager[UpstreamStream] | None],
    ]
    resolve_model: Callable[[str, RequestContext], Coroutine[Any, Any, str]]
    authorize: Callable[[RequestContext], Coroutine[Any, Any, None]]
    collect_claims: Callable[[RequestContext], Coroutine[Any, Any, Sequence[Claim]]]
    admit: Callable[[RequestContext, Sequence[Claim]], Coroutine[Any, Any, Admission | None]]
    guard_request: Callable[[RequestContext], Coroutine[Any, Any, None]]
    open_transport: Callable[[RequestContext], Coroutine[Any, Any, Forwarder | None]]
    open_guards: Callable[[RequestContext], Coroutine[Any, Any, Sequence[CallGuard]]]
    on_completion: Callable[[RequestContext, Completion], Coroutine[Any, Any, None]]
    check_mcp_server: Callable[[McpServerRecord], Coroutine[Any, Any, bool | None]]
    ask_mcp_server: Callable[[str], Coroutine[Any, Any, McpFindings | None]]
    try_mcp_server: Callable[[McpServerRecord], Coroutine[Any, Any, McpFindings | None]]
    begin_mcp_login: Callable[[McpLogin], Coroutine[Any, Any, str | None]]
    finish_mcp_login: Callable[[McpLoginAnswer], Coroutine[Any, Any, McpArrival | None]]
    renew_mcp_login: Callable[[McpRenewal], Coroutine[Any, Any, str | None]]
    has_find_pass_through: bool
    has_answer_openly: bool
    has_answer_request: bool
    has_guard_request: bool
    has_open_guards: bool
    has_on_completion: bool
    implementations: Mapping[str, tuple[Implementation, ...]]


def compile_hooks(plugins: Sequence[tuple[str, object]], use: HookUse | None = None) -> Hooks:
    """Build the dispatch for named plugins: a module or an object with `@hookimpl` functions each.

    They are called in the order given; `tryfirst` and `trylast` move an implementation to the front or the
    end, as in pluggy. Hooks for which a plugin says that it is not needed for a `use` are left out. Raises
    PluginError for a plugin whose hooks or arguments do not exist.
    """
    manager = HookManager("gateway")
    manager.add_hookspecs(HookSpecs)
    # pluggy calls what was registered last first.
    for name, plugin in reversed(plugins):
        check_plugin(name, plugin, manager)
        manager.register(plugin, name)
    idle = {name: list_idle(name, plugin, use) for name, plugin in plugins} if use else {}
    found = {name: _list_implementations(manager, spec, idle) for name, spec in HOOKS.items()}
    return Hooks(
        **{name: _compile(HOOKS[name], implementations) for name, implementations in found.items()},
        has_find_pass_through=bool(found["find_pass_through"]),
        has_answer_openly=bool(found["answer_openly"]),
        has_answer_request=bool(found["answer_request"]),
        has_guard_request=bool(found["guard_request"]),
        has_open_guards=bool(found["open_guards"]),
        has_on_completion=bool(found["on_completion"]),
        implementations=MappingProxyType(found),
    )


def _list_implementations(
    manager: HookManager, spec: HookSpec, idle: Mapping[str, Collection[str]]
) -> _Implementations:
    registered = getattr(manager.hook, spec.name).get_hookimpls()
    return tuple(
        read_implementation(spec, item.plugin_name, item.function)
        for item in reversed(registered)
        if spec.name not in idle.get(item.plugin_name, ())
    )


def _compile(spec: HookSpec, implementations: _Implementations) -> Any:
    match spec.mode:
        case HookMode.FIRST:
            return _compile_first(implementations)
        case HookMode.VETO:
            return _compile_veto(implementations)
        case HookMode.PIPE:
            return _compile_pipe(implementations)
        case HookMode.COLLECT:
            return _compile_collect(implementations)
        case HookMode.NOTIFY:
            return _compile_notify(spec.name, implementations)


# A plain function may hand back a coroutine too (a decorator's wrapper does), so its answer is asked as well:
# a check that is never awaited would let everybody in.


def _only_async(implementations: _Implementations) -> _Call | None:
    """The one implementation, where it can stand for the hook itself and so adds no cost."""
    if len(implementations) == 1 and implementations[0].is_async:
        return implementations[0].call
    return None


async def _nothing(*_: object) -> None:
    """What a hook without implementations does."""


def _compile_first(implementations: _Implementations) -> _Call:
    if not implementations:
        return _nothing
    if len(implementations) == 1:
        return _only_async(implementations) or _ask_one(implementations[0])
    calls = tuple((item.call, item.is_async) for item in implementations)

    async def call_until_answered(*values: object) -> Any:
        for call, is_async in calls:
            answer = call(*values)
            if is_async or hasattr(answer, "__await__"):
                answer = await answer
            if answer is not None:
                return answer
        return None

    return call_until_answered


def _ask_one(implementation: Implementation) -> _Call:
    """Most hooks have one implementation, the core's: it is asked without a loop."""
    call = implementation.call

    async def ask(*values: object) -> Any:
        answer = call(*values)
        return await answer if hasattr(answer, "__await__") else answer

    return ask


def _compile_veto(implementations: _Implementations) -> _Call:
    if not implementations:
        return _nothing
    calls = tuple((item.call, item.is_async) for item in implementations)

    async def call_each(*values: object) -> None:
        for call, is_async in calls:
            answer = call(*values)
            if is_async or (answer is not None and hasattr(answer, "__await__")):
                await answer

    return _only_async(implementations) or call_each


# Hooks whose values are piped or collected have the same parameters all of them: a value and the context, or
# the context alone. CPython calls a function quickly whose parameters are no list of any length.


def _compile_pipe(implementations: _Implementations) -> _Call:
    if len(implementations) == 1:
        return _pipe_through_one(implementations[0])
    calls = tuple((item.call, item.is_async) for item in implementations)

    async def thread_through(value: object, context: RequestContext) -> Any:
        for call, is_async in calls:
            answer = call(value, context)
            if is_async or hasattr(answer, "__await__"):
                answer = await answer
            if answer is not None:
                value = answer
        return value

    return thread_through


def _pipe_through_one(implementation: Implementation) -> _Call:
    ask = implementation.call

    async def pass_on(value: object, context: RequestContext) -> Any:
        answer = ask(value, context)
        if answer is None:
            return value
        if answer.__class__ is not value.__class__ and hasattr(answer, "__await__"):
            answer = await answer
        return value if answer is None else answer

    return pass_on


def _compile_collect(implementations: _Implementations) -> _Call:
    if len(implementations) == 1:
        return _collect_from_one(implementations[0])
    calls = tuple((item.call, item.is_async) for item in implementations)

    async def put_together(context: RequestContext) -> Sequence[Any]:
        collected: Any = None
        for call, is_async in calls:
            answer = call(context)
            if is_async or hasattr(answer, "__await__"):
                answer = await answer
            if answer is not None:
                # The only answer stays as it is.
                collected = answer if collected is None else [*collected, *answer]
        return _as_sequence(collected)

    return put_together


def _collect_from_one(implementation: Implementation) -> _Call:
    ask = implementation.call
    ready: set[object] = set()
    """Types of answers that are sequences, and need not be awaited."""

    async def take_from_one(context: RequestContext) -> Sequence[Any]:
        answer = ask(context)
        if answer is None:
            return ()
        kind: object = answer.__class__
        if kind in ready:
            return answer
        if hasattr(answer, "__await__"):
            return _as_sequence(await answer)
        if hasattr(answer, "__getitem__"):
            ready.add(kind)
        return _as_sequence(answer)

    return take_from_one


def _as_sequence(answer: Any) -> Sequence[Any]:
    """An answer as it is, if it can be: what lists its claims only on demand need not list them."""
    if answer is None:
        return []
    # Not `isinstance`, which costs four times as much for an abstract class.
    return answer if hasattr(answer, "__getitem__") else list(answer)


def _compile_notify(hook: str, implementations: _Implementations) -> _Call:
    if not implementations:
        return _nothing
    calls = tuple((item.call, item.is_async, item.plugin) for item in implementations)
    log = structlog.get_logger("gateway.hooks")

    async def tell_each(*values: object) -> None:
        for call, is_async, plugin in calls:
            try:
                answer = call(*values)
                if is_async or (answer is not None and hasattr(answer, "__await__")):
                    await answer
            except Exception:
                # One plugin's failure may not keep the others from being told.
                log.exception("plugin_failed", plugin=plugin, hook=hook)

    return tell_each
