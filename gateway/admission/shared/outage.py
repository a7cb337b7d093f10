"""What a worker admits while it cannot ask Redis."""

from collections.abc import Hashable

from gateway.admission.hold import Want
from gateway.admission.part import Part

__all__ = ["OutagePolicy"]

_MOST_SCOPES = 100_000


class OutagePolicy:
    """Bounds what is admitted unseen during one outage, in this worker."""

    def __init__(self) -> None:
        self._spent: dict[Hashable, int] = {}

    def allows(self, part: Part, want: Want, allowance_nanos: int | None) -> bool:
        """Whether a request may be admitted unseen; it counts then.

        `allowance_nanos` is what each scope with a budget may hold in all; None admits nobody who has a
        limit. Who has none is admitted always.
        """
        if not part.accounts:
            return True
        if allowance_nanos is None:
            return False
        return want.is_free or self._spend(part, want.cost, allowance_nanos)

    def forget(self) -> None:
        """The outage is over, and everything is counted again."""
        self._spent.clear()

    def _spend(self, part: Part, cost: int, allowance_nanos: int) -> bool:
        keys = [money.key for money, _ in part.budgets]
        spent = self._spent
        if any(spent.get(key, 0) + cost > allowance_nanos for key in keys):
            return False
        if len(spent) + len(keys) > _MOST_SCOPES:
            return False
        for key in keys:
            spent[key] = spent.get(key, 0) + cost
        return True
