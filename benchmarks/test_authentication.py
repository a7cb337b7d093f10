"""From the credential on a request to a caller who may go on: warm, without SQL and without Redis.

Run with `uv run pytest benchmarks/test_authentication.py --benchmark-only`. A round is 1,000 awaited calls.
"""

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from datetime import datetime
from typing import Any

import pytest

from gateway.access.aliases import Aliases
from gateway.access.checks import AccessChecks
from gateway.admission.hookimpls import AdmissionHooks
from gateway.admission.ledger import Ledger
from gateway.clock import SystemClock
from gateway.domain import Principal, Scope, ScopeKind, Secret
from gateway.hooks import RequestContext, RequestHead
from gateway.identity.hookimpls import KeyAuthentication
from gateway.identity.master import MasterKey
from gateway.identity.principals import Principals
from gateway.identity.rows import BudgetColumns, KeyColumns, KeyRow, OwnerRow, UserColumns
from gateway.identity.subject_rows import SubjectRow, SubjectRows
from gateway.identity.subjects import Subjects
from gateway.testing import make_context

CALLS = 1_000
KEY = "sk-0123456789abcdefghijkl"
MASTER_KEY = "sk-master-0123456789abcdef"
LIMITS = BudgetColumns(max_budget=10_000, rpm_limit=10**9, tpm_limit=10**12, max_parallel_requests=1_000)
SOME_KINDS = (ScopeKind.KEY, ScopeKind.TEAM, ScopeKind.USER, ScopeKind.ORGANIZATION)
EVERY_KIND = (*SOME_KINDS, ScopeKind.TEAM_MEMBER, ScopeKind.PROJECT, ScopeKind.ORGANIZATION_MEMBER)
BODY = {
    "model": "gpt-4o",
    "messages": [{"role": "user", "content": "Hello"}],
    "temperature": 0.5,
    "stream": True,
}
Compare = Callable[..., None]
Loop = Callable[[], Coroutine[Any, Any, None]]


class OneKey:
    """A store with one key of a team, with limits and a model list at every level; it counts questions."""

    def __init__(self, kinds: Sequence[ScopeKind] = SOME_KINDS) -> None:
        self.questions = 0
        self._kinds = kinds

    async def find_key(self, token_hash: str, journal: str) -> KeyRow | None:
        del journal
        self.questions += 1
        models = ("gpt-4o", "openai/*", "claude")
        owners = tuple(
            OwnerRow(scope=Scope(kind, kind.value), name=kind.value, models=models, budget=LIMITS)
            for kind in self._kinds
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


class EverySubject:
    """A store in which every end user and tag has a budget and rates."""

    async def find_subjects(
        self, scopes: Sequence[Scope], default_budget_id: str | None, journal: str, *, validates: bool = False
    ) -> SubjectRows:
        del default_budget_id, journal, validates
        rows = (SubjectRow(scope=scope, is_known=True, name=scope.id, budget=LIMITS) for scope in scopes)
        return SubjectRows(tuple(rows), 0)


def admitting(context: RequestContext, named: tuple[Scope, ...]) -> Loop:
    """From the names on a request to its admission, and its release, which is not a part of the goal."""
    clock = SystemClock()
    checks, admission = AccessChecks(clock), AdmissionHooks(Ledger(clock))
    subjects, aliases = Subjects(EverySubject(), clock), Aliases()
    context.estimated_cost_nanos = 1_000
    context.estimated_tokens = context.estimated_input_tokens = context.estimated_output_tokens = 1

    async def loop() -> None:
        for _ in range(CALLS):
            context.subjects = await subjects.find(context.principal, named)
            aliases.resolve_model(context.model, context)
            await checks.authorize(context)
            held = await admission.admit(context, admission.collect_claims(context))
            await held.release()

    return loop


def test_authorization_and_admission_with_every_scope_set(compare: Compare) -> None:
    """Key, team, member, user, project, organization, two tags and an end user: budgets and rates on all."""
    clock = SystemClock()
    authentication = KeyAuthentication(Principals(OneKey(EVERY_KIND), clock), None, clock)
    named = (Scope(ScopeKind.END_USER, "ann"), Scope(ScopeKind.TAG, "a"), Scope(ScopeKind.TAG, "b"))
    with asyncio.Runner() as runner:
        caller = runner.run(authentication.authenticate(head_with(KEY)))
        loop = admitting(make_context(BODY, principal=caller), named)
        compare(lambda: runner.run(loop()), calls=CALLS)


@pytest.mark.parametrize("case", ["virtual-key", "master-key", "authorize-plain-key", "authorize-team-key"])
def test_authentication(compare: Compare, case: str) -> None:
    clock = SystemClock()
    principals = Principals(OneKey(), clock)
    authentication = KeyAuthentication(principals, MasterKey(Secret(MASTER_KEY)), clock)
    with asyncio.Runner() as runner:
        caller: Principal = runner.run(authentication.authenticate(head_with(KEY)))
        loops: dict[str, Loop] = {
            "virtual-key": authenticating(authentication, KEY),
            "master-key": authenticating(authentication, MASTER_KEY),
            "authorize-plain-key": authorizing(make_context(BODY)),
            "authorize-team-key": authorizing(make_context(BODY, principal=caller)),
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
