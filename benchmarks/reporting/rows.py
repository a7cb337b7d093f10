"""Fills a database by COPY with what a company's gateway has after a year."""

import datetime as dt
import hashlib
from collections.abc import AsyncIterator, Callable, Iterator

import msgspec

from gateway.db.connection import Connection
from gateway.db.engine import Database

__all__ = ["Scale", "fill", "key_of"]

_CHUNK = 2_000
_SECONDS = 7_200.0
_MODELS = 20
_PROVIDERS = ("openai", "anthropic", "gemini")
_LOG_DAYS = 30
_DAYS = 365
_METADATA = (
    '{"status": "success", "user_api_key_alias": "alias-%d", "usage_object": {"prompt_tokens": 900, '
    '"completion_tokens": 100, "total_tokens": 1000}, "cost_breakdown": {"input_cost": 0.000135, '
    '"output_cost": 0.00006, "total_cost": 0.000195}, "user_agent": "openai-python/1.99", '
    '"gatewright": {"charge_id": "%d", "cost_nanos": 195000}}'
)
_LOG_COLUMNS = (
    "request_id,litellm_call_id,call_type,api_key,spend,total_tokens,prompt_tokens,completion_tokens,"
    '"startTime","endTime",request_duration_ms,model,model_id,model_group,custom_llm_provider,"user",metadata,'
    "cache_hit,request_tags,team_id,organization_id,end_user,session_id,status"
)
_DAY_COLUMNS = (
    "id,{},date,api_key,model,model_group,custom_llm_provider,mcp_namespaced_tool_name,endpoint,prompt_tokens,"
    "completion_tokens,spend,api_requests,successful_requests,failed_requests,updated_at"
)
_DAY_TABLES = {
    "LiteLLM_DailyUserSpend": ("user_id", "user", 1),
    "LiteLLM_DailyTeamSpend": ("team_id", "team", 5),
    "LiteLLM_DailyOrganizationSpend": ("organization_id", "org", 5),
    "LiteLLM_DailyEndUserSpend": ("end_user_id", "customer", 5),
    "LiteLLM_DailyTagSpend": ("tag", "tag", 5),
    "LiteLLM_DailyAgentSpend": ("agent_id", "agent", 5),
}
"""Per table its entity, the prefix of ids, and which part of the rows it gets."""


