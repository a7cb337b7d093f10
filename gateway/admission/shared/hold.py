"""What one request holds of limits that several workers share."""

from collections.abc import Sequence
from types import CoroutineType
from typing import Any, Protocol

from gateway.admission.headers import Header
from gateway.admission.hold import Hold, Want
from gateway.admission.part import Part
from gateway.admission.shared.steps import RELEASE, SETTLE, RemotePart, Step
from gateway.domain import BudgetWatch, next_mark_nanos
from gateway.money import usd_text

__all__ = ["Keeper", "RemoteHold"]


class Keeper(Protocol):
    """Who brings a hold's changes to Redis."""

    watch: BudgetWatch | None

    async def extend(self, hold: "RemoteHold", cost_nanos: int) -> bool:
        """Hold so many nano-dollars more, if every budget has that much left."""
        ...

    async def finish(self, hold: "RemoteHold", step: Step) -> None:
        """End a hold; where Redis does not answer it is done later, once."""
        ...


class RemoteHold:
    """Settled or released once, later calls do nothing; the journal knows by then what it did cost.

    `began` says when its windows began, at the server. `local` is what it holds in this process: claims of
    plugins, and everything while Redis did not answer. `is_told` says whether Redis knows this hold.
    """

    __slots__ = ("_is_open", "_keeper", "began", "id", "is_told", "local", "part", "remote", "want")

    def __init__(
        self, keeper: Keeper, charge_id: str, part: Part, remote: RemotePart, want: Want, began: Sequence[int]
    ) -> None:
        self._keeper = keeper
        self._is_open = True
        self.id = charge_id
        self.part = part
        self.remote = remote
        self.want = want
        self.began = began
        self.local: Hold | None = None
        self.is_told = True

    @property
    def is_open(self) -> bool:
        """Whether the request is under way: the journal does not know yet what it did cost."""
        return self._is_open

    async def extend(self, cost_nanos: int) -> bool:
        """Hold so many nano-dollars more on every budget, if each has that much left; else nothing."""
        return await self._keeper.extend(self, cost_nanos)

    def settle(
        self, cost_nanos: int, prompt_tokens: int, completion_tokens: int
    ) -> "CoroutineType[Any, Any, None]":
        """Charge every scope of the request (nano-dollars) and correct the token windows to what was used.

        The hold is ended when this returns; to await it tells Redis.
        """
        is_open, self._is_open = self._is_open, False
        return self._settle(cost_nanos, prompt_tokens, completion_tokens) if is_open else _nothing()

    def release(self) -> "CoroutineType[Any, Any, None]":
        """Give everything back, the counted request included. The hold is ended as by `settle`."""
        is_open, self._is_open = self._is_open, False
        return self._release() if is_open else _nothing()

    async def _settle(self, cost_nanos: int, prompt_tokens: int, completion_tokens: int) -> None:
        if self.local is not None:
            await self.local.settle(cost_nanos, prompt_tokens, completion_tokens)
        used, reserved = (
            (prompt_tokens + completion_tokens, prompt_tokens, completion_tokens),
            self.want.tokens,
        )
        tokens = [used[counts] - reserved[counts] for _, _, counts in self.part.tokens]
        amounts = [0] * len(self.part.requests) + tokens
        await self._keeper.finish(self, self._step(SETTLE, cost_nanos, amounts))
        if cost_nanos and self._keeper.watch is not None:
            self._tell(self._keeper.watch)

    async def _release(self) -> None:
        if self.local is not None:
            await self.local.release()
        tokens = [-self.want.tokens[counts] for _, _, counts in self.part.tokens]
        amounts = [-1] * len(self.part.requests) + tokens
        await self._keeper.finish(self, self._step(RELEASE, 0, amounts))

    def headers(self) -> list[Header]:
        """Return the contract's headers on the key's spend and on what is left of the rates."""
        part = self.part
        found = part.fixed.copy()
        if part.key_money is not None:
            found.append(("x-litellm-key-spend", usd_text(part.key_money.settled)))
        for window, most, name in part.remaining:
            left = most - window.count
            found.append((name, str(left) if left > 0 else "0"))
        return found

    def _step(self, kind: int, cost: int, amounts: Sequence[int]) -> Step:
        return Step(kind, 0, self.id, cost, amounts, self.began)

    def _tell(self, watch: BudgetWatch) -> None:
        for account in self.part.watched:
            spent = account.money.settled
            if spent >= account.next_mark:
                account.next_mark = next_mark_nanos(account.limit, spent)
                watch(self.want.principal, account.limit, spent)


async def _nothing() -> None:
    """For a hold that has ended."""
