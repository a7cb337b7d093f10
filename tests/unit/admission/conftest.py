"""Limits, callers and requests for tests of the ledger."""

from collections.abc import Sequence

import pytest

from gateway.admission.hold import Hold, Want
from gateway.admission.ledger import Ledger
from gateway.domain import Limit, LimitKind, Principal, Scope, ScopeKind, Subject
from gateway.testing import FakeClock

KEY = Scope(ScopeKind.KEY, "k" * 64)
TEAM = Scope(ScopeKind.TEAM, "team-1")
USD = 1_000_000_000


def budget(amount: int, scope: Scope = KEY, **more: object) -> Limit:
    return Limit(scope=scope, kind=LimitKind.BUDGET, amount=amount, **{"name": "alias", **more})


def rate(kind: LimitKind, amount: int, scope: Scope = KEY, **more: object) -> Limit:
    return Limit(scope=scope, kind=kind, amount=amount, **{"name": "alias", "window_seconds": 60, **more})


def slots(amount: int, scope: Scope = KEY, **more: object) -> Limit:
    return Limit(scope=scope, kind=LimitKind.PARALLEL, amount=amount, **{"name": "alias", **more})


def caller(*limits: Limit, scopes: Sequence[Scope] = (KEY, TEAM)) -> Principal:
    return Principal(token_hash=KEY.id, limits=limits, scopes=tuple(scopes))


def subject(scope: Scope, *limits: Limit) -> Subject:
    return Subject(scope=scope, name=scope.id, limits=limits)


def take(
    ledger: Ledger,
    *limits: Limit,
    cost: int = 0,
    tokens: tuple[int, int, int] = (0, 0, 0),
    model: str = "m",
    subjects: tuple[Subject, ...] = (),
    principal: Principal | None = None,
    is_free: bool = False,
) -> Hold:
    """Admit one request of a caller with these limits."""
    who = principal or caller(*limits)
    part = ledger.plans.find(who, subjects, model, model)
    return ledger.take(part, Want(who, cost, tokens, is_free))


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def ledger(clock: FakeClock) -> Ledger:
    return Ledger(clock)
