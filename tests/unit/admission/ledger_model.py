"""A model of a ledger that recounts everything from the list of requests, and what is done to both."""

import asyncio
from dataclasses import dataclass, field

import hypothesis.strategies as st
import pytest
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from gateway.admission.ledger import Ledger
from gateway.admission.options import LedgerOptions
from gateway.domain import Limit, LimitKind, Principal, Scope, ScopeKind
from gateway.errors import BudgetExceeded, RateLimited
from gateway.hooks import Admission
from gateway.testing import FakeClock
from tests.unit.admission.conftest import budget, rate, slots, take

SCOPES = tuple(Scope(kind, "x") for kind in (ScopeKind.KEY, ScopeKind.TEAM, ScopeKind.USER))
WINDOW_SECONDS = 60

limits_of_a_caller = st.lists(
    st.one_of(
        st.builds(budget, st.integers(0, 60), st.sampled_from(SCOPES)),
        st.builds(
            rate,
            st.sampled_from(
                [LimitKind.REQUESTS, LimitKind.TOKENS, LimitKind.INPUT_TOKENS, LimitKind.OUTPUT_TOKENS]
            ),
            st.integers(0, 40),
            st.sampled_from(SCOPES),
        ),
        st.builds(slots, st.integers(0, 3), st.sampled_from(SCOPES)),
    ),
    max_size=6,
    unique_by=lambda limit: (limit.scope, limit.kind),
)
amounts = st.integers(0, 20)


@dataclass
class Request:
    """One admitted request of the model."""

    who: Principal
    hold: Admission
    cost: int
    tokens: tuple[int, int, int]
    windows: dict[tuple[Scope, LimitKind], int] = field(default_factory=dict)
    settled: int | None = None
    is_open: bool = True
    is_released: bool = False


class Model:
    """Says what a ledger must say, from the requests alone."""

    def __init__(self) -> None:
        self.requests: list[Request] = []
        self.begins: dict[tuple[Scope, LimitKind], int] = {}

    def settled(self, scope: Scope) -> int:
        return sum(item.settled or 0 for item in self.requests if scope in item.who.scopes)

    def held(self, scope: Scope) -> int:
        return sum(item.cost for item in self.requests if item.is_open and scope in item.who.scopes)

    def used(self, limit: Limit, now: int) -> int:
        if limit.kind is LimitKind.PARALLEL:
            return sum(item.is_open and self._meets(item, limit) for item in self.requests)
        key = limit.scope, limit.kind
        begin = self.begins.get(key)
        if begin is None or now >= begin + WINDOW_SECONDS * 10**9:
            return 0
        counted = (item for item in self.requests if item.windows.get(key) == begin and not item.is_released)
        return sum(self.amount(item, limit.kind) for item in counted)

    def amount(self, item: Request, kind: LimitKind) -> int:
        index = {LimitKind.TOKENS: 0, LimitKind.INPUT_TOKENS: 1, LimitKind.OUTPUT_TOKENS: 2}.get(kind)
        return 1 if index is None else item.tokens[index]

    def _meets(self, item: Request, limit: Limit) -> bool:
        return any(other.kind is limit.kind and other.scope == limit.scope for other in item.who.limits)


