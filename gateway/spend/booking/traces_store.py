"""What a batch leaves beside spend rows: errors, and which tools and guardrails; made of constants only."""

__all__ = ["COUNT_GUARDRAILS", "COUNT_POLICIES", "INDEX_ROWS", "INSERT_ERRORS"]

_STARTED = "timestamp 'epoch' + started_ms * interval '1 millisecond'"
_ENDED = "timestamp 'epoch' + ended_ms * interval '1 millisecond'"
_ERROR = "metadata -> 'error_information' ->> '{}'"

# All of these are sorted by their keys, so that two drains wait for each other in one order.
INSERT_ERRORS = f"""
INSERT INTO "LiteLLM_ErrorLogs" (
    request_id, "startTime", "endTime", api_base, model_group, litellm_model_name, model_id, exception_type,
    exception_string, status_code
)
SELECT CASE WHEN turn > 1 OR EXISTS (SELECT FROM "LiteLLM_ErrorLogs" e WHERE e.request_id = c.request_id)
        THEN request_id || '_' || charge_id ELSE request_id END, {_STARTED}, {_ENDED}, api_base, model_group,
    model, model_id, COALESCE({_ERROR.format("error_class")}, ''),
    COALESCE({_ERROR.format("error_message")}, ''), COALESCE({_ERROR.format("error_code")}, '')
FROM (
    SELECT *, row_number() OVER (PARTITION BY request_id ORDER BY charge_id) AS turn FROM charge
    WHERE status = 'failure' AND metadata ? 'error_information'
) c ORDER BY 1 ON CONFLICT (request_id) DO NOTHING;
"""  # noqa: S608  only constants of this module are put in

# A request counts once for each guardrail or policy, in however many modes it ran. Averages are weighted by
# requests.
_MEAN = """CASE WHEN EXCLUDED.{0} IS NULL THEN m.{0} WHEN m.{0} IS NULL THEN EXCLUDED.{0} ELSE
        (m.{0} * m.requests_evaluated + EXCLUDED.{0} * EXCLUDED.requests_evaluated)
            / (m.requests_evaluated + EXCLUDED.requests_evaluated) END"""
_COUNT = f"""
INSERT INTO "LiteLLM_Daily{{table}}Metrics" AS m (
    {{key}}, date, requests_evaluated, passed_count, blocked_count, flagged_count, avg_score,
    avg_latency_ms, updated_at
)
SELECT {{key}}, date, count(*), count(*) FILTER (WHERE worst = 'pass'),
    count(*) FILTER (WHERE worst = 'block'), count(*) FILTER (WHERE worst = 'mask'), avg(score),
    avg(seconds) * 1000, now() AT TIME ZONE 'UTC'
FROM (
    SELECT run ->> '{{member}}' AS {{key}}, to_char({_STARTED}, 'YYYY-MM-DD') AS date,
        (array_agg(run ->> 'guardrail_action' ORDER BY array_position(
            ARRAY['block', 'failed', 'mask', 'pass'], run ->> 'guardrail_action')))[1] AS worst,
        max((run ->> 'score')::float8) AS score, sum((run ->> 'duration')::float8) AS seconds
    FROM charge c, jsonb_array_elements(c.metadata -> 'guardrail_information') AS run
    WHERE c.metadata ? 'guardrail_information' AND run ? '{{member}}'
    GROUP BY charge_id, 1, 2
) runs GROUP BY {{key}}, date ORDER BY {{key}} COLLATE "C", date
ON CONFLICT ({{key}}, date) DO UPDATE SET
    avg_score = {_MEAN.format("avg_score")}, avg_latency_ms = {_MEAN.format("avg_latency_ms")},
    requests_evaluated = m.requests_evaluated + EXCLUDED.requests_evaluated,
    passed_count = m.passed_count + EXCLUDED.passed_count,
    blocked_count = m.blocked_count + EXCLUDED.blocked_count,
    flagged_count = m.flagged_count + EXCLUDED.flagged_count, updated_at = EXCLUDED.updated_at;
"""  # noqa: S608  only constants of this module are put in
COUNT_GUARDRAILS = _COUNT.format(table="Guardrail", key="guardrail_id", member="guardrail_name")
COUNT_POLICIES = _COUNT.format(table="Policy", key="policy_id", member="policy_id")

