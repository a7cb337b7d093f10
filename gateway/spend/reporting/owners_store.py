"""The SQL of `/spend/keys` and `/spend/users`: rows of keys and users by what they have spent."""

from gateway.db.connection import Record
from gateway.spend.reporting.reader_store import ReportReader

__all__ = ["list_keys", "list_users"]

_KEY_COLUMNS = """token, key_name, key_alias, spend, max_budget, soft_budget_cooldown, expires, models,
    aliases, user_id, team_id, organization_id, project_id, agent_id, permissions, max_parallel_requests,
    metadata,
    tpm_limit, rpm_limit, blocked, budget_duration, budget_reset_at, budget_id, model_spend, model_max_budget,
    allowed_routes, created_at, created_by, updated_at, last_active"""
_USER_COLUMNS = """user_id, user_alias, user_email, user_role, team_id, teams, organization_id, models, spend,
    max_budget, tpm_limit, rpm_limit, max_parallel_requests, metadata, budget_duration, budget_reset_at,
    model_spend, model_max_budget, created_at, updated_at"""


async def list_keys(reader: ReportReader, user_id: str | None, limit: int) -> list[Record]:
    """The keys that have spent most in their periods, of one user or of all."""
    where = "WHERE user_id = $2" if user_id else ""
    sql = f"""
        SELECT {_KEY_COLUMNS} FROM "LiteLLM_VerificationToken" {where}
        ORDER BY spend DESC, token LIMIT $1"""  # noqa: S608  constants of this module
    return await reader.fetch(sql, limit, *([user_id] if user_id else []))


async def list_users(reader: ReportReader, user_id: str | None, limit: int) -> list[Record]:
    """The users that have spent most in their periods, or one; never a password."""
    where = "WHERE user_id = $2" if user_id else ""
    sql = f"""
        SELECT {_USER_COLUMNS} FROM "LiteLLM_UserTable" {where}
        ORDER BY spend DESC, user_id LIMIT $1"""  # noqa: S608  constants of this module
    return await reader.fetch(sql, limit, *([user_id] if user_id else []))
