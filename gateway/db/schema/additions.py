"""The columns of later LiteLLM releases that the contract needs, each with the migration that brings it."""

import msgspec

__all__ = [
    "ADDITIONAL_INDEXES",
    "ADDITIONS",
    "BASELINE_BEFORE",
    "EXCLUDED_COLUMNS",
    "EXCLUDED_TABLES",
    "OWN_INDEXES",
    "Addition",
]

# Migrations whose folder names sort before this make the schema that the baseline reproduces.
BASELINE_BEFORE = "20260602"

# Made by 20260520120000_add_mcp_env_vars, yet not part of the prescribed schema; that migration says
# IF NOT EXISTS, so that it still applies to a database of ours.
EXCLUDED_TABLES = frozenset({"LiteLLM_MCPUserEnvVars"})
EXCLUDED_COLUMNS = frozenset({("LiteLLM_MCPServerTable", "env_vars")})


class Addition(msgspec.Struct, frozen=True):
    """One column of a later release: its table, its name and the LiteLLM migration folder that adds it."""

    table: str
    column: str
    migration: str


_KEY_TABLES = ("LiteLLM_VerificationToken", "LiteLLM_DeletedVerificationToken")
_TPD_TABLES = ("LiteLLM_BudgetTable", "LiteLLM_TeamTable", "LiteLLM_DeletedTeamTable", *_KEY_TABLES)
_KEY_COLUMNS = (
    ("budget_fallbacks", "20260630190000_add_budget_fallbacks_to_litellm_verification_token"),
    ("key_type", "20260713230852_add_key_type_to_litellm_verification_token"),
    ("settings_updated_at", "20260810000000_add_verificationtoken_settings_updated_at"),
    ("total_spend", "20260916000000_add_key_total_spend"),
)

ADDITIONS: tuple[Addition, ...] = (
    *(Addition(table, column, migration) for table in _KEY_TABLES for column, migration in _KEY_COLUMNS),
    *(Addition(table, "tpd_limit", "20260913000000_add_tpd_limit") for table in _TPD_TABLES),
    Addition("LiteLLM_BudgetTable", "temp_budget_increase", "20260917000000_add_budget_temp_increase"),
    Addition("LiteLLM_BudgetTable", "temp_budget_expiry", "20260917000000_add_budget_temp_increase"),
    Addition("LiteLLM_EndUserTable", "models", "20260930000000_add_end_user_models"),
    Addition("LiteLLM_JWTKeyMapping", "jwt_issuer", "20260915000000_scope_jwt_key_mapping_by_issuer"),
    Addition("LiteLLM_SpendLogs", "litellm_call_id", "20260831120000_add_litellm_call_id_spend_logs"),
    Addition("LiteLLM_ObjectPermissionTable", "skills", "20260910000000_skills_on_object_permission"),
    Addition("LiteLLM_PolicyAttachmentTable", "priority", "20260917055603_add_policy_attachment_priority"),
    Addition(
        "LiteLLM_PolicyAttachmentTable", "is_default", "20260920041500_add_policy_attachment_is_default"
    ),
    Addition("LiteLLM_CredentialsTable", "display_name", "20261009000000_add_credential_display_name"),
)

# LiteLLM builds this one after its migrations, concurrently (litellm_proxy_extras.request_log_indexes), so
# that no migration folder leaves it behind; GET /spend/logs?request_id= looks the column up.
ADDITIONAL_INDEXES: tuple[tuple[str, str, str], ...] = (
    ("LiteLLM_SpendLogs", "LiteLLM_SpendLogs_litellm_call_id_idx", "litellm_call_id"),
)

# Ours, under names that LiteLLM's migrations do not use: pages of spend rows of one key, user or team, the
# errors of a model group, pages and filters of lists of keys and of the audit trail, and what belongs to an
# organization or a team would else read every row.
# A key is a column, with the order of the list, or an expression as pg_get_indexdef() writes it.
OWN_INDEXES: tuple[tuple[str, str, tuple[str, ...]], ...] = (
    ("LiteLLM_AuditLog", "gatewright_AuditLog_updated_at_id_idx", ("updated_at", "id")),
    *(
        ("LiteLLM_AuditLog", f"gatewright_AuditLog_{column}_idx", (column, "updated_at"))
        for column in ("action", "changed_by", "changed_by_api_key", "object_id", "table_name")
    ),
    (
        "LiteLLM_AuditLog",
        "gatewright_AuditLog_organization_idx",
        (
            (
                "COALESCE((updated_values ->> 'organization_id'::text), "
                "(before_value ->> 'organization_id'::text))"
            ),
            "updated_at",
        ),
    ),
    (
        "LiteLLM_AuditLog",
        "gatewright_AuditLog_team_idx",
        ("((COALESCE(updated_values, before_value) ->> 'team_id'::text))", "updated_at"),
    ),
    ("LiteLLM_ErrorLogs", "gatewright_ErrorLogs_model_group_startTime_idx", ("model_group", "startTime")),
    (
        "LiteLLM_OrganizationMembership",
        "gatewright_OrganizationMembership_organization_id_user_id_idx",
        ("organization_id", "user_id"),
    ),
    ("LiteLLM_SpendLogs", "gatewright_SpendLogs_api_key_startTime_idx", ("api_key", "startTime")),
    ("LiteLLM_SpendLogs", "gatewright_SpendLogs_team_id_startTime_idx", ("team_id", "startTime")),
    ("LiteLLM_SpendLogs", "gatewright_SpendLogs_user_startTime_idx", ("user", "startTime")),
    (
        "LiteLLM_TeamMembership",
        "gatewright_TeamMembership_team_id_user_id_idx",
        ("team_id", "user_id"),
    ),
    (
        "LiteLLM_TeamTable",
        "gatewright_TeamTable_organization_id_team_id_idx",
        ("organization_id", "team_id"),
    ),
    (
        "LiteLLM_VerificationToken",
        "gatewright_VerificationToken_created_at_token_idx",
        ("created_at DESC NULLS LAST", "token DESC"),
    ),
    *(
        ("LiteLLM_VerificationToken", f"gatewright_VerificationToken_{'_'.join(columns)}_idx", columns)
        for columns in (
            ("agent_id",),
            ("created_by",),
            ("key_alias", "team_id"),
            ("organization_id",),
            ("project_id",),
        )
    ),
)
