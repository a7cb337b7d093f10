"""The set-based SQL that keeps an account per entity beside its `spend`; made of constants only."""

from gateway.db.entities import ENTITIES, GATEWAY_USER_ID, Entity

__all__ = ["BOOKED", "OPEN_ACCOUNTS", "RECORD_CHARGES", "RECORD_CHARGES_WITHOUT_ROWS", "REOPEN_END_USERS"]

# For whom a row was booked. The kinds are enough where the row's columns have the ids.
_IDS = """jsonb_path_query_array(scopes::jsonb, 'strict $[*] ? (@[0] == "{}")[1]')"""
BOOKED = f"""CASE
    WHEN (scopes NOT LIKE '%["project"%' OR metadata ? 'user_api_key_project_id')
        AND COALESCE(request_tags, '[]') = {_IDS.format("tag")}
        AND (scopes NOT LIKE '%["agent"%' OR jsonb_build_array(agent_id) = {_IDS.format("agent")})
    THEN jsonb_path_query_array(scopes::jsonb, '$[*][0] ? (@ != "tag" && @ != "meter")')
        || CASE WHEN request_tags <> '[]' THEN '["tag"]'::jsonb ELSE '[]' END
    ELSE scopes::jsonb END"""

_KINDS = ", ".join(f"'{entity.kind}'" for entity in ENTITIES)


def _record(rowless: str) -> str:
    """Sorted, and before everything else that a drain locks, so that drains wait in one order.

    Whoever makes a row of an entity while charges for it are on their way is waited for here.
    """
    return f"""
CREATE TEMP TABLE booked_charge ON COMMIT DROP AS
SELECT CASE kind WHEN 'gateway' THEN 'user' ELSE kind END AS kind,
    CASE kind WHEN 'gateway' THEN '{GATEWAY_USER_ID}' ELSE id END AS id, owner_id,
    CASE kind WHEN 'gateway' THEN '{GATEWAY_USER_ID}'
        ELSE id || CASE owner_id WHEN '' THEN '' ELSE ':' || owner_id END END AS entity_id, nanos
FROM entity_charge WHERE kind IN ({_KINDS}, 'gateway') AND nanos <> 0;
INSERT INTO gatewright.recorded AS r (entity_type, entity_id, nanos, rowless_nanos)
SELECT kind, entity_id, sum(nanos)::bigint, {rowless} FROM booked_charge
GROUP BY kind, entity_id ORDER BY kind COLLATE "C", entity_id COLLATE "C"
ON CONFLICT (entity_type, entity_id) DO UPDATE SET nanos = r.nanos + EXCLUDED.nanos,
    rowless_nanos = r.rowless_nanos + EXCLUDED.rowless_nanos;
"""  # noqa: S608  only constants of this module are put in


RECORD_CHARGES = _record("0")
# The daily tables can then be compared with rows from the day after this batch on only.
_COMPARE_LATER = """
UPDATE gatewright.books SET days_since = d.since, tag_days_since = GREATEST(tag_days_since, d.since)
FROM (SELECT max(to_timestamp(started_ms / 1000) AT TIME ZONE 'UTC')::date + 1 AS since FROM charge) d
WHERE days_since < d.since;
"""
RECORD_CHARGES_WITHOUT_ROWS = _record("sum(nanos)::bigint") + _COMPARE_LATER

# A row that was deleted and is made anew by a request begins with an account of its own.
REOPEN_END_USERS = """
DELETE FROM gatewright.opening_balance o USING new_end_user n
WHERE o.entity_type = 'end_user' AND o.entity_id = n.user_id;
"""


def _spend_of(entity: Entity) -> str:
    # OFFSET 0 keeps this a look-up per charge, whatever the planner thinks of an unknown temporary table.
    return f"""
    SELECT f.kind, f.entity_id, found.nanos FROM fresh f CROSS JOIN LATERAL (
        SELECT round(COALESCE(t.spend, 0) * 1e9::float8)::bigint AS nanos FROM "{entity.table}" t
        WHERE {entity.match_sql("f")} OFFSET 0
    ) found WHERE f.kind = '{entity.kind}'"""  # noqa: S608  only constants of this module are put in


# The first time that something is booked on a row, its account is opened: with what the row has spent that
# is neither recorded nor adjusted.
OPEN_ACCOUNTS = f"""
CREATE TEMP TABLE fresh ON COMMIT DROP AS
SELECT DISTINCT b.kind, b.id, b.owner_id, b.entity_id FROM booked_charge b
WHERE NOT EXISTS (SELECT FROM gatewright.opening_balance o
    WHERE o.entity_type = b.kind AND o.entity_id = b.entity_id);
INSERT INTO gatewright.opening_balance (entity_type, entity_id, nanos)
SELECT s.kind, s.entity_id, s.nanos - r.nanos - COALESCE((
    SELECT sum(a.nanos) FROM gatewright.adjustment a
    WHERE a.entity_type = s.kind AND a.entity_id = s.entity_id
), 0)::bigint
FROM ({" UNION ALL ".join(_spend_of(entity) for entity in ENTITIES)}) s
JOIN gatewright.recorded r ON r.entity_type = s.kind AND r.entity_id = s.entity_id
ON CONFLICT (entity_type, entity_id) DO NOTHING;
"""  # noqa: S608  only constants of this module are put in
