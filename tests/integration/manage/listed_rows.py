"""Rows of everything that is listed or reported, any number of them."""

from tests.integration.manage.conftest import Desk

__all__ = ["add_rows"]

_ROWS: tuple[tuple[str, str, str], ...] = (
    ("ObjectPermissionTable", "object_permission_id, mcp_servers", "'lot-op-' || n, ARRAY['lot-v-1']"),
    (
        "BudgetTable",
        "budget_id, max_budget, created_by, updated_by, updated_at",
        "'lot-b-' || n, 1, 'x', 'x', now()",
    ),
    (
        "OrganizationTable",
        """organization_id, organization_alias, budget_id, object_permission_id, created_by, updated_by,
        updated_at""",
        "'lot-o-' || n, 'lot ' || n, 'lot-b-' || n, 'lot-op-' || n, 'x', 'x', now()",
    ),
    (
        "UserTable",
        "user_id, user_email, user_role, teams, object_permission_id, updated_at",
        "'lot-u-' || n, n || '@lot.example.com', 'internal_user', ARRAY['lot-t-1'], 'lot-op-' || n, now()",
    ),
    (
        "TeamTable",
        "team_id, team_alias, organization_id, members_with_roles, object_permission_id, updated_at",
        """'lot-t-' || n, 'lot ' || n, 'lot-o-1',
        jsonb_build_array(jsonb_build_object('user_id', 'lot-u-1', 'role', 'admin')),
        'lot-op-' || n, now()""",
    ),
    ("TeamMembership", "user_id, team_id, budget_id", "'lot-u-' || n, 'lot-t-1', 'lot-b-' || n"),
    (
        "OrganizationMembership",
        "user_id, organization_id, user_role, updated_at",
        "'lot-u-' || n, 'lot-o-1', 'internal_user', now()",
    ),
    (
        "VerificationToken",
        """token, key_name, key_alias, user_id, team_id, organization_id, budget_id, object_permission_id,
        updated_at""",
        """'lot-k-' || n, 'sk-...' || n, 'lot ' || n, 'lot-u-1', 'lot-t-1', 'lot-o-1', 'lot-b-' || n,
        'lot-op-' || n, now()""",
    ),
    (
        "DeletedVerificationToken",
        "id, token, key_alias, user_id, deleted_at",
        "'lot-d-' || n, 'lot-d-' || n, 'lot ' || n, 'lot-u-1', now()",
    ),
    (
        "DeletedTeamTable",
        "id, team_id, team_alias, deleted_at",
        "'lot-d-' || n, 'lot-d-' || n, 'lot ' || n, now()",
    ),
    (
        "EndUserTable",
        "user_id, spend, blocked, budget_id, object_permission_id",
        "'lot-c-' || n, 1, false, 'lot-b-' || n, 'lot-op-' || n",
    ),
    (
        "ProjectTable",
        """project_id, project_alias, team_id, budget_id, object_permission_id, created_by, updated_by,
        updated_at""",
        "'lot-p-' || n, 'lot ' || n, 'lot-t-1', 'lot-b-' || n, 'lot-op-' || n, 'x', 'x', now()",
    ),
    ("TagTable", "tag_name, models, budget_id, updated_at", "'lot-g-' || n, '{}', 'lot-b-' || n, now()"),
    (
        "AccessGroupTable",
        "access_group_id, access_group_name, assigned_team_ids, assigned_key_ids, updated_at",
        "'lot-a-' || n, 'lot ' || n, ARRAY['lot-t-' || n], ARRAY['lot-k-' || n], now()",
    ),
    (
        "JWTKeyMapping",
        "id, jwt_claim_name, jwt_claim_value, token, updated_at",
        "'lot-j-' || n, 'sub', 'lot-' || n, 'lot-k-' || n, now()",
    ),
    (
        "CredentialsTable",
        "credential_id, credential_name, credential_values, created_by, updated_by, updated_at",
        "'lot-r-' || n, 'lot ' || n, '{}', 'x', 'x', now()",
    ),
    (
        "AuditLog",
        "id, updated_at, changed_by, changed_by_api_key, action, table_name, object_id, updated_values",
        "'lot-l-' || n, now(), 'lot-u-1', 'lot-k-1', 'updated', 'LiteLLM_TeamTable', 'lot-t-1', '{}'",
    ),
    (
        "HealthCheckTable",
        "health_check_id, model_name, model_id, status, checked_at, updated_at",
        "'lot-h-' || n, 'm', 'm', 'healthy', now(), now()",
    ),
    (
        "ErrorLogs",
        'request_id, "startTime", "endTime", model_group, api_base, status_code, exception_type',
        "'lot-e-' || n, {at}, {at}, 'lot-m-1', 'lot-' || n, '429', 'Lot' || n",
    ),
    (
        "SpendLogs",
        """request_id, call_type, api_key, spend, total_tokens, prompt_tokens, completion_tokens, "startTime",
        "endTime", "completionStartTime", model, model_id, model_group, api_base, custom_llm_provider, "user",
        metadata, request_tags, team_id, organization_id, end_user, session_id, status""",
        """'lot-s-' || n, 'acompletion', 'lot-k-' || n, 1, 10, 5, 5, {at}, {at} + interval '2 s',
        {at} + interval '1 s', 'lot-m-1', 'lot-m-1', 'lot-m-1', 'lot-' || n, 'lot-p-' || n, 'lot-u-' || n,
        jsonb_build_object('status', 'success'), jsonb_build_array('lot-g-' || n, 'User-Agent: lot/' || n),
        'lot-t-' || n, 'lot-o-' || n, 'lot-c-' || n, 'lot-session', 'success'""",
    ),
    (
        "SpendLogGuardrailIndex",
        "request_id, guardrail_id, policy_id, start_time",
        "'lot-s-' || n, 'lot', 'lot', {at}",
    ),
    ("SpendLogToolIndex", "request_id, tool_name, start_time", "'lot-s-' || n, 'lot-tool', {at}"),
    (
        "ToolTable",
        "tool_id, tool_name, last_used_at, updated_at",
        "'lot-x-' || n, 'lot-x-' || n, now(), now()",
    ),
    (
        "DailyGuardrailMetrics",
        "guardrail_id, date, requests_evaluated, updated_at",
        "'lot-' || n, {day}, 1, now()",
    ),
    ("DailyPolicyMetrics", "policy_id, date, requests_evaluated, updated_at", "'lot-' || n, {day}, 1, now()"),
    (
        "GuardrailsTable",
        "guardrail_id, guardrail_name, litellm_params, status, team_id, submitted_at, updated_at",
        """'lot-' || n, 'lot-' || n, '{}', 'pending_review', 'lot-t-1', now(), now()""",
    ),
    (
        "PolicyTable",
        "policy_id, policy_name, version_number, version_status",
        "'lot-y-' || n, 'lot-y', n, 'draft'",
    ),
    ("PolicyAttachmentTable", "attachment_id, policy_name, tags", "'lot-z-' || n, 'lot-y', ARRAY['lot']"),
    (
        "MCPServerTable",
        """server_id, server_name, alias, url, transport, mcp_access_groups, approval_status, submitted_by,
        submitted_at, mcp_info""",
        """'lot-v-' || n, 'lotv' || n, 'lotv' || n, 'https://lot.example.com', 'http', ARRAY['lot-' || n],
        CASE WHEN n % 3 = 0 THEN 'pending_review' ELSE 'active' END, 'lot-u-1', now(),
        '{"gatewright_settings": {"env_vars": [{"name": "REGION"}]}}'""",
    ),
    (
        "ProxyModelTable",
        "model_id, model_name, litellm_params, created_by, updated_by, updated_at",
        """'lot-m-' || n, 'lot-m-' || n, '{"model": "mock/x"}', 'x', 'x', now()""",
    ),
    ("MCPToolsetTable", "toolset_id, toolset_name, tools", "'lot-w-' || n, 'lot-' || n, '[]'"),
    (
        "MCPUserCredentials",
        "id, user_id, server_id, credential_b64",
        "'lot-i-' || n, 'lot-u-' || n, 'lot-v-1', 'x'",
    ),
    *(
        (
            f"Daily{name}Spend",
            f"""id, {column}, date, api_key, model, model_group, custom_llm_provider,
            mcp_namespaced_tool_name, endpoint, prompt_tokens, spend, api_requests, successful_requests,
            updated_at""",
            f"""'lot-{lot}-' || n, {prefix} || {entity}, {{day}}, 'lot-k-' || {entity}, 'lot-m-' || {model},
            'lot-m-' || {model}, 'lot-p-' || n, '', '/v1/chat/completions', 5, 1, 1, 1, now()""",
        )
        for lot, entity, model in (("many", "n", "1"), ("one", "1", "n + 1"))
        for name, column, prefix in (
            ("User", "user_id", "'lot-u-'"),
            ("Team", "team_id", "'lot-t-'"),
            ("Organization", "organization_id", "'lot-o-'"),
            ("EndUser", "end_user_id", "'lot-c-'"),
            ("Agent", "agent_id", "'lot-q-'"),
            ("Tag", "tag", "'lot-g-'"),
        )
    ),
    (
        "DailyTagSpend",
        "id, tag, date, api_key, model, api_requests, updated_at",
        "'lot-agent-' || n, 'User-Agent: lot/' || n, {day}, 'lot-k-' || n, 'lot-m-1', 1, now()",
    ),
)
"""Per table columns and their values by the number of the row; who belongs to what belongs to the first."""
_AT = "now() AT TIME ZONE 'UTC' - interval '1 day'"
_DAY = "(now() AT TIME ZONE 'UTC')::date::text"
_GROW_TEAM = """
UPDATE "LiteLLM_TeamTable" SET members_with_roles = (SELECT jsonb_agg(jsonb_build_object(
    'user_id', 'lot-u-' || n, 'role', 'admin')) FROM generate_series(1, $1::int) n) WHERE team_id = 'lot-t-1'
"""


async def add_rows(desk: Desk, first: int, last: int) -> None:
    """Add the rows with these numbers to every table."""
    for table, columns, values in _ROWS:
        exprs = values.replace("{at}", _AT).replace("{day}", _DAY)
        into = f'INSERT INTO "LiteLLM_{table}" ({columns})'
        sql = f"{into} SELECT {exprs} FROM generate_series($1::int, $2::int) n"
        await desk.run(sql, first, last)
    await desk.run(_GROW_TEAM, last)
