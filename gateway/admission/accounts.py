"""Limits with their counters: the same counter for the same thing, however often a limit is read anew."""

from collections import deque
from collections.abc import Callable, Hashable
from typing import TypeVar
from weakref import WeakValueDictionary

from gateway.admission.counters import Counter, Money, Slots, SlotsKey, Window, WindowKey
from gateway.admission.headers import fixed_headers, remaining_headers
from gateway.admission.order import rank_of
from gateway.admission.periods import Calendar, PlainCalendar, end_of_period
from gateway.clock import Clock
from gateway.domain import Limit, LimitKind, Meter, Scope, ScopeKind, first_mark_nanos

__all__ = ["INPUT", "OUTPUT", "TOTAL", "Account", "Accounts", "BudgetAccount", "RateAccount", "SlotsAccount"]

TOTAL, INPUT, OUTPUT = range(3)
"""Which of the counts (total, input, output) of tokens a limit goes by."""
_TOKEN_KINDS = {LimitKind.TOKENS: TOTAL, LimitKind.INPUT_TOKENS: INPUT, LimitKind.OUTPUT_TOKENS: OUTPUT}
_MOST_KEPT = 100_000
"""Counters kept although no caller with them is known at present, so that forgetting a caller loses none."""
_NANOS_PER_MS = 1_000_000
_WITHOUT_ROWS = frozenset(
    {ScopeKind.PROVIDER, ScopeKind.DEPLOYMENT, ScopeKind.ACCESS_GROUP, ScopeKind.MCP_SERVER}
)
"""Scopes whose spend stands nowhere else: all of their budgets are metered."""
_ID_LIMIT, _MODEL_LIMIT = 400, 200
"""Characters of a meter's names; together they must fit the index of its table."""
_K = TypeVar("_K", bound=Hashable)
_C = TypeVar("_C", Money, Window, Slots)
_NEVER = 2**63 - 1


class BudgetAccount:
    """A budget and the money that it counts.

    `ends_at` and `seen_at` bound the time of day (nanoseconds since 1970) for which `money` is the right
    one. `next_mark` is the spend in nano-dollars at which the watch is told next.
    """

    __slots__ = ("__weakref__", "check", "ends_at", "limit", "money", "next_mark", "rank", "seen_at")

    def __init__(self, limit: Limit, money: Money, ends_at: int = _NEVER, seen_at: int = 0) -> None:
        self.limit = limit
        self.rank = rank_of(limit)
        self.use(money, ends_at, seen_at)

    def use(self, money: Money, ends_at: int, seen_at: int) -> None:
        """Count with this money from now on."""
        self.money = money
        self.check = (money, self.limit.amount)
        self.ends_at = ends_at
        self.seen_at = seen_at
        self.next_mark = first_mark_nanos(self.limit)


class RateAccount:
    """A limit of requests (`counts` None) or of tokens (`counts` says which) within a window."""

    __slots__ = ("__weakref__", "check", "counts", "fixed", "limit", "rank", "remaining", "window")

    def __init__(self, limit: Limit, window: Window, counts: int | None) -> None:
        self.limit = limit
        self.window = window
        self.counts = counts
        self.rank = rank_of(limit)
        self.check = (window, limit.amount) if counts is None else (window, limit.amount, counts)
        self.fixed = fixed_headers(limit)
        self.remaining = tuple((window, limit.amount, name) for name in remaining_headers(limit))


class SlotsAccount:
    """A limit of requests under way."""

    __slots__ = ("__weakref__", "check", "limit", "rank", "slots")

    def __init__(self, limit: Limit, slots: Slots) -> None:
        self.limit = limit
        self.slots = slots
        self.rank = rank_of(limit)
        self.check = (slots, limit.amount)


Account = BudgetAccount | RateAccount | SlotsAccount


