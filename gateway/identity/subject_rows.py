"""What one look-up of end users, tags and agents reads."""

import msgspec

from gateway.domain import Meter, ObjectPermission, Scope
from gateway.identity.rows import AgentColumns, BudgetColumns

__all__ = ["NewCustomer", "SubjectRow", "SubjectRows"]


class NewCustomer(Scope, frozen=True, cache_hash=True):
    """An end user as a key names it that has a budget (`end_user_budget_id`) for those whom nobody knows."""

    budget_id: str


class SubjectRow(msgspec.Struct, frozen=True, kw_only=True):
    """One object that a request names; `is_known` False: there is no row of it, but perhaps a default budget.

    `spent_nanos` is what the database knows, `meters` what budgets count by themselves, in nano-dollars.
    `unreadable` names what is stored and not of its form. `offered_budget_id` is the budget that the key
    which named it has for new customers. `is_nobody` says that neither a customer nor a user is meant, where
    that was asked.
    """

    scope: Scope
    is_known: bool
    is_nobody: bool = False
    offered_budget_id: str | None = None
    name: str
    spent_nanos: int = 0
    is_blocked: bool = False
    models: tuple[str, ...] = ()
    allowed_region: str | None = None
    default_model: str | None = None
    budget: BudgetColumns = BudgetColumns()
    permission: ObjectPermission | None = None
    agent: AgentColumns | None = None
    groups: tuple[str, ...] = ()
    unreadable: tuple[str, ...] = ()
    meters: tuple[tuple[Meter, int], ...] = ()

    @property
    def asked(self) -> Scope:
        """What was asked for to get this row."""
        scope, budget_id = self.scope, self.offered_budget_id
        return scope if budget_id is None else NewCustomer(scope.kind, scope.id, budget_id)


class SubjectRows(msgspec.Struct, frozen=True):
    """Rows of one moment, and how far the caller's own journal is contained in what they have spent."""

    rows: tuple[SubjectRow, ...]
    position: int
