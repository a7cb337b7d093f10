"""A fenced lease in PostgreSQL: one holder at a time runs a job, and nobody who lost it can still write."""

from gateway.db.connection import Connection
from gateway.db.engine import Database

__all__ = ["Lease", "LeaseLostError"]

# Only the server's clock is asked, so that holders with wrong clocks cannot take what is not theirs. The row
# of LiteLLM_CronJob says the same to readers of the contract's table; nothing is decided by it.
_MIRROR = """
INSERT INTO "LiteLLM_CronJob" AS c (cronjob_id, pod_id, status, last_updated, ttl)
SELECT job, holder, 'ACTIVE', clock_timestamp() AT TIME ZONE 'UTC', expires_at AT TIME ZONE 'UTC' FROM taken
ON CONFLICT (cronjob_id) DO UPDATE SET pod_id = EXCLUDED.pod_id, status = EXCLUDED.status,
    last_updated = EXCLUDED.last_updated, ttl = EXCLUDED.ttl
RETURNING (SELECT token FROM taken)
"""
_ACQUIRE = f"""
WITH taken AS (
    INSERT INTO gatewright.lease AS l (job, holder, token, expires_at)
    VALUES ($1, $2, 1, clock_timestamp() + $3::float8 * interval '1 second')
    ON CONFLICT (job) DO UPDATE SET holder = EXCLUDED.holder, expires_at = EXCLUDED.expires_at,
        token = CASE WHEN l.holder = $2 AND l.expires_at > clock_timestamp()
            THEN l.token ELSE l.token + 1 END
    WHERE l.holder = $2 OR l.expires_at <= clock_timestamp()
    RETURNING job, holder, token, expires_at
)
{_MIRROR}
"""  # noqa: S608  only constants of this module are put in
_FENCE = """
UPDATE gatewright.lease SET expires_at = clock_timestamp() + $4::float8 * interval '1 second'
WHERE job = $1 AND holder = $2 AND token = $3
"""
_RELEASE = """
WITH released AS (
    UPDATE gatewright.lease SET expires_at = clock_timestamp()
    WHERE job = $1 AND holder = $2 AND token = $3 RETURNING job
)
UPDATE "LiteLLM_CronJob" SET status = 'INACTIVE', last_updated = clock_timestamp() AT TIME ZONE 'UTC',
    ttl = clock_timestamp() AT TIME ZONE 'UTC'
WHERE cronjob_id IN (SELECT job FROM released)
"""


class LeaseLostError(Exception):
    """Somebody else runs the job by now; what this transaction wanted to do is theirs."""


class Lease:
    """The right to run one job, for `seconds` after it was last renewed; `holder` is who asks.

    Every time that the lease changes hands, and when it is taken again after it ran out, its token grows.
    A transaction of the job begins with `fence`, which locks the lease's row until the transaction ends:
    a successor waits for it, and a transaction that begins later than the successor finds another token.
    Raises DatabaseUnavailable throughout.
    """

    def __init__(self, database: Database, job: str, holder: str, *, seconds: float = 60.0) -> None:
        self.job = job
        self.holder = holder
        self.token = 0
        self._database = database
        self._seconds = seconds

    @property
    def is_held(self) -> bool:
        """Whether the lease was taken and not given back or found lost; it may have run out since."""
        return self.token > 0

    async def acquire(self) -> bool:
        """Take the lease, or renew it; False while somebody else has it."""
        token: int | None = await self._database.fetch_value(_ACQUIRE, self.job, self.holder, self._seconds)
        self.token = token or 0
        return self.is_held

    async def fence(self, connection: Connection) -> None:
        """Renew the lease within a transaction of the job; raises LeaseLostError when it is somebody else's.

        The server ends a transaction whose holder falls silent for as long as the lease lasts, so that a
        frozen process does not keep its successor waiting.
        """
        milliseconds = max(1, int(self._seconds * 1000))
        await connection.execute(f"SET LOCAL idle_in_transaction_session_timeout = {milliseconds}")
        status = await connection.execute(_FENCE, self.job, self.holder, self.token, self._seconds)
        if status != "UPDATE 1":
            self.token = 0
            raise LeaseLostError(f"The job '{self.job}' has been taken over by another worker.")

    async def release(self) -> None:
        """Give the lease back, so that another worker can take it at once."""
        if self.is_held:
            token, self.token = self.token, 0
            await self._database.execute(_RELEASE, self.job, self.holder, token)
