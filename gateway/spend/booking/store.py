"""The set-based SQL that books one batch of charges; made of constants only, never of values."""

from gateway.spend.booking.accounts_store import (
    BOOKED,
    OPEN_ACCOUNTS,
    RECORD_CHARGES,
    RECORD_CHARGES_WITHOUT_ROWS,
    REOPEN_END_USERS,
)
from gateway.spend.booking.meters_store import ADD_METERS
from gateway.spend.booking.successors_store import FOLLOW_KEYS
from gateway.spend.daily_columns import DAILY_COUNTS

__all__ = [
    "BOOK_CHARGES",
    "BOOK_CHARGES_WITHOUT_ROWS",
    "INSERT_GOOD_LOGS",
    "INSERT_LOGS",
    "INSERT_MISSED_GOOD_LOGS",
    "INSERT_MISSED_LOGS",
    "PREPARE",
]

# The position is in the same transaction, so a lost commit only means that the batch is drained again.
# The columns stand in the order of a line's elements; brackets are part of the first and the last.
PREPARE = """
SET LOCAL synchronous_commit = off;
CREATE TEMP TABLE charge (
    kind text, charge_id text, request_id text, litellm_call_id text, cost_nanos bigint, started_ms bigint,
    ended_ms bigint, first_ms bigint, request_duration_ms int, model_group text, total_tokens int,
    prompt_tokens int, completion_tokens int, requester_ip_address text, input_nanos bigint,
    output_nanos bigint, overhead_us bigint, attempted_retries int, attempted_fallbacks int, user_agent text,
    call_type text, endpoint text, api_key text, status text, model text, model_id text,
    custom_llm_provider text, api_base text, cache_read_input_tokens bigint,
    cache_creation_input_tokens bigint, user_id text, team_id text, organization_id text, end_user_id text,
    agent_id text, session_id text, mcp_namespaced_tool_name text, scopes text, request_tags jsonb,
    metadata jsonb, messages jsonb, response jsonb, proxy_server_request jsonb, is_plain boolean, last text
) ON COMMIT DROP;
"""

_EPOCH = "timestamp 'epoch' + {} * interval '1 millisecond'"
# What columns say of the caller, and the members of a request that went as most do; `gateway.spend.metadata`
# builds those of all others.
_METADATA = f"""jsonb_build_object('user_api_key', api_key, 'user_api_key_alias', NULL,
        'user_api_key_team_id', team_id, 'user_api_key_team_alias', NULL,
        'user_api_key_org_id', organization_id, 'user_api_key_user_id', NULLIF(user_id, ''),
        'user_api_key_project_id', NULL, 'user_api_key_project_alias', NULL
    ) || COALESCE(metadata, '{{}}') || CASE WHEN is_plain THEN jsonb_strip_nulls(jsonb_build_object(
        'status', status, 'litellm_call_id', litellm_call_id,
        'usage_object', jsonb_build_object('prompt_tokens', prompt_tokens,
            'completion_tokens', completion_tokens, 'total_tokens', total_tokens),
        'cost_breakdown', jsonb_build_object('input_cost', input_nanos / 1e9::float8,
            'output_cost', output_nanos / 1e9::float8, 'total_cost', cost_nanos / 1e9::float8)
            || CASE WHEN cost_nanos = input_nanos + output_nanos THEN '{{}}' ELSE jsonb_build_object(
                'cache_read_cost', 0, 'cache_creation_cost', 0, 'reasoning_cost', 0,
                'per_request_cost', (cost_nanos - input_nanos - output_nanos) / 1e9::float8) END,
        'attempted_retries', NULLIF(attempted_retries, 0),
        'attempted_fallbacks', NULLIF(attempted_fallbacks, 0),
        'litellm_overhead_time_ms', overhead_us / 1e3::float8,
        'requester_ip_address', requester_ip_address, 'user_agent', user_agent
    )) || CASE WHEN model_id = '' THEN '{{}}' ELSE jsonb_build_object('model_map_information',
        jsonb_build_object('model_map_key', model, 'model_map_value', NULL)) END
    ELSE '{{}}' END || jsonb_build_object('gatewright', COALESCE(metadata -> 'gatewright', '{{}}')
        || jsonb_build_object('charge_id', charge_id, 'cost_nanos', cost_nanos, 'booked', {BOOKED}))"""
_STARTED, _ENDED, _FIRST = (_EPOCH.format(name) for name in ("started_ms", "ended_ms", "first_ms"))


