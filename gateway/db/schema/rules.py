"""The exceptions to `send only what is missing`, each read from the history of LiteLLM's own migrations."""

from collections.abc import Mapping
from types import MappingProxyType

__all__ = [
    "FORMER_FOREIGN_KEYS",
    "LARGE_TABLE_BYTES",
    "LARGE_TABLE_ROWS",
    "SUPERSEDED_INDEXES",
    "TOLERATED_COLUMNS",
    "TOLERATED_TABLES",
    "WIDENINGS",
]

# 20260915000000_scope_jwt_key_mapping_by_issuer replaces both; the wider key cannot meet duplicates.
SUPERSEDED_INDEXES: tuple[tuple[str, str], ...] = (
    (
        "LiteLLM_JWTKeyMapping_jwt_claim_name_jwt_claim_value_is_act_idx",
        "LiteLLM_JWTKeyMapping_jwt_issuer_jwt_claim_name_jwt_claim_v_idx",
    ),
    (
        "LiteLLM_JWTKeyMapping_jwt_claim_name_jwt_claim_value_key",
        "LiteLLM_JWTKeyMapping_jwt_issuer_jwt_claim_name_jwt_claim_v_key",
    ),
)

# Until 20250625145206, deleting a budget deleted the memberships that used it. A foreign key is replaced only
# when it has the former rule: a later release may have its own reason for another one.
FORMER_FOREIGN_KEYS: Mapping[str, str] = MappingProxyType(
    {
        "LiteLLM_TeamMembership_budget_id_fkey": (
            'FOREIGN KEY (budget_id) REFERENCES "LiteLLM_BudgetTable"(budget_id) '
            "ON UPDATE CASCADE ON DELETE CASCADE"
        ),
    }
)

# Left behind by older releases or made by one that the baseline covers: no sign of a newer database.
TOLERATED_TABLES = frozenset({"LiteLLM_MCPUserEnvVars"})
TOLERATED_COLUMNS = frozenset(
    {("LiteLLM_MCPServerTable", "env_vars"), ("LiteLLM_MCPServerTable", "spec_version")}
)

# (wanted, live): the live type holds every value that the wanted one does.
WIDENINGS = frozenset(
    {("integer", "bigint"), ("timestamp(3) without time zone", "timestamp without time zone")}
)

# From here on an index is built concurrently, because a plain build blocks the writers of the table.
LARGE_TABLE_ROWS = 200_000
LARGE_TABLE_BYTES = 128 * 1024 * 1024
