"""What is told when the spend of a budget comes near its limit or passes it, and when providers fail."""

from enum import StrEnum
from typing import Protocol

from gateway.domain.deployment import Deployment
from gateway.domain.identity import Principal
from gateway.domain.limits import Limit
from gateway.errors import UpstreamError

__all__ = ["BudgetMark", "BudgetWatch", "UpstreamWatch", "first_mark_nanos", "next_mark_nanos"]

_NEVER = 2**63 - 1
_PERCENTS = (80, 85, 95, 100)


class BudgetMark(StrEnum):
    """How far a budget is used up, named as the contract's alert events."""

    SOFT = "soft_budget_crossed"
    """A soft limit was reached; nothing is refused."""
    NEAR = "max_budget_alert"
    """At least 80 percent of the budget is spent."""
    THRESHOLD = "threshold_crossed"
    """At most 15, and again at most 5 percent of the budget are left."""
    CROSSED = "budget_crossed"
    """The budget is spent: requests are refused."""


class BudgetWatch(Protocol):
    """Told by whoever settles: must return at once, and never raises."""

    def __call__(self, principal: Principal, limit: Limit, spent_nanos: int, /) -> None:
        """Learn that the settled spend of a budget has reached one of its marks.

        Called for a settlement that brings `spent_nanos` to the awaited mark or above; awaited is at first
        `first_mark_nanos`, from then on `next_mark_nanos`. Being told of one mark twice, by several workers
        or after a budget was read anew, does no harm: what goes out is de-duplicated.
        """
        ...


class UpstreamWatch(Protocol):
    """Told by whoever calls providers: must return at once, and never raises."""

    def note_failure(self, deployment: Deployment, error: UpstreamError) -> None:
        """Learn that a call failed by the provider's fault."""
        ...

    def note_cooldown(self, deployment: Deployment, seconds: float, error: UpstreamError) -> None:
        """Learn that a deployment is left alone for so many seconds, and after which failure."""
        ...


def first_mark_nanos(limit: Limit) -> int:
    """The spend in nano-dollars at which a budget's watch is told first."""
    return next_mark_nanos(limit, -1)


def next_mark_nanos(limit: Limit, spent_nanos: int) -> int:
    """The smallest mark of a budget above what is spent; larger than any spend when there is none."""
    if limit.amount <= 0:
        # A soft budget of nothing is crossed by the first nano-dollar.
        return 1 if limit.is_soft and spent_nanos < 1 else _NEVER
    percents = (100,) if limit.is_soft else _PERCENTS
    # Rounded up: below the mark the percentage is not reached.
    marks = (-(-limit.amount * percent // 100) for percent in percents)
    return next((mark for mark in marks if mark > spent_nanos), _NEVER)
