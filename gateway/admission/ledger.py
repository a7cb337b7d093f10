"""The ledger of one process: what is settled and held on every scope, taken and given back atomically."""

from collections.abc import Iterable, Sequence

from gateway.admission.counters import Counters, Money, Slots, Window
from gateway.admission.refusals import budget_refusal, descriptor_of, parallel_refusal, rate_refusal
from gateway.clock import Clock
from gateway.domain import Claim, Limit, LimitKind, Principal, Scope, ScopeKind
from gateway.money import usd_from_nanos

__all__ = ["Hold", "Ledger"]


class Ledger:
    """Counters of every scope, and the one step that takes all claims of a request or none.

    Nothing here awaits, so within one event loop every step is atomic.
    """

    def __init__(self, clock: Clock, budget_status: int = 422) -> None:
        self._clock = clock
        self._counters = Counters(clock)
        self.budget_status = budget_status

    def seed(self, totals: Iterable[tuple[Scope, int]]) -> None:
        """Set what is settled on scopes, in nano-dollars; what requests hold stays as it is."""
        for scope, nanos in totals:
            self._counters.money(scope).settled = nanos

    def settled(self, scope: Scope) -> int:
        """Return the nano-dollars settled on a scope."""
        return self._counters.money(scope).settled

    def held(self, scope: Scope) -> int:
        """Return the nano-dollars held on a scope by requests under way."""
        return self._counters.money(scope).held

    def take(self, principal: Principal, claims: Sequence[Claim]) -> "Hold":
        """Take every claim, or raise for the first that does not fit and take none.

        A budget refuses when `settled + held >= limit`, a rate when its count has reached its limit.
        Raises BudgetExceeded before any RateLimited.
        """
        hold = Hold(self, principal)
        for claim in claims:
            if claim.limit.kind is LimitKind.BUDGET:
                hold.add_money(claim, self._check_budget(claim.limit))
        for claim in claims:
            kind = claim.limit.kind
            if kind is LimitKind.PARALLEL:
                hold.add_slot(self._check_slots(claim.limit))
            elif kind is not LimitKind.BUDGET:
                hold.add_rate(claim, self._check_rate(claim.limit))
        hold.apply()
        return hold

    def money(self, scope: Scope) -> Money:
        """Return the money counter of a scope."""
        return self._counters.money(scope)

    def _check_budget(self, limit: Limit) -> Money:
        money = self._counters.money(limit.scope)
        if money.settled + money.held >= limit.amount:
            raise budget_refusal(limit, money.settled, money.held, self.budget_status)
        return money

    def _check_rate(self, limit: Limit) -> Window:
        window = self._counters.window(limit.scope, limit.kind, limit.window_seconds)
        if window.count >= limit.amount:
            now = self._clock.monotonic_nanos()
            raise rate_refusal(limit, window.count, now, window.ends_at, self._clock.now_nanos())
        return window

    def _check_slots(self, limit: Limit) -> Slots:
        slots = self._counters.slots(limit.scope)
        if slots.used >= limit.amount:
            raise parallel_refusal(limit, slots.used)
        return slots


class Hold:
    """What one admitted request holds; settled or released once, later calls do nothing."""

    __slots__ = ("_is_open", "_ledger", "_money", "_principal", "_rates", "_slots")

    def __init__(self, ledger: Ledger, principal: Principal) -> None:
        self._ledger = ledger
        self._principal = principal
        self._money: list[tuple[Money, Claim]] = []
        self._rates: list[tuple[Window, int, Claim]] = []
        self._slots: list[Slots] = []
        self._is_open = False

    def add_money(self, claim: Claim, money: Money) -> None:
        """Note a budget that fits."""
        self._money.append((money, claim))

    def add_rate(self, claim: Claim, window: Window) -> None:
        """Note a rate that fits, with the window in which it does."""
        self._rates.append((window, window.opened, claim))

    def add_slot(self, slots: Slots) -> None:
        """Note a free slot."""
        self._slots.append(slots)

    def apply(self) -> None:
        """Take everything that was noted."""
        for money, claim in self._money:
            money.held += claim.amount
        for window, _, claim in self._rates:
            window.count += claim.amount
        for slots in self._slots:
            slots.used += 1
        self._is_open = True

    async def extend(self, cost_nanos: int) -> bool:
        """Hold so many nano-dollars more on every budget, if each has that much left; else nothing."""
        for money, claim in self._money:
            if money.settled + money.held + cost_nanos > claim.limit.amount:
                return False
        for index, (money, claim) in enumerate(self._money):
            money.held += cost_nanos
            self._money[index] = (money, Claim(claim.limit, claim.amount + cost_nanos))
        return True

    async def settle(self, cost_nanos: int, tokens: int) -> None:
        """Charge `cost_nanos` to every scope of the caller and correct the token windows to `tokens`."""
        if not self._is_open:
            return
        self._give_back()
        for scope in self._principal.scopes:
            self._ledger.money(scope).settled += cost_nanos
        for window, opened, claim in self._rates:
            if claim.limit.kind is LimitKind.TOKENS and window.opened == opened:
                window.count += tokens - claim.amount

    async def release(self) -> None:
        """Give everything back, the counted request included."""
        if not self._is_open:
            return
        self._give_back()
        for window, opened, claim in self._rates:
            if window.opened == opened:
                window.count -= claim.amount

    def headers(self) -> list[tuple[str, str]]:
        """Return the contract's headers on the key's spend and on what is left of the rates."""
        key = self._principal.scopes[0] if self._principal.scopes else None
        found: list[tuple[str, str]] = []
        if key is not None:
            found.append(("x-litellm-key-spend", str(usd_from_nanos(self._ledger.settled(key)))))
        for _, claim in self._money:
            if claim.limit.scope.kind is ScopeKind.KEY:
                found.append(("x-litellm-key-max-budget", str(usd_from_nanos(claim.limit.amount))))
        for window, opened, claim in self._rates:
            used = window.count if window.opened == opened else 0
            found += _rate_headers(claim.limit, used)
        return found

    def _give_back(self) -> None:
        self._is_open = False
        for money, claim in self._money:
            money.held -= claim.amount
        for slots in self._slots:
            slots.used -= 1


def _rate_headers(limit: Limit, used: int) -> list[tuple[str, str]]:
    descriptor = descriptor_of(limit.scope.kind)
    kind = limit.kind.value
    found = [
        (f"x-ratelimit-{descriptor}-remaining-{kind}", str(max(0, limit.amount - used))),
        (f"x-ratelimit-{descriptor}-limit-{kind}", str(limit.amount)),
    ]
    if limit.scope.kind is ScopeKind.KEY:
        short = "rpm" if limit.kind is LimitKind.REQUESTS else "tpm"
        found.append((f"x-litellm-key-{short}-limit", str(limit.amount)))
    return found
