"""From the columns of the joined look-up to its rows; what cannot be read is named, never passed over."""

from collections.abc import Iterator

from gateway.db.connection import Record
from gateway.domain import Scope, ScopeKind
from gateway.identity.columns import Columns
from gateway.identity.meters import read_meters
from gateway.identity.permissions import read_groups, read_permissions
from gateway.identity.rows import AgentColumns, BudgetColumns, KeyColumns, KeyRow, OwnerRow, UserColumns
from gateway.identity.stored_values import read_names, read_object

__all__ = ["read_key_row"]

_RATES_PER_MODEL = ("model_rpm_limit", "model_tpm_limit")


def read_key_row(row: Record) -> KeyRow:
    """Build the rows of one key from the record of `FIND_KEY`."""
    columns = Columns(row)
    owners = tuple(_owners(columns))
    user = UserColumns(
        email=row["user_email"],
        role=row["user_role"],
        is_known=row["u_id"] is not None,
        cache_controls=read_names(row["u_cache_controls"]),
    )
    return KeyRow(
        key=_key(row),
        user=user,
        owners=tuple(owner for owner, _ in owners),
        team_alias=row["team_alias"],
        project_alias=row["project_alias"],
        team_aliases=read_object(row["team_aliases"]) or {},
        totals=(*((owner.scope, nanos) for owner, nanos in owners), *read_meters(row["meters"])),
        position=row["position"],
        agent=_agent(row),
        permissions=read_permissions(row["permissions"]),
        groups=read_groups(row["access_groups"]),
    )


def _key(row: Record) -> KeyColumns:
    return KeyColumns(
        token_hash=row["token"],
        key_name=row["key_name"],
        key_alias=row["key_alias"],
        user_id=row["user_id"],
        team_id=row["team_id"],
        organization_id=row["organization_id"],
        project_id=row["project_id"],
        agent_id=row["agent_id"],
        is_blocked=row["blocked"],
        expires=row["expires"],
        revoke_at=row["revoke_at"],
        allowed_routes=read_names(row["allowed_routes"]),
        aliases=read_object(row["aliases"]) or {},
        cache_controls=read_names(row["allowed_cache_controls"]),
        budget_fallbacks=read_object(row["budget_fallbacks"]) or {},
    )


def _agent(row: Record) -> AgentColumns | None:
    if row["g_id"] is None:
        return None
    return AgentColumns(
        params=read_object(row["g_params"]) or {},
        session_tpm=row["session_tpm_limit"],
        session_rpm=row["session_rpm_limit"],
    )


def _owners(columns: Columns) -> Iterator[tuple[OwnerRow, int]]:
    """Every object whose spend grows with the key's requests, with it in nano-dollars; the key first."""
    row = columns.row
    yield _key_owner(columns)
    if row["t_id"] is not None:
        yield _team_owner(columns)
    if row["m_id"] is not None:
        yield _member(columns, "m", ScopeKind.TEAM_MEMBER, row["team_id"])
    if row["u_id"] is not None:
        budget = columns.budget("u")
        metadata = columns.read_metadata("u_metadata")
        yield columns.owner("u", ScopeKind.USER, row["user_alias"], budget, metadata=metadata)
    if row["p_id"] is not None:
        yield _project_owner(columns)
    if row["o_id"] is not None:
        budget = columns.budget("ob")
        metadata = columns.read_metadata("o_metadata")
        yield columns.owner("o", ScopeKind.ORGANIZATION, row["organization_alias"], budget, metadata=metadata)
    if row["n_id"] is not None:
        yield _member(columns, "n", ScopeKind.ORGANIZATION_MEMBER, row["organization_id"])
    if row["g_id"] is not None:
        columns.check_object("g_params", "litellm_params")
        budget = BudgetColumns(tpm_limit=row["g_tpm_limit"], rpm_limit=row["g_rpm_limit"])
        yield columns.owner("g", ScopeKind.AGENT, row["agent_name"], budget)


def _key_owner(columns: Columns) -> tuple[OwnerRow, int]:
    row = columns.row
    columns.check_object("aliases")
    owner = OwnerRow(
        scope=Scope(ScopeKind.KEY, row["token"]),
        name=row["key_alias"] or row["key_name"] or "",
        models=read_names(row["models"]),
        budget=_first_of(columns.budget("k"), columns.budget("kb")),
        permission_id=row["object_permission_id"],
        metadata=columns.read_metadata("metadata"),
        windows=columns.read_windows("budget_limits"),
        group_ids=read_names(row["access_group_ids"]),
        policies=read_names(row["policies"]),
    )
    return columns.complete(owner, row["spend"])


def _team_owner(columns: Columns) -> tuple[OwnerRow, int]:
    row = columns.row
    windows = columns.read_windows("t_budget_limits")
    metadata = columns.read_metadata("t_metadata")
    if row["m_id"] is not None and row["member_budget_id"] is not None and row["mb_id"] is None:
        columns.refuse("metadata.team_member_budget_id")
    return columns.owner(
        "t",
        ScopeKind.TEAM,
        row["team_alias"],
        columns.budget("t"),
        metadata=metadata,
        windows=windows,
        group_ids=read_names(row["t_access_group_ids"]),
    )


def _project_owner(columns: Columns) -> tuple[OwnerRow, int]:
    metadata = columns.read_metadata("p_metadata")
    for name in _RATES_PER_MODEL:
        rates = columns.check_object(f"p_{name}", name)
        if rates:
            metadata[name] = rates
    return columns.owner(
        "p", ScopeKind.PROJECT, columns.row["project_alias"], columns.budget("pb"), metadata=metadata
    )


def _member(columns: Columns, prefix: str, kind: ScopeKind, group_id: str) -> tuple[OwnerRow, int]:
    row = columns.row
    identifier = f"{row['user_id']}:{group_id}"
    models = read_names(row[f"{prefix}_models"])
    if kind is ScopeKind.TEAM_MEMBER and not models:
        models = read_names(row["default_team_member_models"])
    owner = OwnerRow(
        scope=Scope(kind, identifier), name=identifier, models=models, budget=columns.budget(f"{prefix}b")
    )
    return columns.complete(owner, row[f"{prefix}_spend"])


def _first_of(own: BudgetColumns, linked: BudgetColumns) -> BudgetColumns:
    """The key's own limits, and those of its budget row where it has none.

    A temporary increase of the row belongs to the row's budget, and the row's resets to a key without a
    duration of its own.
    """
    follows = own.max_budget is None
    return BudgetColumns(
        max_budget=linked.max_budget if follows else own.max_budget,
        soft_budget=linked.soft_budget,
        tpm_limit=linked.tpm_limit if own.tpm_limit is None else own.tpm_limit,
        rpm_limit=linked.rpm_limit if own.rpm_limit is None else own.rpm_limit,
        tpd_limit=linked.tpd_limit if own.tpd_limit is None else own.tpd_limit,
        max_parallel_requests=(
            linked.max_parallel_requests if own.max_parallel_requests is None else own.max_parallel_requests
        ),
        reset_at=(own.reset_at if own.duration else linked.reset_at) or own.reset_at,
        duration=own.duration or linked.duration,
        temp_increase=linked.temp_increase if follows else None,
        temp_expiry=linked.temp_expiry if follows else None,
        model_max_budget=own.model_max_budget or linked.model_max_budget,
    )