class Accounts:
    """The counters of one process, made when they are first asked for.

    A counter lives as long as a limit, a caller or a request refers to it, and some time longer: the memory
    is bounded by who is known, and there are never two counters for one thing.
    `tokens_counted` is what limits of `tokens` go by (`TOTAL`, `INPUT` or `OUTPUT`).
    """

    def __init__(self, clock: Clock, calendar: Calendar | None = None, tokens_counted: int = TOTAL) -> None:
        self._clock = clock
        self._calendar = calendar or PlainCalendar()
        self._tokens_counted = tokens_counted
        self._money: WeakValueDictionary[Scope, Money] = WeakValueDictionary()
        self._windows: WeakValueDictionary[WindowKey, Window] = WeakValueDictionary()
        self._slots: WeakValueDictionary[SlotsKey, Slots] = WeakValueDictionary()
        self._accounts: WeakValueDictionary[Limit, Account] = WeakValueDictionary()
        self._kept: deque[Counter] = deque(maxlen=_MOST_KEPT)

    def count_tokens(self, tokens_counted: int) -> None:
        """Let limits of `tokens` go by another count from now on; accounts are made anew."""
        self._tokens_counted = tokens_counted
        self._accounts.clear()

    def money(self, key: Scope) -> Money:
        """Return the money of a scope or meter."""
        return self._money.get(key) or self._keep(self._money, key, Money)

    def find_money(self, key: Scope) -> Money | None:
        """Return the money of a scope or meter if anybody has asked for it."""
        return self._money.get(key)

    def of_limit(self, limit: Limit) -> Account:
        """Return the account of a limit; that of a budget is turned to its present period."""
        account = self._accounts.get(limit)
        if account is None:
            account = self._accounts[limit] = self._open(limit)
        if type(account) is BudgetAccount:
            self.turn(account)
        return account

    def meter_of(self, limit: Limit, now_nanos: int) -> tuple[Scope, int]:
        """Return what a budget counts at a moment, and until when: both are nanoseconds since 1970."""
        scope = limit.scope
        if not limit.period and limit.model is None and scope.kind not in _WITHOUT_ROWS:
            return scope, _NEVER
        identifier, model = scope.id[:_ID_LIMIT], (limit.model or "")[:_MODEL_LIMIT]
        if not limit.period:
            return Meter(scope.kind, identifier, model), _NEVER
        ends = end_of_period(limit, now_nanos, self._calendar)
        return Meter(scope.kind, identifier, model, limit.period, ends // _NANOS_PER_MS), ends

    def turn(self, account: BudgetAccount) -> None:
        """Count in the period that holds now; a clock that was set back leads back to the former one."""
        if not account.limit.period:
            return
        now = self._clock.now_nanos()
        if account.seen_at <= now < account.ends_at:
            return
        key, ends = self.meter_of(account.limit, now)
        account.use(self.money(key), ends, now)

    def _open(self, limit: Limit) -> Account:
        model = limit.model or ""
        match limit.kind:
            case LimitKind.BUDGET:
                now = self._clock.now_nanos()
                key, ends = self.meter_of(limit, now)
                return BudgetAccount(limit, self.money(key), ends, now if limit.period else 0)
            case LimitKind.PARALLEL:
                slots = (limit.scope, model)
                return SlotsAccount(limit, self._slots.get(slots) or self._keep(self._slots, slots, Slots))
            case kind:
                window = (limit.scope, kind, model, limit.window_seconds)
                counter = self._windows.get(window) or self._keep(self._windows, window, Window)
                return RateAccount(limit, counter, self._counted(kind))

    def _counted(self, kind: LimitKind) -> int | None:
        return self._tokens_counted if kind is LimitKind.TOKENS else _TOKEN_KINDS.get(kind)

    def _keep(self, counters: WeakValueDictionary[_K, _C], key: _K, make: Callable[[_K], _C]) -> _C:
        counter = counters[key] = make(key)
        self._kept.append(counter)
        return counter
