"""From the credential on a request to a caller who may go on: warm, without SQL and without Redis.

Run with `uv run pytest benchmarks/test_authentication.py --benchmark-only`. A round is 1,000 awaited calls;
`extra_info["ratio_to_digest"]` is the time of a round beside one of the least that such a check can be: the
SHA-256 of the key and a look-up in a dict.
"""

import asyncio
import time
from collections.abc import Callable, Coroutine
from datetime import datetime
from typing import Any

import pytest

from gateway.access.checks import AccessChecks
from gateway.clock import SystemClock
from gateway.domain import Principal, Scope, ScopeKind, Secret
from gateway.hooks import RequestContext, RequestHead
from gateway.identity.hookimpls import KeyAuthentication
from gateway.identity.master import MasterKey
from gateway.identity.principals import Principals
from gateway.identity.rows import BudgetColumns, KeyColumns, KeyRow, OwnerRow, UserColumns
from gateway.ids import hash_token
from gateway.testing import make_context

CALLS = 1_000
KEY = "sk-0123456789abcdefghijkl"
MASTER_KEY = "sk-master-0123456789abcdef"
Loop = Callable[[], Coroutine[Any, Any, None]]


class OneKey:
    """A store with one key of a team, with limits and a model list at every level."""

    async def find_key(self, token_hash: str, journal: str) -> KeyRow | None:
        del journal
        limits = BudgetColumns(max_budget=10, rpm_limit=1_000, tpm_limit=100_000)
        models = ("gpt-4o", "openai/*", "claude")
        owners = tuple(
            OwnerRow(scope=Scope(kind, kind.value), name=kind.value, models=models, budget=limits)
            for kind in (ScopeKind.KEY, ScopeKind.TEAM, ScopeKind.USER, ScopeKind.ORGANIZATION)
        )
        key = KeyColumns(
            token_hash=token_hash,
            key_name="sk-...ijkl",
            key_alias="bench",
            user_id="user",
            team_id="team",
            organization_id="org",
            project_id=None,
            agent_id=None,
            is_blocked=False,
            expires=datetime.fromisoformat("2100-01-01"),
            revoke_at=None,
            allowed_routes=("llm_api_routes",),
            aliases={},
            metadata={},
        )
        return KeyRow(
            key=key,
            user=UserColumns(role="internal_user", is_known=True),
            owners=owners,
            team_alias="Team",
            project_alias=None,
            team_metadata={},
            team_aliases={},
            totals=(),
            position=0,
        )


def head_with(key: str) -> RequestHead:
    headers = {
        "host": "localhost:4000",
        "user-agent": "OpenAI/Python",
        "content-type": "application/json",
        "authorization": f"Bearer {key}",
    }
    return RequestHead("POST", "/v1/chat/completions", headers)


async def digest_loop() -> None:
    """The yardstick: nothing could do less."""
    known = {hash_token(KEY): object()}
    for _ in range(CALLS):
        known[hash_token(KEY)]


def authenticating(authentication: KeyAuthentication, key: str) -> Loop:
    head = head_with(key)

    async def loop() -> None:
        for _ in range(CALLS):
            await authentication.authenticate(head)

    return loop


def authorizing(context: RequestContext) -> Loop:
    checks = AccessChecks(SystemClock())

    async def loop() -> None:
        for _ in range(CALLS):
            await checks.authorize(context)

    return loop


def measure_ratio(runner: asyncio.Runner, loop: Loop) -> float:
    """The fastest round beside the fastest of the yardstick; both take turns, so that noise meets both."""
    fastest = [float("inf"), float("inf")]
    for _ in range(50):
        for index, candidate in enumerate((loop, digest_loop)):
            started = time.perf_counter_ns()
            runner.run(candidate())
            fastest[index] = min(fastest[index], time.perf_counter_ns() - started)
    return fastest[0] / fastest[1]


@pytest.mark.parametrize("case", ["virtual-key", "master-key", "authorize-plain-key", "authorize-team-key"])
def test_authentication(benchmark: Any, case: str) -> None:
    clock = SystemClock()
    principals = Principals(OneKey(), clock)
    authentication = KeyAuthentication(principals, MasterKey(Secret(MASTER_KEY)), clock)
    with asyncio.Runner() as runner:
        caller: Principal = runner.run(authentication.authenticate(head_with(KEY)))
        body = {
            "model": "gpt-4o",
            "messages": [{"role": "user", "content": "Hello"}],
            "temperature": 0.5,
            "stream": True,
        }
        loops: dict[str, Loop] = {
            "virtual-key": authenticating(authentication, KEY),
            "master-key": authenticating(authentication, MASTER_KEY),
            "authorize-plain-key": authorizing(make_context(body)),
            "authorize-team-key": authorizing(make_context(body, principal=caller)),
        }
        loop = loops[case]
        benchmark(lambda: runner.run(loop()))
        benchmark.extra_info["ratio_to_digest"] = round(measure_ratio(runner, loop), 3)
    benchmark.extra_info["calls_per_round"] = CALLS
