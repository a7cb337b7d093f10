"""The set-based SQL that books on a rotated key what was charged to its former hash; constants only."""

__all__ = ["FOLLOW_KEYS"]

# After the totals were recorded: whoever rotates one of these keys holds its total, so that this either sees
# where the key has gone, or the key stays where it is until the batch is booked. The books keep the charge
# where the request made it; the key that has taken over gets it by an adjustment, and its workers read its
# new total. The channel and the form of the notice are those of `gateway.identity.invalidation`.
FOLLOW_KEYS = """
WITH held AS MATERIALIZED (
    SELECT d.token, k.token AS successor FROM "LiteLLM_DeprecatedVerificationToken" d
    JOIN "LiteLLM_VerificationToken" k ON k.token = d.active_token_id
    WHERE d.token IN (SELECT id FROM entity_charge WHERE kind = 'key')
        AND NOT EXISTS (SELECT FROM "LiteLLM_VerificationToken" own WHERE own.token = d.token)
    ORDER BY k.token COLLATE "C" FOR NO KEY UPDATE OF k
)
UPDATE entity_charge e SET successor = held.successor FROM held WHERE e.kind = 'key' AND held.token = e.id;
WITH moved AS (
    SELECT successor, sum(nanos)::bigint AS nanos FROM entity_charge
    WHERE successor IS NOT NULL AND nanos <> 0 GROUP BY successor
), adjusted AS (
    INSERT INTO gatewright.adjustment (id, entity_type, entity_id, nanos, reason, actor)
    SELECT gen_random_uuid()::text, 'key', successor, nanos, 'spent with a former secret', 'drain' FROM moved
)
SELECT pg_notify('gatewright_identity', jsonb_build_array(jsonb_build_array('key', successor))::text)
FROM moved;
"""
