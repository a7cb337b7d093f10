"""Hook dispatch: compiled calls beside a plain call and beside pluggy, in the same run.

Run with `uv run pytest benchmarks/test_hooks.py --benchmark-only`. A round is 1,000 awaited calls;
`plain` is what calling a function without any dispatch costs.
"""

import asyncio
import inspect
from collections.abc import Callable, Coroutine
from typing import Any

import pluggy
import pytest

from gateway.hooks import HookSpecs, RequestContext, compile_hooks, hookimpl
from gateway.testing import make_context

CALLS = 1_000
Compare = Callable[..., None]
Call = Callable[[RequestContext], Coroutine[Any, Any, Any]]


class Sync:
    """One plain implementation."""

    @hookimpl
    def authorize(self, context: RequestContext) -> None:
        """Let everybody in."""


class Async:
    """One async implementation."""

    @hookimpl
    async def authorize(self, context: RequestContext) -> None:
        """Let everybody in."""


class Empty:
    """No implementation of the hook that is measured."""

    @hookimpl
    def on_completion(self) -> None:
        """Nobody is told."""


def call_compiled(*plugins: object) -> Call:
    hooks = compile_hooks([(str(index), plugin) for index, plugin in enumerate(plugins)])
    return hooks.authorize


def call_pluggy(*plugins: object) -> Call:
    """The dispatch that was not taken: pluggy starts everything, then the coroutines are awaited."""
    manager = pluggy.PluginManager("gateway")
    manager.add_hookspecs(HookSpecs)
    for plugin in plugins:
        manager.register(plugin)

    async def call(context: RequestContext) -> None:
        for answer in manager.hook.authorize(context=context):
            if inspect.isawaitable(answer):
                await answer

    return call


def repeat(call: Call) -> Call:
    async def call_often(context: RequestContext) -> None:
        for _ in range(CALLS):
            await call(context)

    return call_often


def repeat_if_any(*plugins: object) -> Call:
    """As the pipeline calls a guard: not at all where there is none."""
    hooks = compile_hooks([(str(index), plugin) for index, plugin in enumerate(plugins)])

    async def look_often(context: RequestContext) -> None:
        for _ in range(CALLS):
            if hooks.has_guard_request:
                await hooks.guard_request(context)

    return look_often


PLAIN = repeat(Async().authorize)
CASES: dict[str, Call] = {
    "plain": PLAIN,
    "empty-not-called": repeat_if_any(Empty()),
    "empty-compiled": repeat(call_compiled(Empty())),
    "empty-pluggy": repeat(call_pluggy(Empty())),
    "one-sync-compiled": repeat(call_compiled(Sync())),
    "one-sync-pluggy": repeat(call_pluggy(Sync())),
    "one-async-compiled": repeat(call_compiled(Async())),
    "one-async-pluggy": repeat(call_pluggy(Async())),
    "three-async-compiled": repeat(call_compiled(Async(), Async(), Async())),
    "three-async-pluggy": repeat(call_pluggy(Async(), Async(), Async())),
}


@pytest.mark.parametrize("case", CASES)
def test_dispatch(compare: Compare, case: str) -> None:
    context, loop = make_context(), CASES[case]
    with asyncio.Runner() as runner:
        compare(lambda: runner.run(loop(context)), calls=CALLS)
