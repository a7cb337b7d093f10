"""Whether MCP servers answer."""

import asyncio
from datetime import datetime

import msgspec

from gateway.clock import Clock
from gateway.db.engine import Database
from gateway.db.sealing import Seal
from gateway.domain import McpFindings
from gateway.inventory.mcp.store import McpServerRecords
from gateway.inventory.mcp.surroundings import McpSurroundings

__all__ = ["McpCheck", "McpHealthService"]

_AT_ONCE = 16
_LONGEST_ERROR = 2_000
_MILLION = 1_000_000


class McpCheck(msgspec.Struct, frozen=True, kw_only=True):
    """What one server answered."""

    server_id: str
    findings: McpFindings
    milliseconds: float

    @property
    def status(self) -> str:
        """`healthy`, or `unhealthy`."""
        return "unhealthy" if self.findings.error else "healthy"

    @property
    def error(self) -> str | None:
        """Why it is not healthy."""
        return self.findings.error[:_LONGEST_ERROR] or None


class McpHealthService:
    """Asks servers, some at a time, and notes in their rows what came of it. Raises DatabaseUnavailable."""

    def __init__(self, database: Database, clock: Clock, seal: Seal) -> None:
        self._clock = clock
        self._servers = McpServerRecords(database, seal)

    async def check(self, identifiers: list[str], around: McpSurroundings) -> list[McpCheck]:
        """Ask these servers; one that nobody serves is not healthy either."""
        turns = asyncio.Semaphore(_AT_ONCE)
        return list(await asyncio.gather(*(self._check(one, around, turns) for one in identifiers)))

    async def note(self, checks: list[McpCheck], now: datetime) -> None:
        """Write what was found into the rows of the database's servers."""
        findings = [(one.server_id, one.status, one.error) for one in checks]
        await self._servers.note_health(findings, now.replace(tzinfo=None))

    async def _check(self, identifier: str, around: McpSurroundings, turns: asyncio.Semaphore) -> McpCheck:
        async with turns:
            began = self._clock.monotonic_nanos()
            found = await around.ask(identifier)
            passed = self._clock.monotonic_nanos() - began
        findings = found or McpFindings(error="It is not served; the gateway's log says why.")
        return McpCheck(server_id=identifier, findings=findings, milliseconds=passed / _MILLION)
