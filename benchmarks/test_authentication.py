"""From the credential on a request to a caller who may go on: warm, without SQL and without Redis.

Run with `uv run pytest benchmarks/test_authentication.py --benchmark-only`. A round is 1,000 awaited calls.
"""

import asyncio
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
from gateway.testing import make_context

CALLS = 1_000
KEY = "sk-0123456789abcdefghijkl"
MASTER_KEY = "sk-master-0123456789abcdef"
Compare = Callable[..., None]
Loop = Callable[[], Coroutine[Any, Any, None]]


class OneKey:
    """A store with one key of a team, with limits and a model list at every level; it counts questions."""

    def __init__(self) -> None:
        self.questions = 0

    async def find_key(self, token_hash: str, journal: str) -> KeyRow | None:
        del journal
        self.questions += 1
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
        )
        return KeyRow(
            key=key,
            user=UserColumns(role="internal_user", is_known=True),
            owners=owners,
            team_alias="Team",
            project_alias=None,
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


@pytest.mark.parametrize("case", ["virtual-key", "master-key", "authorize-plain-key", "authorize-team-key"])
def test_authentication(compare: Compare, case: str) -> None:
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
        compare(lambda: runner.run(loop()), calls=CALLS)


def test_warm_authentication_asks_nobody() -> None:
    """The store is the only way to the database, and there is no other service to ask."""
    clock, store = SystemClock(), OneKey()
    authentication = KeyAuthentication(Principals(store, clock), MasterKey(Secret(MASTER_KEY)), clock)
    with asyncio.Runner() as runner:
        runner.run(authentication.authenticate(head_with(KEY)))
        runner.run(authenticating(authentication, KEY)())
        runner.run(authenticating(authentication, MASTER_KEY)())

    assert store.questions == 1