class LedgerMachine(RuleBasedStateMachine):
    """Callers come, change their limits, and their requests end in every order."""

    is_strict = False

    def __init__(self) -> None:
        super().__init__()
        self.clock = FakeClock()
        self.model = Model()
        self.loop = asyncio.new_event_loop()
        self.who = Principal(token_hash="k", scopes=SCOPES)
        self.ledger = self.make_ledger()

    def make_ledger(self) -> Ledger:
        """Make the ledger under test."""
        return Ledger(self.clock, LedgerOptions(is_strict=self.is_strict))

    def admit(self, cost: int, tokens: tuple[int, int, int]) -> Admission:
        """Admit one request, or raise."""
        return take(self.ledger, cost=cost, tokens=tokens, principal=self.who)

    def look(self) -> None:
        """Bring the counters that can be read up to date."""

    def teardown(self) -> None:
        self.loop.close()

    @initialize(limits=limits_of_a_caller)
    def begin(self, limits: list[Limit]) -> None:
        self.who = Principal(token_hash="k", scopes=SCOPES, limits=tuple(limits))

    @rule(limits=limits_of_a_caller)
    def change_limits(self, limits: list[Limit]) -> None:
        self.begin(limits)

    @rule(seconds=st.integers(1, 45))
    def wait(self, seconds: int) -> None:
        self.clock.advance(seconds)

    @rule(cost=amounts, entered=amounts, answered=amounts)
    def ask(self, cost: int, entered: int, answered: int) -> None:
        now, tokens = self.clock.monotonic_nanos(), (entered + answered, entered, answered)
        expected = self._expect(cost, now)
        if expected is not None:
            with pytest.raises(expected):
                self.admit(cost, tokens)
            return
        hold = self.admit(cost, tokens)
        request = Request(self.who, hold, cost, tokens)
        for limit in self.who.limits:
            if limit.window_seconds:
                key = limit.scope, limit.kind
                begin = self.model.begins.get(key)
                if begin is None or now >= begin + WINDOW_SECONDS * 10**9:
                    self.model.begins[key] = now
                request.windows[key] = self.model.begins[key]
        self.model.requests.append(request)

    @precondition(lambda self: any(item.is_open for item in self.model.requests))
    @rule(data=st.data(), cost=amounts, entered=amounts, answered=amounts)
    def settle(self, data: st.DataObject, cost: int, entered: int, answered: int) -> None:
        request = self._choose(data)
        self.loop.run_until_complete(request.hold.settle(cost, entered, answered))
        request.is_open, request.settled = False, cost
        request.tokens = (entered + answered, entered, answered)

    @precondition(lambda self: any(item.is_open for item in self.model.requests))
    @rule(data=st.data())
    def release(self, data: st.DataObject) -> None:
        request = self._choose(data)
        self.loop.run_until_complete(request.hold.release())
        request.is_open, request.is_released = False, True

    @precondition(lambda self: any(not item.is_open for item in self.model.requests))
    @rule(data=st.data())
    def end_twice(self, data: st.DataObject) -> None:
        ended = [item for item in self.model.requests if not item.is_open]
        hold = data.draw(st.sampled_from(ended)).hold
        self.loop.run_until_complete(hold.release())
        self.loop.run_until_complete(hold.settle(5, 5, 5))

    @precondition(lambda self: any(item.is_open for item in self.model.requests))
    @rule(data=st.data(), more=amounts)
    def extend(self, data: st.DataObject, more: int) -> None:
        request = self._choose(data)
        budgets = [limit for limit in request.who.limits if limit.kind is LimitKind.BUDGET]
        fits = all(self._used(limit) + more <= limit.amount for limit in budgets)
        assert self.loop.run_until_complete(request.hold.extend(more)) is fits
        if fits:
            request.cost += more

    @invariant()
    def counters_are_the_requests(self) -> None:
        self.look()
        for scope in SCOPES:
            assert self.ledger.settled(scope) == self.model.settled(scope)
            assert self.ledger.held(scope) == self.model.held(scope)

    def _expect(self, cost: int, now: int) -> type[Exception] | None:
        more = cost if self.is_strict else 0
        for limit in self.who.limits:
            if limit.kind is LimitKind.BUDGET:
                used = self._used(limit)
                if used >= limit.amount or used + more > limit.amount:
                    return BudgetExceeded
        for limit in self.who.limits:
            if limit.kind is not LimitKind.BUDGET and self.model.used(limit, now) >= limit.amount:
                return RateLimited
        return None

    def _used(self, limit: Limit) -> int:
        return self.model.settled(limit.scope) + self.model.held(limit.scope)

    def _choose(self, data: st.DataObject) -> Request:
        return data.draw(st.sampled_from([item for item in self.model.requests if item.is_open]))
