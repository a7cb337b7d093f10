"""What one look-up of a key reads, before it becomes a Principal."""

from datetime import datetime

import msgspec

from gateway.domain import AccessGroup, ObjectPermission, Scope

__all__ = ["AgentColumns", "BudgetColumns", "KeyColumns", "KeyRow", "OwnerRow", "UserColumns"]


class BudgetColumns(msgspec.Struct, frozen=True, kw_only=True):
    """The limits of one row, or of the budget row that it links; None means no limit.

    `max_budget`, `soft_budget` and `temp_increase` are USD, times naive UTC as the schema stores them. Rates
    are per minute, `tpd_limit` per day. `model_max_budget` is what the JSON column holds.
    """

    max_budget: float | None = None
    soft_budget: float | None = None
    tpm_limit: int | None = None
    rpm_limit: int | None = None
    tpd_limit: int | None = None
    max_parallel_requests: int | None = None
    reset_at: datetime | None = None
    duration: str | None = None
    temp_increase: float | None = None
    temp_expiry: datetime | None = None
    model_max_budget: dict[str, object] = msgspec.field(default_factory=dict[str, object])


class OwnerRow(msgspec.Struct, frozen=True, kw_only=True):
    """One object on the request: `name` is what messages call it, `models` what it may use.

    `metadata` holds the rates per model, `windows` its budgets per period, `group_ids` its unified access
    groups. `unreadable` names the columns whose contents are not of the form that they should have.
    """

    scope: Scope
    name: str
    models: tuple[str, ...] = ()
    budget: BudgetColumns = BudgetColumns()
    is_blocked: bool = False
    permission_id: str | None = None
    metadata: dict[str, object] = msgspec.field(default_factory=dict[str, object])
    windows: tuple[object, ...] = ()
    group_ids: tuple[str, ...] = ()
    policies: tuple[str, ...] = ()
    unreadable: tuple[str, ...] = ()


class KeyColumns(msgspec.Struct, frozen=True, kw_only=True):
    """The columns of the key itself; `revoke_at` is set when an older secret of it was presented."""

    token_hash: str
    key_name: str | None
    key_alias: str | None
    user_id: str | None
    team_id: str | None
    organization_id: str | None
    project_id: str | None
    agent_id: str | None
    is_blocked: bool
    expires: datetime | None
    revoke_at: datetime | None
    allowed_routes: tuple[str, ...]
    aliases: dict[str, object]
    cache_controls: tuple[str, ...] = ()
    budget_fallbacks: dict[str, object] = msgspec.field(default_factory=dict[str, object])


class UserColumns(msgspec.Struct, frozen=True, kw_only=True):
    """What is taken from the key's user; `role` None with a user means that none was given."""

    email: str | None = None
    role: str | None = None
    is_known: bool = False
    cache_controls: tuple[str, ...] = ()


class AgentColumns(msgspec.Struct, frozen=True, kw_only=True):
    """What is taken from an agent beside its limits."""

    params: dict[str, object]
    session_tpm: int | None = None
    session_rpm: int | None = None


class KeyRow(msgspec.Struct, frozen=True, kw_only=True):
    """One key, joined, as of one moment.

    `owners` begin with the key. `totals` are nano-dollars spent per scope as the database knows them, and
    `position` is how far the caller's own journal is contained in them. `permissions` and `groups` are those
    that were found, of all owners.
    """

    key: KeyColumns
    user: UserColumns
    owners: tuple[OwnerRow, ...]
    team_alias: str | None
    project_alias: str | None
    team_aliases: dict[str, object]
    totals: tuple[tuple[Scope, int], ...]
    position: int
    agent: AgentColumns | None = None
    permissions: tuple[ObjectPermission, ...] = ()
    groups: tuple[AccessGroup, ...] = ()
