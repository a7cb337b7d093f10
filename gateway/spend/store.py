"""The SQL of the spend package: what a batch of charges changes, and what reports read."""

from collections.abc import Sequence
from typing import Protocol, cast

import asyncpg

from gateway.db.connection import Connection
from gateway.db.engine import Database
from gateway.spend.booking.store import BOOK_CHARGES, INSERT_LOGS, PREPARE, READ_LINES

__all__ = ["LinesRefusedError", "PositionMovedError", "SpendStore"]

_POISON = (
    asyncpg.DataError,
    asyncpg.IntegrityConstraintViolationError,
    asyncpg.ProgramLimitExceededError,
)
_ATTEMPTS = 3


class LinesRefusedError(Exception):
    """PostgreSQL cannot take one of the lines; which one is for the caller to find out."""


class PositionMovedError(Exception):
    """The database's position of the journal is another one: `position` has been drained already."""

    def __init__(self, position: int) -> None:
        super().__init__(f"the journal has been drained up to {position}")
        self.position = position


class _CollidedError(Exception):
    """Another drain has just written one of the request ids of this batch."""


class _UndoneError(Exception):
    """Everything went well in a transaction that was only a trial."""


class _CopiesText(Protocol):
    async def copy_to_table(
        self,
        table_name: str,
        *,
        source: memoryview,
        format: str,  # noqa: A002  asyncpg's name
        delimiter: str,
        quote: str,
    ) -> str: ...


class SpendStore:
    """Writes batches of charges and reads them back. `writes_logs` False books totals without rows."""

    def __init__(self, database: Database, *, writes_logs: bool = True) -> None:
        self._database = database
        self._writes_logs = writes_logs

    async def read_position(self, journal: str) -> int:
        """Up to where a journal is in the database; 0 for one that the database does not know."""
        sql = "SELECT position FROM gatewright.journal_position WHERE journal = $1"
        return await self._database.fetch_value(sql, journal) or 0

    async def forget_journal(self, journal: str) -> None:
        """Drop the position of a journal whose files are gone."""
        await self._database.execute("DELETE FROM gatewright.journal_position WHERE journal = $1", journal)

    async def write_batch(self, journal: str, start: int, end: int, lines: Sequence[bytes]) -> None:
        """Book `charged` lines and move the journal's position from `start` to `end`, in one transaction.

        Raises PositionMovedError when the position is not `start`, LinesRefusedError when a line cannot be
        stored, DatabaseUnavailable when the server is away: then nothing was changed, or everything, which
        the position tells.
        """
        for attempt in range(_ATTEMPTS):
            try:
                async with self._database.transaction() as connection:
                    await _move_position(connection, journal, start, end)
                    if lines:
                        await self._book(connection, lines, is_last=attempt == _ATTEMPTS - 1)
            except (_CollidedError, asyncpg.DeadlockDetectedError, asyncpg.SerializationError):
                if attempt == _ATTEMPTS - 1:
                    raise
            except _POISON as error:
                raise LinesRefusedError(str(error)) from error
            else:
                return

    async def accepts(self, lines: Sequence[bytes]) -> bool:
        """Whether PostgreSQL would take these lines; changes nothing. Raises DatabaseUnavailable."""
        try:
            async with self._database.transaction() as connection:
                await self._book(connection, lines, is_last=True)
                raise _UndoneError  # noqa: TRY301  leaving the block by an error is what rolls back
        except _UndoneError:
            return True
        except _POISON:
            return False

    async def _book(self, connection: Connection, lines: Sequence[bytes], *, is_last: bool) -> None:
        await connection.execute(PREPARE)
        data = b"\n".join(lines) + b"\n"
        # asyncpg takes bytes for the name of a file. JSON has neither delimiter nor quote as a plain byte.
        copier = cast(_CopiesText, connection)  # The protocol of gateway.db names only binary COPY.
        await copier.copy_to_table(
            "journal_line", source=memoryview(data), format="csv", delimiter="\x02", quote="\x01"
        )
        await connection.execute(READ_LINES)
        if self._writes_logs:
            status = await connection.execute(INSERT_LOGS)
            if not is_last and int(status.rpartition(" ")[2]) != len(lines):
                raise _CollidedError
        await connection.execute(BOOK_CHARGES)


async def _move_position(connection: Connection, journal: str, start: int, end: int) -> None:
    """Take the journal's row, so that a second drain of it waits here and then finds the position moved."""
    if start == 0:
        sql = """
            INSERT INTO gatewright.journal_position (journal, position) VALUES ($1, 0)
            ON CONFLICT (journal) DO NOTHING"""
        await connection.execute(sql, journal)
    sql = """
        UPDATE gatewright.journal_position SET position = $3, updated_at = now()
        WHERE journal = $1 AND position = $2"""
    if await connection.execute(sql, journal, start, end) != "UPDATE 1":
        sql = "SELECT position FROM gatewright.journal_position WHERE journal = $1"
        raise PositionMovedError(await connection.fetchval(sql, journal) or 0)
