"""Who has logged in at an MCP server, as far as the server wants it compared."""

from collections.abc import Callable
from typing import Protocol

from gateway.domain import McpArrival

__all__ = ["IdentityCheck", "IdentityChecks"]


class IdentityCheck(Protocol):
    """What verifies identities."""

    async def check(self, arrival: McpArrival) -> str:
        """What speaks against storing what a login has brought; empty for nothing."""
        ...


class IdentityChecks:
    """An IdentityCheck that is built when the first login has an identity to look at."""

    def __init__(self, build: Callable[[], IdentityCheck]) -> None:
        self._build = build
        self._built: IdentityCheck | None = None

    async def check(self, arrival: McpArrival) -> str:
        """See IdentityCheck."""
        if arrival.identity is None:
            return ""
        if self._built is None:
            self._built = self._build()
        return await self._built.check(arrival)
