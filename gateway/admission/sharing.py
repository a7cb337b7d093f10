"""What a gateway asks of the part that shares its limits with other workers."""

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Protocol

import msgspec

from gateway.admission.hookimpls import AdmissionHooks
from gateway.admission.ledger import Ledger
from gateway.domain import Scope

__all__ = ["FindCosts", "Member", "Sharing", "SharingState", "StandStill", "Stillness"]


class Stillness(Protocol):
    """A journal that is in the database and does not move on: what is charged meanwhile is known by scope."""

    def charged_since(self) -> dict[Scope, int]:
        """Nano-dollars per scope that were charged since the journal stands still."""
        ...


FindCosts = Callable[[Collection[str]], Awaitable[tuple[Mapping[str, int], bool]]]
"""Finds nano-dollars by charge ids in a journal, and whether that is there from its beginning."""
StandStill = Callable[[], AbstractAsyncContextManager[Stillness]]
"""Brings a worker's journal into the database and keeps it still until the block ends."""


class SharingState(msgspec.Struct, frozen=True, kw_only=True):
    """How a worker stands to the others.

    `is_counting`: its limits are those of all at present. `workers` is how many count, itself included;
    `calls` were made for `steps` of requests, `reaped` holds of dead workers were settled, since the start.
    """

    is_counting: bool
    workers: int
    calls: int
    steps: int
    reaped: int


class Member(Protocol):
    """What keeps a worker among those that share limits."""

    @property
    def state(self) -> SharingState:
        """How this worker stands to the others."""
        ...

    def note_change(self, scopes: Sequence[Scope] | None) -> None:
        """Learn that spend has changed otherwise than by requests; None means anybody's."""
        ...

    async def open(self) -> None:
        """Join. Raises StartupError where the counters cannot be reached, and DatabaseUnavailable."""
        ...

    async def settle_holds(self, worker: str, find_costs: FindCosts) -> bool:
        """Settle what a dead worker held, by its journal; False where that must be tried again."""
        ...

    async def run(self) -> None:
        """Stay a member until cancelled."""
        ...

    async def close(self) -> None:
        """Leave."""
        ...


class Sharing(Protocol):
    """One worker's part in limits that several workers share."""

    @property
    def ledger(self) -> Ledger:
        """The ledger, whose counters are elsewhere."""
        ...

    def build_hooks(self) -> AdmissionHooks:
        """Build the hooks that admit by this ledger."""
        ...

    def join(self, stand_still: StandStill) -> Member:
        """Build what keeps this worker a member."""
        ...