class Scale(msgspec.Struct, frozen=True):
    """How many rows of each kind."""

    logs: int
    days: int
    keys: int

    @property
    def users(self) -> int:
        """One for ten keys."""
        return max(10, self.keys // 10)

    @property
    def teams(self) -> int:
        """One for a hundred keys."""
        return max(5, self.keys // 100)

    def entity_count(self, prefix: str) -> int:
        """How many entities with this prefix there are."""
        return {"user": self.users, "team": self.teams, "org": 20, "tag": 200, "agent": 50}.get(
            prefix, self.users
        )


def key_of(number: int) -> str:
    """The plain key of a number."""
    return f"sk-benchmark-{number:08d}"


async def fill(database: Database, scale: Scale) -> None:
    """Fill every table that lists and reports read."""
    hashes = [hashlib.sha256(key_of(number).encode()).hexdigest() for number in range(scale.keys)]
    async with database.acquire() as connection:
        # The gateway's own bound is for requests.
        await connection.execute("SET statement_timeout = 0")
        for sql in _OWNERS:
            await connection.execute(sql.format(users=scale.users, teams=scale.teams), timeout=_SECONDS)
        columns = "token,key_name,key_alias,user_id,team_id,spend,models,updated_at"
        await _copy(connection, "LiteLLM_VerificationToken", columns, _keys(scale, hashes))
        await _copy(connection, "LiteLLM_SpendLogs", _LOG_COLUMNS, _logs(scale, hashes))
        for table, (entity, prefix, part) in _DAY_TABLES.items():
            rows = _days(scale, hashes, prefix, scale.days // part)
            await _copy(connection, table, _DAY_COLUMNS.format(entity), rows)
        for sql in _REST:
            await connection.execute(sql, timeout=_SECONDS)
        await connection.execute("VACUUM ANALYZE", timeout=_SECONDS)


async def _copy(connection: Connection, table: str, columns: str, lines: Iterator[str]) -> None:
    async def send() -> AsyncIterator[bytes]:
        chunk: list[str] = []
        for line in lines:
            chunk.append(line)
            if len(chunk) == _CHUNK:
                yield "".join(chunk).encode()
                chunk.clear()
        yield "".join(chunk).encode()

    copy: Callable[..., object] = connection.copy_to_table
    await copy(  # type: ignore[misc]  the protocol has what the gateway uses
        table,
        source=send(),
        columns=[name.strip('"') for name in columns.split(",")],
        format="text",
        timeout=_SECONDS,
    )


def _keys(scale: Scale, hashes: list[str]) -> Iterator[str]:
    now = dt.datetime.now(dt.UTC).replace(tzinfo=None)
    for number, token in enumerate(hashes):
        user, team = number % scale.users, number % scale.teams
        yield (
            f"{token}\tsk-...{number % 10_000:04d}\talias-{number}\tuser-{user}\tteam-{team}\t"
            f"{number % 977}\t{{}}\t{now}\n"
        )


def _logs(scale: Scale, hashes: list[str]) -> Iterator[str]:
    end = dt.datetime.now(dt.UTC).replace(tzinfo=None)
    step = dt.timedelta(days=_LOG_DAYS) / max(1, scale.logs)
    begin = end - step * scale.logs
    for number in range(scale.logs):
        # A multiplicative hash spreads keys, models and customers over time.
        lot = number * 2_654_435_761 & 0xFFFFFFFF
        key, model = lot % scale.keys, (lot >> 8) % _MODELS
        started = begin + step * number
        status = "failure" if lot % 50 == 0 else "success"
        tag = (lot >> 5) % 200
        yield (
            f"chatcmpl-{number}\tcall-{number}\tacompletion\t{hashes[key]}\t0.000195\t1000\t900\t100\t"
            f"{started}\t{started + dt.timedelta(seconds=1)}\t1000\t"
            f"model-{model}\tid-{model}\tgroup-{model}\t"
            f"{_PROVIDERS[model % 3]}\tuser-{key % scale.users}\t{_METADATA % (key, number)}\tFalse\t"
            f'["tag-{tag}"]\tteam-{key % scale.teams}\torg-{key % 20}\tcustomer-{lot % scale.users}\t'
            f"session-{number // 3}\t{status}\n"
        )


def _days(scale: Scale, hashes: list[str], prefix: str, count: int) -> Iterator[str]:
    today = dt.datetime.now(dt.UTC).replace(tzinfo=None)
    dates = [(today - dt.timedelta(days=ago)).date().isoformat() for ago in range(_DAYS)]
    entities = scale.entity_count(prefix)
    for number in range(count):
        combination = number // _DAYS
        key, model = combination % scale.keys, combination // scale.keys * 7 + combination % 7
        name = f"model-{model % _MODELS}"
        yield (
            f"{prefix}-row-{number}\t{prefix}-{key % entities}\t{dates[number % _DAYS]}\t{hashes[key]}\t"
            f"{name}\tgroup-{model % _MODELS}\t{_PROVIDERS[model % 3]}\t\t/v1/chat/completions\t"
            f"90000\t10000\t0.0195\t100\t98\t2\t{today}\n"
        )


_OWNERS = (
    """INSERT INTO "LiteLLM_BudgetTable" (budget_id, max_budget, created_by, updated_by, updated_at)
    SELECT 'budget-' || n, 100, 'x', 'x', now() FROM generate_series(0, 99) n""",
    """INSERT INTO "LiteLLM_OrganizationTable"
        (organization_id, organization_alias, budget_id, models, created_by, updated_by, updated_at)
    SELECT 'org-' || n, 'Organization ' || n, 'budget-' || n, '{{}}', 'x', 'x', now()
    FROM generate_series(0, 19) n""",
    """INSERT INTO "LiteLLM_UserTable" (user_id, user_email, user_role, spend, teams, updated_at)
    SELECT 'user-' || n, n || '@example.com', 'internal_user', n % 977, ARRAY['team-' || n % {teams}], now()
    FROM generate_series(0, {users} - 1) n""",
    """INSERT INTO "LiteLLM_TeamTable"
        (team_id, team_alias, organization_id, members_with_roles, updated_at)
    SELECT 'team-' || n, 'Team ' || n, 'org-' || n % 20,
        jsonb_build_array(jsonb_build_object('user_id', 'user-' || n, 'role', 'admin')), now()
    FROM generate_series(0, {teams} - 1) n""",
    """INSERT INTO "LiteLLM_TeamMembership" (user_id, team_id)
    SELECT 'user-' || n, 'team-' || n FROM generate_series(0, {teams} - 1) n""",
    """INSERT INTO "LiteLLM_EndUserTable" (user_id, spend, blocked)
    SELECT 'customer-' || n, n % 977, false FROM generate_series(0, {users} - 1) n""",
    """INSERT INTO "LiteLLM_ProjectTable"
        (project_id, project_alias, team_id, created_by, updated_by, updated_at)
    SELECT 'project-' || n, 'Project ' || n, 'team-' || n % {teams}, 'x', 'x', now()
    FROM generate_series(0, 999) n""",
)
_REST = (
    """INSERT INTO "LiteLLM_AuditLog"
        (id, updated_at, changed_by, changed_by_api_key, action, table_name, object_id, updated_values)
    SELECT 'entry-' || row_number() OVER (), now() AT TIME ZONE 'UTC' - n * interval '1 day', user_id, token,
        CASE n WHEN 0 THEN 'updated' ELSE 'created' END, 'LiteLLM_VerificationToken', token,
        jsonb_build_object('team_id', team_id, 'user_id', user_id, 'key_alias', key_alias)
    FROM "LiteLLM_VerificationToken", generate_series(0, 1) n""",
    """INSERT INTO "LiteLLM_ErrorLogs"
        (request_id, "startTime", "endTime", model_group, api_base, status_code)
    SELECT request_id, "startTime", "endTime", model_group, 'http://upstream/' || model_id, '429'
    FROM "LiteLLM_SpendLogs" WHERE status = 'failure'""",
    """INSERT INTO "LiteLLM_HealthCheckTable"
        (health_check_id, model_name, model_id, status, checked_at, updated_at)
    SELECT 'check-' || n, 'mock', 'mock', CASE n % 20 WHEN 0 THEN 'unhealthy' ELSE 'healthy' END,
        now() AT TIME ZONE 'UTC' - n * interval '5 minutes', now()
    FROM generate_series(0, 99999) n""",
)
