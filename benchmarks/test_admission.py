"""From a known caller to an admitted request, and to its settlement: everything set on every scope.

Run with `uv run pytest benchmarks/test_admission.py --benchmark-only`. A round is 1,000 requests of a key
with team, user, member, organization, member of that, project, two tags and an end user; each has a
budget, requests and tokens per minute, and slots.
"""

import asyncio
import time
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from gateway.access.checks import AccessChecks
from gateway.admission.hookimpls import AdmissionHooks
from gateway.admission.ledger import Ledger
from gateway.clock import SystemClock
from gateway.domain import Limit, LimitKind, ModelGrant, Principal, Scope, ScopeKind, Subject
from gateway.hooks import Hooks, RequestContext, compile_hooks
from gateway.testing import make_context

CALLS = 1_000
MANY = 10**15
OWNERS = (
    *(ScopeKind.KEY, ScopeKind.TEAM, ScopeKind.USER, ScopeKind.TEAM_MEMBER, ScopeKind.ORGANIZATION),
    *(ScopeKind.ORGANIZATION_MEMBER, ScopeKind.PROJECT),
)
MODELS = frozenset({"gpt-4o", "claude"})
Compare = Callable[..., None]
Loop = Callable[[], Coroutine[Any, Any, None]]


def limits_on(scope: Scope) -> tuple[Limit, ...]:
    kinds = (
        (LimitKind.BUDGET, 0),
        (LimitKind.REQUESTS, 60),
        (LimitKind.TOKENS, 60),
        (LimitKind.PARALLEL, 0),
    )
    return tuple(
        Limit(scope=scope, kind=kind, amount=MANY, window_seconds=window, name=scope.id)
        for kind, window in kinds
    )


def build_context(*, has_subjects: bool = True) -> RequestContext:
    scopes = tuple(Scope(kind, kind.value) for kind in OWNERS)
    principal = Principal(
        token_hash="hash",
        scopes=scopes,
        grants=tuple(ModelGrant(scope, MODELS) for scope in scopes),
        limits=tuple(limit for scope in scopes for limit in limits_on(scope)),
        allowed_routes=("llm_api_routes",),
    )
    context = make_context({"model": "gpt-4o", "messages": [], "stream": True}, principal=principal)
    named = (
        Scope(ScopeKind.END_USER, "e"),
        Scope(ScopeKind.TAG, "one"),
        Scope(ScopeKind.TAG, "other"),
    )
    if has_subjects:
        context.subjects = tuple(
            Subject(scope=scope, name=scope.id, limits=limits_on(scope)) for scope in named
        )
    context.estimated_cost_nanos, context.estimated_tokens = 1_000, 100
    context.estimated_input_tokens, context.estimated_output_tokens = 50, 50
    return context


def build_hooks() -> Hooks:
    clock = SystemClock()
    return compile_hooks([("access", AccessChecks(clock)), ("admission", AdmissionHooks(Ledger(clock)))])


def admitting(hooks: Hooks, context: RequestContext) -> Loop:
    async def loop() -> None:
        for _ in range(CALLS):
            await hooks.authorize(context)
            admission = await hooks.admit(context, await hooks.collect_claims(context))
            assert admission is not None

    return loop


def serving(hooks: Hooks, context: RequestContext) -> Loop:
    async def loop() -> None:
        for _ in range(CALLS):
            admission = await hooks.admit(context, await hooks.collect_claims(context))
            assert admission is not None
            await admission.settle(900, 40, 50)
            admission.headers()

    return loop


@pytest.mark.parametrize("case", ["authorize-and-admit", "admit-settle-headers", "authorize-and-admit-a-key"])
def test_admission(compare: Compare, case: str) -> None:
    hooks = build_hooks()
    loops = {
        "authorize-and-admit": admitting(hooks, build_context()),
        "admit-settle-headers": serving(hooks, build_context()),
        "authorize-and-admit-a-key": admitting(hooks, build_context(has_subjects=False)),
    }
    with asyncio.Runner() as runner:
        compare(lambda: runner.run(loops[case]()), calls=CALLS)


def test_nearly_every_request_is_admitted_in_microseconds() -> None:
    """Median and 99th percentile, with much room for a busy machine."""
    hooks, context = build_hooks(), build_context()

    async def measure() -> list[int]:
        times: list[int] = []
        for _ in range(5_000):
            began = time.perf_counter_ns()
            await hooks.authorize(context)
            await hooks.admit(context, await hooks.collect_claims(context))
            times.append(time.perf_counter_ns() - began)
        return sorted(times)

    with asyncio.Runner() as runner:
        times = min((runner.run(measure()) for _ in range(3)), key=lambda found: found[2_500])
    assert times[2_500] < 100_000, times[2_500]
    assert times[4_950] < 400_000, times[4_950]
