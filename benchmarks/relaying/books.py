"""What calls with a price have to come to: a row each, and their sum as the spend of key and team."""

import asyncio
import re
import sys
import time
from pathlib import Path

import asyncpg
import msgspec
from loadtest.processes import get

from gateway.db.embedded import EmbeddedPostgres
from gateway.ids import hash_token
from gateway.money import nanos_from_usd

__all__ = ["PRICE", "Account", "Books", "describe_account"]

PRICE = 0.001
"""USD for each call."""
_ROWS = """
    SELECT count(*) AS rows, count(DISTINCT request_id) AS calls,
           coalesce(sum(round((spend * 1e9)::numeric)), 0)::bigint AS nanos
    FROM "LiteLLM_SpendLogs" WHERE api_key = $1 AND mcp_namespaced_tool_name IS NOT NULL
"""
_KEY = 'SELECT round((spend * 1e9)::numeric)::bigint FROM "LiteLLM_VerificationToken" WHERE token = $1'
_TEAM = 'SELECT round((spend * 1e9)::numeric)::bigint FROM "LiteLLM_TeamTable" WHERE team_id = $1'
_UNSETTLED = ("gatewright_requests_in_flight", "gatewright_journal_undrained_bytes")
_SETTLE_SECONDS = 300


class Account(msgspec.Struct, frozen=True, kw_only=True):
    """What was called, and what the database has of it."""

    called: int
    rows: int
    calls: int
    row_nanos: int
    key_nanos: int
    team_nanos: int

    @property
    def is_exact(self) -> bool:
        """Whether each call is one row of its price, and both spends are their sum."""
        cost = self.called * nanos_from_usd(PRICE)
        spends = (self.row_nanos, self.key_nanos, self.team_nanos)
        return self.called == self.rows == self.calls and all(spent == cost for spent in spends)


class Books:
    """The calls of one key of a team, and the database of the gateway at `port`, which lies in `data`."""

    def __init__(self, port: int, admin: dict[str, str], data: Path, key: str, team: str) -> None:
        self._port = port
        self._admin = admin
        self._data = data
        self._key = hash_token(key)
        self._team = team
        self._called = 0

    def note(self, calls: int) -> None:
        """So many calls were answered with a result."""
        self._called += calls

    def read(self) -> Account:
        """Compare with the database, once everything is there."""
        until = time.perf_counter() + _SETTLE_SECONDS
        while any(self._metric(name) for name in _UNSETTLED):
            if time.perf_counter() > until:
                sys.exit(f"The journal was not drained within {_SETTLE_SECONDS} seconds.")
            time.sleep(0.1)
        return asyncio.run(self._read())

    async def _read(self) -> Account:
        with EmbeddedPostgres(self._data) as database:
            connection = await asyncpg.connect(database.url)
            try:
                row = await connection.fetchrow(_ROWS, self._key)
                key = await connection.fetchval(_KEY, self._key)
                team = await connection.fetchval(_TEAM, self._team)
            finally:
                await connection.close()
        return Account(
            called=self._called,
            rows=row["rows"],
            calls=row["calls"],
            row_nanos=row["nanos"],
            key_nanos=key,
            team_nanos=team,
        )

    def _metric(self, name: str) -> int:
        _, body = get(self._port, "/metrics", self._admin)
        found = re.search(rb"(?m)^%b ([0-9.e+]+)$" % name.encode(), body)
        return int(float(found[1])) if found else sys.exit(f"There is no metric {name}.")


def describe_account(account: Account) -> str:
    """One line: whether it is exact, and the figures."""
    verdict = "exact" if account.is_exact else "NOT EXACT"
    usd = f"{account.called * PRICE:,.3f}"
    spends = ", ".join(
        f"{name} {nanos / 1e9:,.9f}"
        for name, nanos in (
            ("rows", account.row_nanos),
            ("key", account.key_nanos),
            ("team", account.team_nanos),
        )
    )
    return f"Books: {verdict}. {account.called:,} calls, {account.rows:,} rows; {usd} USD: {spends}."
