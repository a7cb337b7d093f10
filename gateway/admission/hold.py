"""What one admitted request holds of its limits, in the counters of this process."""

from collections.abc import Sequence

import msgspec

from gateway.admission.accounts import Account, BudgetAccount, RateAccount, SlotsAccount
from gateway.admission.headers import Header
from gateway.admission.part import Part
from gateway.domain import BudgetWatch, Principal, next_mark_nanos
from gateway.money import usd_text

__all__ = ["Extra", "Hold", "Want"]

Extra = tuple[Account, int]
"""A claim of a plugin: the account of its limit, and the amount."""


class Want(msgspec.Struct, eq=False):
    """What a request asks for: nano-dollars, and tokens as (total, input, output)."""

    # A struct, for its constructor is not a Python function.

    principal: Principal
    cost: int
    tokens: tuple[int, int, int]
    is_free: bool = False
    extras: Sequence[Extra] = ()


class Hold:
    """Settled or released once, later calls do nothing. `taken_at` is monotonic nanoseconds.

    A window that began after `taken_at` is not the one in which the request was counted.
    """

    __slots__ = ("_is_open", "_moneys", "_part", "_taken_at", "_want", "_watch")

    def __init__(self, part: Part, want: Want, taken_at: int, watch: BudgetWatch | None) -> None:
        """Take everything; whether it fits was looked at before, without an `await` since."""
        self._part = part
        self._want = want
        self._taken_at = taken_at
        self._watch = watch
        self._is_open = True
        self._moneys = part.moneys
        cost = want.cost
        for money in self._moneys:
            money.held += cost
        if taken_at >= part.rolls_at:
            part.roll(taken_at)
        for window, _ in part.requests:
            window.count += 1
        tokens = want.tokens
        for counts, windows in part.counted:
            reserved = tokens[counts]
            for window in windows:
                window.count += reserved
        for slots, _ in part.slots:
            slots.used += 1
        for account, amount in want.extras:
            self._take(account, amount)

    async def extend(self, cost_nanos: int) -> bool:
        """Hold so many nano-dollars more on every budget, if each has that much left; else nothing."""
        # A request for a free model too: what it turns to now is not free.
        for money, most in self._part.budgets:
            if money.settled + money.held + cost_nanos > most:
                return False
        for money in self._moneys:
            money.held += cost_nanos
        self._want.cost += cost_nanos
        return True

    async def settle(self, cost_nanos: int, prompt_tokens: int, completion_tokens: int) -> None:
        """Charge every scope of the request (nano-dollars) and correct the token windows to what was used."""
        if not self._is_open:
            return
        self._is_open = False
        held, part = self._want.cost, self._part
        for money in self._moneys:
            money.held -= held
            money.settled += cost_nanos
        for slots, _ in part.slots:
            slots.used -= 1
        if part.tokens:
            self._correct((prompt_tokens + completion_tokens, prompt_tokens, completion_tokens))
        for account, amount in self._want.extras:
            self._settle(account, amount, cost_nanos, prompt_tokens + completion_tokens)
        if cost_nanos and self._watch is not None:
            self._tell(self._watch)

    async def release(self) -> None:
        """Give everything back, the counted request included."""
        if not self._is_open:
            return
        self._is_open = False
        held, part, taken_at = self._want.cost, self._part, self._taken_at
        for money in self._moneys:
            money.held -= held
        for slots, _ in part.slots:
            slots.used -= 1
        for window, _ in part.requests:
            if window.began <= taken_at:
                window.count -= 1
        for window, _, counts in part.tokens:
            if window.began <= taken_at:
                window.count -= self._want.tokens[counts]
        for account, amount in self._want.extras:
            self._give_back(account, amount)

    def headers(self) -> list[Header]:
        """Return the contract's headers on the key's spend and on what is left of the rates."""
        part = self._part
        found = part.fixed.copy()
        if part.key_money is not None:
            found.append(("x-litellm-key-spend", usd_text(part.key_money.settled)))
        found += [
            (name, str(most - window.count) if window.count < most else "0")
            for window, most, name in part.remaining
        ]
        return found

    def _correct(self, used: tuple[int, int, int]) -> None:
        taken_at, reserved = self._taken_at, self._want.tokens
        for counts, windows in self._part.counted:
            more = used[counts] - reserved[counts]
            for window in windows:
                if window.began <= taken_at:
                    window.count += more

    def _tell(self, watch: BudgetWatch) -> None:
        for account in self._part.watched:
            spent = account.money.settled
            if spent >= account.next_mark:
                account.next_mark = next_mark_nanos(account.limit, spent)
                watch(self._want.principal, account.limit, spent)

    def _take(self, account: Account, amount: int) -> None:
        if isinstance(account, BudgetAccount):
            # Money that the request holds already is not held twice.
            if account.money not in self._moneys:
                account.money.held += amount
        elif isinstance(account, RateAccount):
            if self._taken_at >= account.window.ends_at:
                account.window.roll(self._taken_at)
            account.window.count += amount
        else:
            account.slots.used += 1

    def _settle(self, account: Account, amount: int, cost_nanos: int, tokens: int) -> None:
        if isinstance(account, RateAccount):
            if account.counts is not None and account.window.began <= self._taken_at:
                account.window.count += tokens - amount
            return
        self._give_back(account, amount)
        if isinstance(account, BudgetAccount) and account.money not in self._moneys:
            account.money.settled += cost_nanos

    def _give_back(self, account: Account, amount: int) -> None:
        if isinstance(account, SlotsAccount):
            account.slots.used -= 1
        elif isinstance(account, RateAccount):
            if account.window.began <= self._taken_at:
                account.window.count -= amount
        elif account.money not in self._moneys:
            account.money.held -= amount
