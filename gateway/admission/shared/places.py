"""Budgets of the places that answer, where several workers count."""

import asyncio
import itertools
from collections.abc import Awaitable, Iterable, Iterator
from typing import Protocol

from gateway.admission.accounts import Accounts, BudgetAccount
from gateway.admission.counters import Money
from gateway.admission.hold import Want
from gateway.admission.part import Part, build_part
from gateway.admission.places import NOTHING_TO_DO, PlaceBudgets, PlaceHold
from gateway.admission.shared.hold import RemoteHold
from gateway.domain import Deployment, Principal
from gateway.errors import BudgetExceeded
from gateway.ids import new_charge_id

__all__ = ["SharedCounters", "SharedPlaces"]

_MOST_PARTS = 4_096
_NO_TOKENS = (0, 0, 0)
_NOBODY = Principal(token_hash="")


class SharedCounters(Protocol):
    """What the ledger in Redis does for places."""

    async def admit(self, part: Part, want: Want, charge_id: str) -> RemoteHold:
        """Take everything, or raise BudgetExceeded or ServiceUnavailable."""
        ...

    async def read(self, part: Part) -> None:
        """Set the counters of a part to what Redis says. Raises ServiceUnavailable."""
        ...

    def adopt(self, part: Part, want: Want, charge_id: str) -> RemoteHold:
        """Hold what is charged in any case."""
        ...


class SharedPlaces(PlaceBudgets):
    """The same as in one process, with a round trip to hold and one to settle."""

    def __init__(self, accounts: Accounts, counters: SharedCounters) -> None:
        super().__init__(accounts)
        self._counters = counters
        self._parts: dict[tuple[Money, ...], Part] = {}
        self._numbers = itertools.count()
        self._tasks: set[asyncio.Task[None]] = set()

    async def enter(self, deployment: Deployment, want: Want, charge_id: str) -> PlaceHold | None:
        """Hold the cost of an attempt at a place; None where its budget was used up meanwhile.

        Raises ServiceUnavailable where that cannot be known.
        """
        part = self._part_of(deployment)
        if not part.moneys:
            return PlaceHold(deployment.id)
        try:
            hold = await self._counters.admit(part, want, self._name(charge_id))
        except BudgetExceeded:
            return None
        return PlaceHold(deployment.id, part.moneys, want.cost, hold)

    def settle(self, held: PlaceHold, charged: tuple[Money, ...], nanos: int) -> Awaitable[None]:
        """Give back what an attempt held, and charge what an answer did cost."""
        endings = list(self._endings(held, charged, nanos))
        if not endings:
            return NOTHING_TO_DO
        task = asyncio.get_running_loop().create_task(_await_all(endings))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def refresh(self, deployments: Iterable[Deployment] | None = None) -> None:
        """Look places up in Redis; without any those that seem to have spent their budgets.

        Others may have given back what they held there. Raises ServiceUnavailable.
        """
        if deployments is None:
            parts = [self._lay_out(accounts) for accounts in self.list_spent()]
        else:
            parts = [self._part_of(deployment) for deployment in deployments]
        for part in parts:
            if part.moneys:
                await self._counters.read(part)

    def _endings(self, held: PlaceHold, charged: tuple[Money, ...], nanos: int) -> Iterator[Awaitable[None]]:
        hold = held.shared
        if isinstance(hold, RemoteHold):
            if charged == held.moneys:
                yield hold.settle(nanos, 0, 0)
                return
            yield hold.release()
        if charged and nanos:
            # Another place is charged than the one that was entered last.
            want = Want(_NOBODY, 0, _NO_TOKENS)
            yield self._counters.adopt(build_part((), charged), want, self._name(new_charge_id())).settle(
                nanos, 0, 0
            )

    def _name(self, charge_id: str) -> str:
        """A request may hold of several places, one after the other."""
        return f"{charge_id}:{next(self._numbers)}"

    def _part_of(self, deployment: Deployment) -> Part:
        return self._lay_out(tuple(self.list_accounts(deployment)))

    def _lay_out(self, accounts: tuple[BudgetAccount, ...]) -> Part:
        """The part of a place, made once per period."""
        moneys = tuple(account.money for account in accounts)
        part = self._parts.get(moneys)
        if part is None:
            if len(self._parts) >= _MOST_PARTS:
                self._parts.clear()
            part = self._parts[moneys] = build_part(accounts, ())
            # Nobody watches places: their marks are no caller's business.
            part.watched = ()
        return part


async def _await_all(endings: Iterable[Awaitable[None]]) -> None:
    for ending in endings:
        await ending
