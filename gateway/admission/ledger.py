"""The ledger of one process: what is settled and held on every scope, taken and given back atomically."""

from collections.abc import Iterable, Sequence

from gateway.admission.accounts import Accounts, LimitAccount
from gateway.admission.counters import Money, Slots, Window
from gateway.admission.refusals import budget_refusal, parallel_refusal, rate_refusal
from gateway.clock import Clock
from gateway.domain import Claim, Principal, Scope
from gateway.errors import GatewayError
from gateway.money import NANOS_PER_USD

__all__ = ["Hold", "Ledger"]


class Ledger:
    """Counters of every scope, and the one step that takes all claims of a request or none.

    Nothing here awaits, so within one event loop every step is atomic.
    """

    def __init__(self, clock: Clock, budget_status: int = 422) -> None:
        self._clock = clock
        self._accounts = Accounts()
        self._budget_status = budget_status

    def seed(self, totals: Iterable[tuple[Scope, int]]) -> None:
        """Set what is settled on scopes, in nano-dollars; what requests hold stays as it is."""
        for scope, nanos in totals:
            self._accounts.money(scope).settled = nanos

    def settled(self, scope: Scope) -> int:
        """Return the nano-dollars settled on a scope."""
        return self._accounts.money(scope).settled

    def held(self, scope: Scope) -> int:
        """Return the nano-dollars held on a scope by requests under way."""
        return self._accounts.money(scope).held

    def take(self, principal: Principal, claims: Sequence[Claim]) -> "Hold":
        """Take every claim, or raise for the first that does not fit and take none.

        A budget refuses when `settled + held >= limit`, a rate when its count has reached its limit.
        Raises BudgetExceeded before any RateLimited.
        """
        hold = Hold(self._accounts.of_principal(principal))
        # Every limit of every request passes here: locals, and no call for a limit that is known.
        known, budgets, rates, slots = self._accounts.known_limits, hold.budgets, hold.rates, hold.slots
        now = self._clock.monotonic_nanos()
        refused: Claim | None = None
        for claim in claims:
            limit = claim.limit
            account = known.get(id(limit)) or self._accounts.of_limit(limit)
            counter = account.counter
            if type(counter) is Money:
                if counter.settled + counter.held >= limit.amount:
                    raise budget_refusal(limit, counter.settled, counter.held, self._budget_status)
                # Of several budgets on one scope the cost is held once: they share its counter.
                is_held = budgets and any(other is counter for _, other, _ in budgets)
                budgets.append((account, counter, 0 if is_held else claim.amount))
            elif type(counter) is Window:
                if now >= counter.ends_at:
                    counter.roll(now, limit.window_seconds)
                if counter.count >= limit.amount:
                    refused = refused or claim
                rates.append((account, counter, counter.opened, claim.amount))
            elif type(counter) is Slots:
                if counter.used >= limit.amount:
                    refused = refused or claim
                slots.append(counter)
        if refused is not None:
            raise self._rate_refusal(refused, now)
        hold.open()
        return hold

    def _rate_refusal(self, claim: Claim, now: int) -> GatewayError:
        counter = self._accounts.of_limit(claim.limit).counter
        if isinstance(counter, Window):
            return rate_refusal(claim.limit, counter.count, now, counter.ends_at, self._clock.now_nanos())
        return parallel_refusal(claim.limit)


class Hold:
    """What one admitted request holds; settled or released once, later calls do nothing.

    The ledger fills `budgets`, `rates` and `slots` with what fits, and then opens it.
    """

    __slots__ = ("_is_open", "_scopes", "budgets", "rates", "slots")

    def __init__(self, scopes: tuple[Money, ...]) -> None:
        self._scopes = scopes
        self._is_open = False
        self.budgets: list[tuple[LimitAccount, Money, int]] = []
        self.rates: list[tuple[LimitAccount, Window, int, int]] = []
        self.slots: list[Slots] = []

    def open(self) -> None:
        """Take everything that was found to fit."""
        self._is_open = True
        for _, money, amount in self.budgets:
            money.held += amount
        for _, window, _, amount in self.rates:
            window.count += amount
        for slots in self.slots:
            slots.used += 1

    async def extend(self, cost_nanos: int) -> bool:
        """Hold so many nano-dollars more on every budget, if each has that much left; else nothing."""
        for account, money, _ in self.budgets:
            if money.settled + money.held + cost_nanos > account.amount:
                return False
        extended: list[Money] = []
        for index, (account, money, amount) in enumerate(self.budgets):
            if money not in extended:
                extended.append(money)
                money.held += cost_nanos
                self.budgets[index] = account, money, amount + cost_nanos
        return True

    async def settle(self, cost_nanos: int, tokens: int) -> None:
        """Charge `cost_nanos` to every scope of the caller and correct the token windows to `tokens`."""
        if not self._is_open:
            return
        self._give_back()
        for money in self._scopes:
            money.settled += cost_nanos
        for account, window, opened, amount in self.rates:
            if account.is_tokens and window.opened == opened:
                window.count += tokens - amount

    async def release(self) -> None:
        """Give everything back, the counted request included."""
        if not self._is_open:
            return
        self._give_back()
        for _, window, opened, amount in self.rates:
            if window.opened == opened:
                window.count -= amount

    def headers(self) -> list[tuple[str, str]]:
        """Return the contract's headers on the key's spend and on what is left of the rates."""
        found: list[tuple[str, str]] = []
        if self._scopes:
            # USD as `usd_from_nanos` tells them.
            spent = self._scopes[0].settled / NANOS_PER_USD
            found.append(("x-litellm-key-spend", repr(spent)))
        for account, _, _ in self.budgets:
            found += account.fixed_headers
        for account, window, opened, _ in self.rates:
            left = account.amount
            if window.opened == opened:
                left -= window.count
            found.append((account.remaining_header, str(left) if left > 0 else "0"))
            found += account.fixed_headers
        return found

    def _give_back(self) -> None:
        self._is_open = False
        for _, money, amount in self.budgets:
            money.held -= amount
        for slots in self.slots:
            slots.used -= 1