def _insert_logs(request_id: str, condition: str) -> str:
    """Sorted, so that two drains with the same request ids wait for each other in one order."""
    return f"""
INSERT INTO "LiteLLM_SpendLogs" (
    request_id, litellm_call_id, call_type, api_key, spend, total_tokens, prompt_tokens, completion_tokens,
    "startTime", "endTime", request_duration_ms, "completionStartTime", model, model_id, model_group,
    custom_llm_provider, api_base, "user", metadata, cache_hit, cache_key, request_tags, team_id,
    organization_id, end_user, requester_ip_address, messages, response, session_id, status,
    mcp_namespaced_tool_name, agent_id, proxy_server_request
)
SELECT
    {request_id} AS request_id, litellm_call_id, call_type, api_key, cost_nanos / 1e9::float8, total_tokens,
    prompt_tokens, completion_tokens, {_STARTED}, {_ENDED}, request_duration_ms, {_FIRST}, model, model_id,
    model_group, custom_llm_provider, api_base, user_id, {_METADATA}, 'False', 'Cache OFF',
    COALESCE(request_tags, '[]'), team_id, organization_id, end_user_id, requester_ip_address,
    COALESCE(messages, '{{}}'), COALESCE(response, '{{}}'), session_id, status, mcp_namespaced_tool_name,
    agent_id, COALESCE(proxy_server_request, '{{}}')
FROM (SELECT *, row_number() OVER (PARTITION BY request_id ORDER BY charge_id) AS turn FROM charge) c
WHERE {condition}
ORDER BY 1
ON CONFLICT (request_id) DO NOTHING;
"""  # noqa: S608  only constants of this module are put in


def _insert_both(condition: str) -> tuple[str, str]:
    """The insertion of rows for which a condition holds, and that of what it missed.

    Another drain may have taken an id just now: what is not there under either name follows.
    """
    first = _insert_logs(
        """CASE WHEN turn > 1 OR EXISTS (SELECT FROM "LiteLLM_SpendLogs" s WHERE s.request_id = c.request_id)
            THEN request_id || '_' || charge_id ELSE request_id END""",
        condition,
    )
    missed = _insert_logs(
        "request_id || '_' || charge_id",
        f"""{condition} AND NOT EXISTS (SELECT FROM "LiteLLM_SpendLogs" s
            WHERE s.request_id IN (c.request_id, c.request_id || '_' || c.charge_id)
                AND s.metadata -> 'gatewright' ->> 'charge_id' = c.charge_id)""",
    )
    return first, missed


INSERT_LOGS, INSERT_MISSED_LOGS = _insert_both("true")
INSERT_GOOD_LOGS, INSERT_MISSED_GOOD_LOGS = _insert_both("(status <> 'failure' OR cost_nanos <> 0)")

_GROUP_CHARGES = f"""
CREATE TEMP TABLE entity_charge ON COMMIT DROP AS
SELECT part ->> 0 AS kind, part ->> 1 AS id, COALESCE(part ->> 2, '') AS owner_id,
    sum(nanos)::bigint AS nanos, max(ended) AS ended, NULL::text AS successor
FROM (
    SELECT scopes, sum(cost_nanos) AS nanos, {_EPOCH.format("max(ended_ms)")} AS ended
    FROM charge GROUP BY scopes
) grouped, jsonb_array_elements(scopes::jsonb) AS part
GROUP BY 1, 2, 3;
CREATE TEMP TABLE day_charge ON COMMIT DROP AS
SELECT user_id, team_id, organization_id, end_user_id, agent_id,
    to_char({_EPOCH.format("day * 86400000")}, 'YYYY-MM-DD') AS date, api_key, model, model_group,
    custom_llm_provider, COALESCE(mcp_namespaced_tool_name, '') AS mcp_namespaced_tool_name, endpoint,
    prompt_tokens, completion_tokens, cache_read_input_tokens, cache_creation_input_tokens, nanos,
    api_requests, successes
FROM (
    SELECT user_id, team_id, organization_id, end_user_id, agent_id, started_ms / 86400000 AS day, api_key,
        model, max(model_group) AS model_group, custom_llm_provider, mcp_namespaced_tool_name, endpoint,
        sum(prompt_tokens) AS prompt_tokens, sum(completion_tokens) AS completion_tokens,
        sum(cache_read_input_tokens) AS cache_read_input_tokens,
        sum(cache_creation_input_tokens) AS cache_creation_input_tokens, sum(cost_nanos) AS nanos,
        count(*) AS api_requests, count(*) FILTER (WHERE status = 'success') AS successes
    FROM charge GROUP BY 1, 2, 3, 4, 5, 6, 7, 8, 10, 11, 12
) grouped;
"""  # noqa: S608  only constants of this module are put in


