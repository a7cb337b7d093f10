"""The SQL that completes the rows of charges with what was inspected after their calls."""

from collections.abc import Sequence

import asyncpg
import msgspec

from gateway.db.connection import Connection
from gateway.db.engine import Database
from gateway.errors import TransactionConflict
from gateway.spend.booking.traces_store import COUNT_GUARDRAILS, COUNT_POLICIES

__all__ = ["InspectedRow", "InspectionStore"]

_ATTEMPTS = 3
# What is counted of a charge stands in `metadata`: here, only what is new about it.
_PREPARE = """
CREATE TEMP TABLE charge (charge_id text, started_ms bigint, metadata jsonb, of_policies jsonb) ON COMMIT DROP
"""
_NEW = """jsonb_build_object('guardrail_information', COALESCE((
    SELECT jsonb_agg(run) FROM jsonb_array_elements(runs) AS run
    WHERE NOT former @> jsonb_build_array(jsonb_build_object('{0}', run -> '{0}'))
), '[]'))"""
_COUNT_POLICIES = f"UPDATE charge SET metadata = of_policies; {COUNT_POLICIES}"  # noqa: S608  constants
_INSPECTED = """
inspected AS MATERIALIZED (
    SELECT charge_id, request_id, started_ms, runs::jsonb AS runs, messages::jsonb AS messages,
        response::jsonb AS response, request::jsonb AS request
    FROM unnest($1::text[], $2::text[], $3::bigint[], $4::text[], $5::text[], $6::text[], $7::text[])
        AS i (charge_id, request_id, started_ms, runs, messages, response, request)
)"""
# A row says that it was completed, so that a batch whose commit was lost can be sent again. What
# ran in another mode too has been counted with the charge.
_COMPLETE = f"""
WITH {_INSPECTED}, held AS MATERIALIZED (
    SELECT i.*, s.request_id AS row_id, COALESCE(s.metadata -> 'guardrail_information', '[]') AS former
    FROM inspected i JOIN "LiteLLM_SpendLogs" s
        ON s.request_id IN (i.request_id, i.request_id || '_' || i.charge_id)
    WHERE s.metadata -> 'gatewright' ->> 'charge_id' = i.charge_id
        AND NOT s.metadata -> 'gatewright' ? 'inspected'
    ORDER BY s.request_id COLLATE "C" FOR NO KEY UPDATE OF s
), done AS (
    UPDATE "LiteLLM_SpendLogs" s SET
        messages = COALESCE(h.messages, s.messages), response = COALESCE(h.response, s.response),
        proxy_server_request = COALESCE(h.request, s.proxy_server_request),
        metadata = s.metadata || jsonb_build_object('guardrail_information', h.former || h.runs,
            'gatewright', (s.metadata -> 'gatewright') || '{{"inspected": true}}')
    FROM held h WHERE s.request_id = h.row_id
    RETURNING h.charge_id, h.started_ms, h.former, h.runs
)
INSERT INTO charge SELECT charge_id, started_ms, {_NEW.format("guardrail_name")}, {_NEW.format("policy_id")}
FROM done
"""  # noqa: S608  constants of this module
_COUNT_ONLY = f"""
WITH {_INSPECTED}
INSERT INTO charge SELECT charge_id, started_ms, new, new
FROM inspected CROSS JOIN LATERAL jsonb_build_object('guardrail_information', runs) AS new
"""  # noqa: S608  constants of this module


class InspectedRow(msgspec.Struct, frozen=True):
    """A charge and what its row gets: `runs` is a JSON list, the bodies are JSON; None leaves them away."""

    charge_id: str
    request_id: str
    started_ms: int
    runs: str
    messages: str | None
    response: str | None
    proxy_server_request: str | None


class InspectionStore:
    """Completes rows, each once; where no rows are written, only counts what guardrails did."""

    def __init__(self, database: Database, *, writes_logs: bool = True) -> None:
        self._database = database
        self._statement = _COMPLETE if writes_logs else _COUNT_ONLY

    async def complete(self, rows: Sequence[InspectedRow]) -> None:
        """Store what was found, in one transaction. Raises DatabaseUnavailable."""
        try:
            await self._write(rows)
        except asyncpg.DataError:
            # One body cannot be stored, as lone surrogates cannot: each for itself, and that one without.
            for row in rows:
                await self._write_alone(row)

    async def _write_alone(self, row: InspectedRow) -> None:
        try:
            await self._write([row])
        except asyncpg.DataError:
            bare = msgspec.structs.replace(row, messages=None, response=None, proxy_server_request=None)
            await self._write([bare])

    async def _write(self, rows: Sequence[InspectedRow]) -> None:
        attempt = 1
        columns = list(map(list, zip(*map(msgspec.structs.astuple, rows), strict=True)))
        while True:
            try:
                async with self._database.transaction() as connection:
                    await self._count(connection, columns)
            except TransactionConflict:
                if attempt == _ATTEMPTS:
                    raise
                attempt += 1
            else:
                return

    async def _count(self, connection: Connection, columns: Sequence[object]) -> None:
        await connection.execute(_PREPARE)
        await connection.execute(self._statement, *columns)
        await connection.execute(COUNT_GUARDRAILS)
        await connection.execute(_COUNT_POLICIES)
