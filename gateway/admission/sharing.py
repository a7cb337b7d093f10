"""What a gateway asks of the part that shares its limits with other workers."""

from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Protocol

from gateway.admission.hookimpls import AdmissionHooks
from gateway.admission.ledger import Ledger
from gateway.domain import Scope

__all__ = ["Member", "Sharing", "StandStill", "Stillness"]


class Stillness(Protocol):
    """A journal that is in the database and does not move on: what is charged meanwhile is known by scope."""

    def charged_since(self) -> dict[Scope, int]:
        """Nano-dollars per scope that were charged since the journal stands still."""
        ...


StandStill = Callable[[], AbstractAsyncContextManager[Stillness]]
"""Brings a worker's journal into the database and keeps it still until the block ends."""


class Member(Protocol):
    """What keeps a worker among those that share limits."""

    @property
    def is_alone(self) -> bool:
        """Whether no other worker counts at present."""
        ...

    def note_change(self, scopes: Sequence[Scope] | None) -> None:
        """Learn that spend has changed otherwise than by requests; None means anybody's."""
        ...

    async def open(self) -> None:
        """Join. Raises StartupError where the counters cannot be reached, and DatabaseUnavailable."""
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
