"""What limits say of a request without its being made: nothing is taken, and nothing moves."""

from collections.abc import Iterable, Sequence

import msgspec

from gateway.admission.accounts import Account, BudgetAccount, RateAccount
from gateway.admission.places import PlaceBudgets
from gateway.admission.refusals import reset_of
from gateway.clock import Clock
from gateway.domain import Deployment, Limit
from gateway.errors import GatewayError

__all__ = ["Outlook", "Standing", "places_of", "standings_of"]


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """Where one limit stands: nano-dollars of a budget, else a count.

    `held` is what requests under way hold of a budget; of rates and slots `used` has it already.
    `resets_at_nanos` is nanoseconds since 1970; None for what does not start anew, and for a window that the
    next request opens.
    """

    limit: Limit
    used: int
    held: int
    refuses: bool
    resets_at_nanos: int | None

    @property
    def remaining(self) -> int:
        """What is left, never less than 0."""
        return max(0, self.limit.amount - self.used - self.held)


class Outlook(msgspec.Struct, frozen=True):
    """Every limit that concerns a request, in the order of refusals, and the errors that it would get.

    Where budgets and rates refuse, the answer is that of the budgets.
    """

    standings: tuple[Standing, ...]
    budget_error: GatewayError | None = None
    rate_error: GatewayError | None = None


def standings_of(
    accounts: Iterable[Account], refusing: Sequence[Account], clock: Clock
) -> tuple[Standing, ...]:
    """Read accounts, of which those in `refusing` refuse the request in question."""
    now = clock.monotonic_nanos()
    return tuple(_standing_of(account, account in refusing, now, clock.now_nanos()) for account in accounts)


def places_of(places: PlaceBudgets, deployment: Deployment, clock: Clock) -> tuple[Standing, ...]:
    """Read the budgets of a deployment and its provider."""
    accounts = places.list_accounts(deployment)
    spent = [one for one in accounts if one.money.settled + one.money.held >= one.limit.amount]
    return standings_of(accounts, spent, clock)


def _standing_of(account: Account, refuses: bool, now: int, now_of_day: int) -> Standing:  # noqa: FBT001  a fact
    limit = account.limit
    if isinstance(account, BudgetAccount):
        used, held, resets = account.money.settled, account.money.held, reset_of(account)
    elif isinstance(account, RateAccount):
        # A window that is over counts for nothing; the next request rolls it.
        is_open, held = now < account.window.ends_at, 0
        used = account.window.count if is_open else 0
        resets = now_of_day + account.window.ends_at - now if is_open else None
    else:
        used, held, resets = account.slots.used, 0, None
    return Standing(limit=limit, used=used, held=held, refuses=refuses, resets_at_nanos=resets)