def _add(table: str, key: str, source: str, nanos: str = "l.nanos", more: str = "") -> str:
    """Add amounts to the rows of a table, which are locked in the order of their keys first.

    A double holds nano-dollars exactly up to 4.5 million dollars; scaling to whole nano-dollars before each
    addition keeps the column on the double that is nearest to the exact total.
    """
    keys = key.split(", ")
    matches = " AND ".join(f"t.{name} = e.{name}" for name in keys)
    order = ", ".join(f't.{name} COLLATE "C"' for name in keys)
    columns = ", ".join(f"t.{name}" for name in keys)
    same = " AND ".join(f"t.{name} = l.{name}" for name in keys)
    return f"""
WITH locked AS MATERIALIZED (
    SELECT {columns}, e.nanos, e.ended FROM "{table}" t JOIN ({source}) e ON {matches}
    ORDER BY {order} FOR NO KEY UPDATE OF t
)
UPDATE "{table}" t SET spend = (round(COALESCE(t.spend, 0) * 1e9::float8) + {nanos}) / 1e9::float8{more}
FROM locked l WHERE {same};
"""  # noqa: S608  only constants of this module are put in


def _entities(kind: str, key: str) -> str:
    names = key.split(", ")
    columns = f"id AS {names[0]}" + (f", owner_id AS {names[1]}" if len(names) > 1 else "")
    # Only constants of this module are put in.
    return f"SELECT {columns}, nanos, ended FROM entity_charge WHERE kind = '{kind}' AND nanos <> 0"  # noqa: S608  see above


# A key is active also when a request costs nothing.
_KEYS = _add(
    "LiteLLM_VerificationToken",
    "token",
    "SELECT COALESCE(successor, id) AS token, sum(nanos)::bigint AS nanos, max(ended) AS ended"
    " FROM entity_charge WHERE kind = 'key' GROUP BY 1",
    more=", last_active = GREATEST(t.last_active, l.ended)"
    ", total_spend = (round(t.total_spend * 1e9::float8) + l.nanos) / 1e9::float8",
)
# The whole gateway's spend stands, as in LiteLLM, in the row of a user of this name.
_USERS = _add(
    "LiteLLM_UserTable",
    "user_id",
    "SELECT CASE kind WHEN 'gateway' THEN 'litellm-proxy-budget' ELSE id END AS user_id,"
    " sum(nanos)::bigint AS nanos, max(ended) AS ended FROM entity_charge"
    " WHERE kind IN ('user', 'gateway') AND nanos <> 0 GROUP BY 1",
)
_TEAM_MEMBERS = _add(
    "LiteLLM_TeamMembership",
    "user_id, team_id",
    _entities("team_member", "user_id, team_id"),
    more=", total_spend = (round(t.total_spend * 1e9::float8) + l.nanos) / 1e9::float8",
)
# LiteLLM makes the row of an end user that it sees for the first time, with the budget that the key has for
# such; so do we.
_END_USERS = """
CREATE TEMP TABLE new_end_user (user_id text) ON COMMIT DROP;
WITH offering AS MATERIALIZED (
    SELECT k.token, b.budget_id FROM (SELECT DISTINCT api_key FROM charge) c
    JOIN "LiteLLM_VerificationToken" k ON k.token = c.api_key
    JOIN "LiteLLM_BudgetTable" b ON b.budget_id = k.metadata ->> 'end_user_budget_id'
), offered AS (
    SELECT DISTINCT ON (c.end_user_id) c.end_user_id, o.budget_id
    FROM charge c JOIN offering o ON o.token = c.api_key ORDER BY c.end_user_id, c.started_ms
), booked AS (
INSERT INTO "LiteLLM_EndUserTable" AS t (user_id, spend, blocked, budget_id)
SELECT e.id, e.nanos / 1e9::float8, false, o.budget_id
FROM entity_charge e LEFT JOIN offered o ON o.end_user_id = e.id WHERE e.kind = 'end_user' AND e.id <> ''
ORDER BY e.id COLLATE "C"
ON CONFLICT (user_id) DO UPDATE SET
    spend = (round(t.spend * 1e9::float8) + round(EXCLUDED.spend * 1e9::float8)) / 1e9::float8
RETURNING t.user_id, xmax = 0 AS is_new
)
INSERT INTO new_end_user SELECT user_id FROM booked WHERE is_new;
"""


