"""The ledger of one process: what is settled and held on every scope, taken and given back atomically."""

from collections.abc import Iterable

from gateway.admission.accounts import Account, Accounts, BudgetAccount, RateAccount
from gateway.admission.hold import Hold, Want
from gateway.admission.options import LedgerOptions
from gateway.admission.outlook import Outlook, standings_of
from gateway.admission.part import Part
from gateway.admission.periods import Calendar
from gateway.admission.places import PlaceBudgets
from gateway.admission.plans import Plans
from gateway.admission.refusals import Refusals
from gateway.clock import Clock
from gateway.domain import BudgetWatch, Scope

__all__ = ["Ledger", "find_refusing"]


class Ledger:
    """Counters of every scope, and the one step that takes all that a request wants or nothing.

    Nothing here awaits, so within one event loop every step is atomic. `watch` is told of budgets that near
    their limits; it may be set until the first request.
    """

    def __init__(
        self, clock: Clock, options: LedgerOptions | None = None, *, calendar: Calendar | None = None
    ) -> None:
        self.options = options or LedgerOptions()
        self.accounts = Accounts(clock, calendar, self.options.tokens_counted)
        self.plans = Plans(self.accounts, clock)
        self.watch: BudgetWatch | None = None
        self._clock = clock
        self._now = clock.monotonic_nanos
        self.places = self._build_places()
        self.configure(self.options)

    def configure(self, options: LedgerOptions) -> None:
        """Judge by other options from the next request on; what is counted stays."""
        if options.tokens_counted != self.options.tokens_counted:
            self.accounts.count_tokens(options.tokens_counted)
            self.plans.clear()
        self.options = options
        self.places.is_strict = options.is_strict
        self.plans.common = options.common
        self._refusals = Refusals(self._clock, options.budget_status)

    def _build_places(self) -> PlaceBudgets:
        return PlaceBudgets(self.accounts)

    def seed(self, totals: Iterable[tuple[Scope, int]]) -> None:
        """Set what is settled on scopes and meters, in nano-dollars; what requests hold stays as it is."""
        for scope, nanos in totals:
            self.accounts.money(scope).settled = nanos

    def settled(self, scope: Scope) -> int:
        """Return the nano-dollars settled on a scope or meter."""
        money = self.accounts.find_money(scope)
        return 0 if money is None else money.settled

    def held(self, scope: Scope) -> int:
        """Return the nano-dollars held on a scope or meter by requests under way."""
        money = self.accounts.find_money(scope)
        return 0 if money is None else money.held

    def settled_totals(self, scopes: Iterable[Scope]) -> dict[Scope, int]:
        """Nano-dollars settled on those of the scopes that are counted."""
        found = ((scope, self.accounts.find_money(scope)) for scope in scopes)
        return {scope: money.settled for scope, money in found if money is not None}

    async def refresh(self, _scopes: Iterable[Scope]) -> None:
        """Bring counters that are kept elsewhere up to date; these are not. May raise ServiceUnavailable."""

    def look(self, part: Part, want: Want) -> Outlook:
        """Say what `take` would do, limit by limit; nothing is taken."""
        now = self._now()
        extras = tuple(account for account, _ in want.extras)
        refusing = find_refusing(part, want, now, self.options)
        standings = standings_of((*part.accounts, *extras), refusing, self._clock)
        budgets = [account for account in refusing if isinstance(account, BudgetAccount)]
        rates = [account for account in refusing if not isinstance(account, BudgetAccount)]
        build = self._refusals.build
        return Outlook(
            standings,
            budget_error=build(budgets, now) if budgets else None,
            rate_error=build(rates, now) if rates else None,
        )

    def take(self, part: Part, want: Want) -> Hold:
        """Take everything, or raise for what does not fit and take nothing.

        A budget refuses when `settled + held >= limit`, in strict mode when `settled + held + cost > limit`;
        a rate when its count has reached its limit. Raises BudgetExceeded before any RateLimited.
        """
        look = self._now
        now = look()
        is_over = not want.is_free and _is_over(part, want.cost if self.options.is_strict else 0)
        if is_over or _is_full(part, now) or want.extras:
            refusing = find_refusing(part, want, now, self.options)
            if refusing:
                raise self._refusals.build(refusing, now)
        return Hold(part, want, now, self.watch)


# Every limit of every request passes these two: no calls inside.


def _is_over(part: Part, cost: int) -> bool:
    """Whether a budget is used up, or has less left than `cost`."""
    # What is not used up has a nano-dollar left.
    least = cost or 1
    for money, most in part.budgets:  # noqa: SIM110  as below
        if money.settled + money.held + least > most:
            return True
    return False


def _is_full(part: Part, now: int) -> bool:
    """Whether a rate has reached its limit, or no slot is free."""
    for window, most in part.requests:
        if window.count >= most and (now < window.ends_at or most <= 0):
            return True
    for window, most, _ in part.tokens:
        if window.count >= most and (now < window.ends_at or most <= 0):
            return True
    for slots, most in part.slots:  # noqa: SIM110  a loop; `any` would make a generator for every request
        if slots.used >= most:
            return True
    return False


def find_refusing(part: Part, want: Want, now: int, options: LedgerOptions) -> list[Account]:
    """List every account that refuses the request, in the order of refusals."""
    extras = tuple(account for account, _ in want.extras)
    accounts = (*part.accounts, *extras)
    return sorted(
        (account for account in accounts if _refuses(account, want, now, options)),
        key=lambda account: account.rank,
    )


def _refuses(account: Account, want: Want, now: int, options: LedgerOptions) -> bool:
    most = account.limit.amount
    if isinstance(account, BudgetAccount):
        used = account.money.settled + account.money.held
        cost = want.cost if options.is_strict else 0
        return not (account.limit.is_soft or want.is_free) and (used >= most or used + cost > most)
    if isinstance(account, RateAccount):
        return account.window.count >= most and (now < account.window.ends_at or most <= 0)
    return account.slots.used >= most
