"""Hook dispatch: compiled calls beside a plain call and beside pluggy, in the same run.

Run with `uv run pytest benchmarks/test_hooks.py --benchmark-only`. A round is 1,000 awaited calls;
`extra_info["ratio_to_plain"]` is the time of a round beside one of plain awaited calls of one function.
"""

import asyncio
import inspect
import time
from collections.abc import Callable, Coroutine
from typing import Any

import pluggy
import pytest

from gateway.hooks import HookSpecs, RequestContext, compile_hooks, hookimpl
from gateway.testing import make_context

CALLS = 1_000
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


def measure_ratio(runner: asyncio.Runner, loop: Call, context: RequestContext) -> float:
    """The fastest round beside the fastest plain round; both take turns, so that noise meets both."""
    fastest = [float("inf"), float("inf")]
    for _ in range(100):
        for index, candidate in enumerate((loop, PLAIN)):
            started = time.perf_counter_ns()
            runner.run(candidate(context))
            fastest[index] = min(fastest[index], time.perf_counter_ns() - started)
    return fastest[0] / fastest[1]


@pytest.mark.parametrize("case", CASES)
def test_dispatch(benchmark: Any, case: str) -> None:
    context, loop = make_context(), CASES[case]
    with asyncio.Runner() as runner:
        benchmark(lambda: runner.run(loop(context)))
        benchmark.extra_info["ratio_to_plain"] = round(measure_ratio(runner, loop, context), 3)
    benchmark.extra_info["calls_per_round"] = CALLS
