"""The set-based SQL that books what budgets count by themselves; made of constants only."""

__all__ = ["ADD_METERS"]

# Sorted, so that two drains wait for each other in one order. Nearly no charge has a meter. That of a key
# which was rotated meanwhile counts under its present hash.
ADD_METERS = """
INSERT INTO gatewright.meter AS m (kind, id, model, period, ends_ms, nanos)
SELECT kind, id, model, period, ends_ms, sum(nanos)::bigint
FROM (
    SELECT part ->> 1 AS kind, COALESCE(
            (SELECT e.successor FROM entity_charge e
             WHERE part ->> 1 = 'key' AND e.kind = 'key' AND e.id = part ->> 2 AND e.successor IS NOT NULL),
            part ->> 2
        ) AS id, part ->> 3 AS model, part ->> 4 AS period,
        (part ->> 5)::bigint AS ends_ms, nanos
    FROM (
        SELECT scopes, sum(cost_nanos) AS nanos FROM charge
        WHERE cost_nanos <> 0 AND scopes LIKE '%["meter",%' GROUP BY scopes
    ) grouped, jsonb_array_elements(scopes::jsonb) AS part
    WHERE part ->> 0 = 'meter'
) counted
GROUP BY 1, 2, 3, 4, 5
ORDER BY kind COLLATE "C", id COLLATE "C", model COLLATE "C", period COLLATE "C", ends_ms
ON CONFLICT (kind, id, model, period, ends_ms) DO UPDATE SET nanos = m.nanos + EXCLUDED.nanos;
"""
