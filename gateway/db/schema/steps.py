"""One statement of an upgrade, with its reason and the way in which it may run."""

from enum import StrEnum

import msgspec

__all__ = ["Step", "StepKind"]


class StepKind(StrEnum):
    """Where a statement runs.

    `IN_TRANSACTION`: with all others, or not at all. `ATTEMPT`: in a savepoint; a violation only warns.
    `CONCURRENT`: afterwards, outside a transaction, because it waits for every open one; resumable.
    """

    IN_TRANSACTION = "in_transaction"
    ATTEMPT = "attempt"
    CONCURRENT = "concurrent"


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """One statement; `is_needed` says that the gateway's queries fail without what it makes."""

    sql: str
    reason: str
    kind: StepKind = StepKind.IN_TRANSACTION
    is_needed: bool = True