# The request id under which the row of a charge is stored.
_ROW_ID = """(SELECT s.request_id FROM "LiteLLM_SpendLogs" s
    WHERE s.request_id IN (c.request_id, c.request_id || '_' || c.charge_id)
        AND s.metadata -> 'gatewright' ->> 'charge_id' = c.charge_id LIMIT 1)"""
INDEX_ROWS = f"""
INSERT INTO "LiteLLM_SpendLogGuardrailIndex" (request_id, guardrail_id, start_time, policy_id)
SELECT request_id, guardrail_id, started, policy_id FROM (
    SELECT DISTINCT {_ROW_ID} AS request_id, name AS guardrail_id, {_STARTED} AS started, (
        SELECT run ->> 'policy_id' FROM jsonb_array_elements(c.metadata -> 'guardrail_information') AS run
        WHERE run ->> 'guardrail_name' = name AND run ? 'policy_id' LIMIT 1) AS policy_id
    FROM charge c, jsonb_array_elements_text(c.metadata -> 'applied_guardrails') AS name
    WHERE c.metadata ? 'applied_guardrails'
) found WHERE request_id IS NOT NULL ORDER BY request_id COLLATE "C", guardrail_id COLLATE "C"
ON CONFLICT (request_id, guardrail_id) DO NOTHING;
CREATE TEMP TABLE tool_use ON COMMIT DROP AS
SELECT DISTINCT charge_id, request_id, left(tool, 256) AS tool_name, started_ms, api_key, team_id, user_agent,
    origin, metadata ->> 'user_api_key_alias' AS key_alias
FROM (
    SELECT c.*, mcp_namespaced_tool_name AS tool, split_part(mcp_namespaced_tool_name, '/', 1) AS origin
    FROM charge c WHERE mcp_namespaced_tool_name <> ''
    UNION ALL
    SELECT c.*, name, 'user_defined'
    FROM charge c, jsonb_array_elements_text(c.metadata #> '{{gatewright,tools_called}}') AS name
    WHERE c.metadata #> '{{gatewright,tools_called}}' IS NOT NULL
) used WHERE tool <> '';
INSERT INTO "LiteLLM_SpendLogToolIndex" (request_id, tool_name, start_time)
SELECT request_id, tool_name, started FROM (
    SELECT {_ROW_ID} AS request_id, tool_name, {_STARTED} AS started FROM tool_use c
) found WHERE request_id IS NOT NULL ORDER BY request_id COLLATE "C", tool_name COLLATE "C"
ON CONFLICT (request_id, tool_name) DO NOTHING;
INSERT INTO "LiteLLM_ToolTable" AS t (
    tool_id, tool_name, origin, call_count, key_hash, team_id, key_alias, user_agent, last_used_at, updated_at
)
SELECT gen_random_uuid()::text, tool_name, min(origin), count(*)::int, min(api_key), min(team_id),
    min(key_alias), min(user_agent), max({_STARTED}), now() AT TIME ZONE 'UTC'
FROM tool_use GROUP BY tool_name ORDER BY tool_name COLLATE "C"
ON CONFLICT (tool_name) DO UPDATE SET call_count = t.call_count + EXCLUDED.call_count,
    last_used_at = GREATEST(t.last_used_at, EXCLUDED.last_used_at), updated_at = EXCLUDED.updated_at;
INSERT INTO "LiteLLM_ToolTable" (
    tool_id, tool_name, origin, call_count, key_hash, team_id, key_alias, user_agent, updated_at
)
SELECT gen_random_uuid()::text, left(name, 256), 'user_defined', 0, min(api_key), min(team_id),
    min(metadata ->> 'user_api_key_alias'), min(user_agent), now() AT TIME ZONE 'UTC'
FROM charge c, jsonb_array_elements_text(c.metadata #> '{{gatewright,tools_offered}}') AS name
WHERE c.metadata #> '{{gatewright,tools_offered}}' IS NOT NULL AND name <> ''
GROUP BY left(name, 256) ORDER BY left(name, 256) COLLATE "C" ON CONFLICT (tool_name) DO NOTHING;
"""  # noqa: S608  only constants of this module are put in
