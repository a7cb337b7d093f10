"""The SQL that says of spend rows for whom they were booked, and how much."""

from gateway.db.entities import ENTITIES, GATEWAY_USER_ID

__all__ = ["IS_RECORD", "attribute"]

_KINDS = ", ".join(f"'{kind}'" for kind in (*(entity.kind for entity in ENTITIES), "gateway"))
IS_RECORD = "metadata -> 'gatewright' ? 'booked'"
"""Whether a row of LiteLLM_SpendLogs was booked by the gateway: rows of LiteLLM are no part of the books."""


def attribute(rows: str) -> str:
    """The SQL for (entity_type, entity_id, nanos) of rows of LiteLLM_SpendLogs, one for each entity.

    The row names the kinds of the entities, whose ids stand in its columns, or the entities themselves.
    """
    return f"""
SELECT part.kind AS entity_type, part.entity_id, c.nanos
FROM (
    SELECT l.*, l.metadata -> 'gatewright' -> 'booked' AS booked,
        (l.metadata -> 'gatewright' ->> 'cost_nanos')::bigint AS nanos
    FROM ({rows}) l
) c CROSS JOIN LATERAL (
    SELECT CASE kind WHEN 'gateway' THEN 'user' ELSE kind END AS kind, CASE kind
        WHEN 'key' THEN c.api_key
        WHEN 'user' THEN c."user"
        WHEN 'team' THEN c.team_id
        WHEN 'team_member' THEN c."user" || ':' || c.team_id
        WHEN 'organization' THEN c.organization_id
        WHEN 'organization_member' THEN c."user" || ':' || c.organization_id
        WHEN 'project' THEN c.metadata ->> 'user_api_key_project_id'
        WHEN 'end_user' THEN c.end_user
        WHEN 'agent' THEN c.agent_id
        WHEN 'gateway' THEN '{GATEWAY_USER_ID}' END AS entity_id
    FROM (
        SELECT DISTINCT b.value #>> '{{}}' AS kind FROM jsonb_array_elements(c.booked) b
        WHERE jsonb_typeof(b.value) = 'string' AND b.value <> '"tag"'
    ) named
    UNION ALL
    SELECT 'tag', tag FROM jsonb_array_elements_text(c.request_tags) tag WHERE c.booked ? 'tag'
    UNION ALL
    SELECT CASE b.value ->> 0 WHEN 'gateway' THEN 'user' ELSE b.value ->> 0 END,
        CASE b.value ->> 0 WHEN 'gateway' THEN '{GATEWAY_USER_ID}'
            ELSE concat_ws(':', b.value ->> 1, b.value ->> 2) END
    FROM jsonb_array_elements(c.booked) b WHERE jsonb_typeof(b.value) = 'array'
        AND b.value ->> 0 IN ({_KINDS})
) part WHERE c.nanos <> 0 AND part.entity_id IS NOT NULL
"""  # noqa: S608  only constants are put in, and the caller's SQL
