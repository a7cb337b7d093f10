"""What one look-up of end users, tags and agents reads."""

import msgspec

from gateway.domain import Meter, ObjectPermission, Scope
from gateway.identity.rows import AgentColumns, BudgetColumns

__all__ = ["SubjectRow", "SubjectRows"]


class SubjectRow(msgspec.Struct, frozen=True, kw_only=True):
    """One object that a request names; `is_known` False: there is no row of it, but perhaps a default budget.

    `spent_nanos` is what the database knows, `meters` what budgets count by themselves, in nano-dollars.
    `unreadable` names what is stored and not of its form.
    """

    scope: Scope
    is_known: bool
    name: str
    spent_nanos: int = 0
    is_blocked: bool = False
    models: tuple[str, ...] = ()
    allowed_region: str | None = None
    default_model: str | None = None
    budget: BudgetColumns = BudgetColumns()
    permission: ObjectPermission | None = None
    agent: AgentColumns | None = None
    unreadable: tuple[str, ...] = ()
    meters: tuple[tuple[Meter, int], ...] = ()


class SubjectRows(msgspec.Struct, frozen=True):
    """Rows of one moment, and how far the caller's own journal is contained in what they have spent."""

    rows: tuple[SubjectRow, ...]
    position: int
