"""What one request takes, laid out flat: made once per caller and model, walked through for every request."""

from collections.abc import Iterable, Sequence
from operator import attrgetter

from gateway.admission.accounts import Account, BudgetAccount, RateAccount, SlotsAccount
from gateway.admission.counters import Money, Slots, Window
from gateway.admission.headers import Header, fixed_headers
from gateway.domain import Scope

__all__ = ["Part", "build_part", "counts_requests", "merge_parts", "without_requests", "without_slots"]

_NEVER = 2**63 - 1
_rank = attrgetter("rank")


class Part:
    """Counters of some scopes and limits, sorted by what is done with them.

    `moneys` hold and settle the cost; `budgets`, `requests`, `tokens` and `slots` are the counters that can
    refuse, each with its limit; `counted` are the windows of tokens by what they count; `watched` are the
    budgets whose marks somebody wants to know. `charged` are the scopes that the journal does not know from
    the caller: meters. `accounts` is everything in the order of refusals. `seen_at` and `ends_at` bound the
    time of day for which all this holds. No window of `windows` ends before `rolls_at` (monotonic). `shared`
    is what a ledger in Redis made of it.
    """

    __slots__ = (
        "accounts",
        "budgets",
        "charged",
        "counted",
        "ends_at",
        "fixed",
        "key_money",
        "known",
        "moneys",
        "remaining",
        "requests",
        "rolls_at",
        "seen_at",
        "shared",
        "slots",
        "tokens",
        "watched",
        "windows",
    )

    def __init__(self, accounts: Iterable[Account], moneys: Iterable[Money], key_money: Money | None) -> None:
        self.accounts = tuple(sorted(accounts, key=_rank))
        budgets = [item for item in self.accounts if isinstance(item, BudgetAccount)]
        rates = [item for item in self.accounts if isinstance(item, RateAccount)]
        own = tuple(moneys)
        self.moneys: tuple[Money, ...] = tuple(dict.fromkeys((*own, *(item.money for item in budgets))))
        self.charged: tuple[Scope, ...] = tuple(item.key for item in self.moneys if item not in own)
        self.key_money = key_money
        self.budgets: tuple[tuple[Money, int], ...] = tuple(
            item.check for item in budgets if not item.limit.is_soft
        )
        self.watched = tuple(budgets)
        self.requests: tuple[tuple[Window, int], ...] = tuple(
            (item.window, item.limit.amount) for item in rates if item.counts is None
        )
        self.tokens: tuple[tuple[Window, int, int], ...] = tuple(
            (item.window, item.limit.amount, item.counts) for item in rates if item.counts is not None
        )
        self.counted = _by_kind(self.tokens)
        self.windows = tuple(dict.fromkeys(item.window for item in rates))
        self.rolls_at = 0
        self.slots: tuple[tuple[Slots, int], ...] = tuple(
            item.check for item in self.accounts if isinstance(item, SlotsAccount)
        )
        self.fixed, self.remaining = _headers(budgets, rates)
        self.known = frozenset(id(item.limit) for item in self.accounts)
        self.ends_at = min((item.ends_at for item in budgets), default=_NEVER)
        self.seen_at = max((item.seen_at for item in budgets), default=0)
        self.shared: object = None

    def roll(self, now: int) -> None:
        """Begin those windows anew that have ended at `now`.

        Requests of other parts begin them as well, so that an end is never nearer than it was.
        """
        for window in self.windows:
            if now >= window.ends_at:
                window.roll(now)
        self.rolls_at = min((window.ends_at for window in self.windows), default=_NEVER)


def build_part(accounts: Iterable[Account], moneys: Iterable[Money], key_money: Money | None = None) -> Part:
    """Lay out the limits of one owner and the moneys of its scopes; `key_money` is told in the headers."""
    return Part(accounts, moneys, key_money)


def merge_parts(parts: Sequence[Part]) -> Part:
    """Lay out several parts as one; what stands in two of them is taken once."""
    charged = dict.fromkeys(key for part in parts for key in part.charged)
    accounts = dict.fromkeys(item for part in parts for item in part.accounts)
    moneys = (money for part in parts for money in part.moneys if money.key not in charged)
    return Part(accounts, moneys, parts[0].key_money)


def without_slots(part: Part) -> Part:
    """The same for a request that only waits, and counts for no limit of requests under way."""
    return _keep(part, (item for item in part.accounts if not isinstance(item, SlotsAccount)))


def without_requests(part: Part) -> Part:
    """The same for a call that is no request of its own: money and tokens count, nothing else."""
    return _keep(part, (item for item in part.accounts if not counts_requests(item)))


def counts_requests(account: Account) -> bool:
    """Whether an account counts requests, made or under way."""
    return isinstance(account, SlotsAccount) or (isinstance(account, RateAccount) and account.counts is None)


def _keep(part: Part, accounts: Iterable[Account]) -> Part:
    return Part(accounts, (money for money in part.moneys if money.key not in part.charged), part.key_money)


def _by_kind(tokens: Iterable[tuple[Window, int, int]]) -> tuple[tuple[int, tuple[Window, ...]], ...]:
    """Windows by the place of what they count among total, input and output."""
    found: dict[int, list[Window]] = {}
    for window, _, counts in tokens:
        found.setdefault(counts, []).append(window)
    return tuple((counts, tuple(windows)) for counts, windows in found.items())


def _headers(
    budgets: Iterable[BudgetAccount], rates: Iterable[RateAccount]
) -> tuple[list[Header], tuple[tuple[Window, int, str], ...]]:
    """The headers that never change, and those whose number does; of one name there is one."""
    fixed: dict[str, str] = {}
    remaining: dict[str, tuple[Window, int, str]] = {}
    for budget in budgets:
        fixed |= dict(fixed_headers(budget.limit))
    for rate in rates:
        for name, value in rate.fixed:
            fixed.setdefault(name, value)
        for window, amount, name in rate.remaining:
            remaining.setdefault(name, (window, amount, name))
    return list(fixed.items()), tuple(remaining.values())