def _add_days(table: str, entity: str, source: str = "day_charge", more: tuple[str, ...] = ()) -> str:
    """Add to one daily table. Its unique key has nullable parts: absent ones are empty, never NULL."""
    key = f"{entity}, date, api_key, model, custom_llm_provider, mcp_namespaced_tool_name, endpoint"
    sums = ", ".join(f"COALESCE(sum({name}), 0)::bigint" for name in DAILY_COUNTS[:4])
    added = ", ".join(f"{name} = t.{name} + EXCLUDED.{name}" for name in DAILY_COUNTS)
    extra = "".join(f", {name}" for name in more)
    taken = "".join(f", max({name})" for name in more)
    kept = "".join(f", {name} = EXCLUDED.{name}" for name in more)
    present = "" if entity == "user_id" else f"WHERE {entity} <> ''"
    return f"""
INSERT INTO "{table}" AS t (
    id, {key}, model_group, {", ".join(DAILY_COUNTS)}, spend, created_at, updated_at{extra}
)
SELECT gen_random_uuid()::text, {key}, max(model_group), {sums}, sum(api_requests)::bigint,
    sum(successes)::bigint, sum(api_requests - successes)::bigint, sum(nanos)::bigint / 1e9::float8,
    now() AT TIME ZONE 'UTC', now() AT TIME ZONE 'UTC'{taken}
FROM {source} {present}
GROUP BY {key}
ORDER BY {", ".join(f'{name} COLLATE "C"' for name in key.split(", "))}
ON CONFLICT ({key}) DO UPDATE SET {added},
    spend = (round(t.spend * 1e9::float8) + round(EXCLUDED.spend * 1e9::float8)) / 1e9::float8,
    updated_at = EXCLUDED.updated_at{kept};
"""  # noqa: S608  only constants of this module are put in


_TAG_CHARGES = f"""(
    SELECT DISTINCT ON (charge_id, tag) tag, request_id, to_char({_STARTED}, 'YYYY-MM-DD') AS date, api_key,
        model, model_group, custom_llm_provider,
        COALESCE(mcp_namespaced_tool_name, '') AS mcp_namespaced_tool_name, endpoint, prompt_tokens,
        completion_tokens, cache_read_input_tokens, cache_creation_input_tokens, cost_nanos AS nanos,
        1 AS api_requests, (status = 'success')::int AS successes
    FROM charge, jsonb_array_elements_text(request_tags) AS tag WHERE request_tags <> '[]'
) tagged"""  # noqa: S608  only constants of this module are put in

# The order of the tables is the same in every drain, as is the order of the rows within each.
_ADD_CHARGES = "".join(
    (
        _KEYS,
        _USERS,
        _add("LiteLLM_TeamTable", "team_id", _entities("team", "team_id")),
        _TEAM_MEMBERS,
        _add("LiteLLM_OrganizationTable", "organization_id", _entities("organization", "organization_id")),
        _add(
            "LiteLLM_OrganizationMembership",
            "user_id, organization_id",
            _entities("organization_member", "user_id, organization_id"),
        ),
        _add("LiteLLM_ProjectTable", "project_id", _entities("project", "project_id")),
        _END_USERS,
        ADD_METERS,
        _add("LiteLLM_TagTable", "tag_name", _entities("tag", "tag_name")),
        _add("LiteLLM_AgentsTable", "agent_id", _entities("agent", "agent_id")),
        _add_days("LiteLLM_DailyUserSpend", "user_id"),
        _add_days("LiteLLM_DailyTeamSpend", "team_id"),
        _add_days("LiteLLM_DailyOrganizationSpend", "organization_id"),
        _add_days("LiteLLM_DailyEndUserSpend", "end_user_id"),
        _add_days("LiteLLM_DailyAgentSpend", "agent_id"),
        _add_days("LiteLLM_DailyTagSpend", "tag", _TAG_CHARGES, ("request_id",)),
    )
)
_ACCOUNTS = REOPEN_END_USERS + OPEN_ACCOUNTS
_REST = FOLLOW_KEYS + _ADD_CHARGES + _ACCOUNTS
BOOK_CHARGES = _GROUP_CHARGES + RECORD_CHARGES + _REST
BOOK_CHARGES_WITHOUT_ROWS = _GROUP_CHARGES + RECORD_CHARGES_WITHOUT_ROWS + _REST
