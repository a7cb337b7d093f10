"""The ledger of one process: what is settled and held on every scope, taken and given back atomically."""

from collections.abc import Iterable, Sequence

from gateway.admission.accounts import Accounts, LimitAccount
from gateway.admission.counters import Money, Slots, Window
from gateway.admission.refusals import budget_refusal, parallel_refusal, rate_refusal
from gateway.clock import Clock
from gateway.domain import Claim, LimitKind, Principal, Scope
from gateway.errors import RateLimited
from gateway.money import usd_from_nanos

__all__ = ["Hold", "Ledger"]

_TOKENS = LimitKind.TOKENS


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
        now = self._clock.monotonic_nanos()
        taken: list[tuple[LimitAccount, Claim, int]] = []
        refused: tuple[LimitAccount, Claim] | None = None
        for claim in claims:
            account = self._accounts.of_limit(claim.limit)
            counter = account.counter
            if type(counter) is Money:
                if counter.settled + counter.held >= claim.limit.amount:
                    raise budget_refusal(claim.limit, counter.settled, counter.held, self._budget_status)
            elif not _has_room(counter, claim, now) and refused is None:
                refused = account, claim
            taken.append((account, claim, counter.opened if type(counter) is Window else 0))
        if refused is not None:
            raise self._rate_refusal(*refused, now)
        return Hold(self._accounts.of_principal(principal), taken)

    def _rate_refusal(self, account: LimitAccount, claim: Claim, now: int) -> RateLimited:
        counter = account.counter
        if isinstance(counter, Window):
            return rate_refusal(claim.limit, counter.count, now, counter.ends_at, self._clock.now_nanos())
        return parallel_refusal(claim.limit)


def _has_room(counter: Window | Slots | Money, claim: Claim, now: int) -> bool:
    if type(counter) is Window:
        if now >= counter.ends_at:
            counter.roll(now, claim.limit.window_seconds)
        return counter.count < claim.limit.amount
    return type(counter) is Slots and counter.used < claim.limit.amount


class Hold:
    """What one admitted request holds; settled or released once, later calls do nothing."""

    __slots__ = ("_is_open", "_scopes", "_taken")

    def __init__(self, scopes: tuple[Money, ...], taken: list[tuple[LimitAccount, Claim, int]]) -> None:
        self._scopes = scopes
        self._taken = taken
        self._is_open = True
        for account, claim, _ in taken:
            counter = account.counter
            if type(counter) is Money:
                counter.held += claim.amount
            elif type(counter) is Window:
                counter.count += claim.amount
            elif type(counter) is Slots:
                counter.used += 1

    async def extend(self, cost_nanos: int) -> bool:
        """Hold so many nano-dollars more on every budget, if each has that much left; else nothing."""
        for account, claim, _ in self._taken:
            counter = account.counter
            if type(counter) is Money and counter.settled + counter.held + cost_nanos > claim.limit.amount:
                return False
        for index, (account, claim, opened) in enumerate(self._taken):
            counter = account.counter
            if type(counter) is Money:
                counter.held += cost_nanos
                self._taken[index] = account, Claim(claim.limit, claim.amount + cost_nanos), opened
        return True

    async def settle(self, cost_nanos: int, tokens: int) -> None:
        """Charge `cost_nanos` to every scope of the caller and correct the token windows to `tokens`."""
        if not self._is_open:
            return
        self._give_back()
        for money in self._scopes:
            money.settled += cost_nanos
        for account, claim, opened in self._taken:
            counter = account.counter
            if type(counter) is Window and claim.limit.kind is _TOKENS and counter.opened == opened:
                counter.count += tokens - claim.amount

    async def release(self) -> None:
        """Give everything back, the counted request included."""
        if not self._is_open:
            return
        self._give_back()
        for account, claim, opened in self._taken:
            counter = account.counter
            if type(counter) is Window and counter.opened == opened:
                counter.count -= claim.amount

    def headers(self) -> list[tuple[bytes, bytes]]:
        """Return the contract's headers on the key's spend and on what is left of the rates."""
        found: list[tuple[bytes, bytes]] = []
        if self._scopes:
            found.append((b"x-litellm-key-spend", str(usd_from_nanos(self._scopes[0].settled)).encode()))
        for account, claim, opened in self._taken:
            counter = account.counter
            if type(counter) is Window:
                used = counter.count if counter.opened == opened else 0
                left = max(0, claim.limit.amount - used)
                found.append((account.remaining_header, b"%d" % left))
            found += account.fixed_headers
        return found

    def _give_back(self) -> None:
        self._is_open = False
        for account, claim, _ in self._taken:
            counter = account.counter
            if type(counter) is Money:
                counter.held -= claim.amount
            elif type(counter) is Slots:
                counter.used -= 1
