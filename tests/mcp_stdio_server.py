"""An MCP server for tests that is a program: on the official SDK, on standard input and output."""

import asyncio
import os
import sys
from pathlib import Path

from mcp.server.mcpserver import Context, MCPServer

server = MCPServer("program")


@server.tool()
def add(a: int, b: int) -> int:
    """Add two numbers."""
    return a + b


@server.tool()
def environment() -> str:
    """The names in the environment, and a value."""
    return " ".join([*sorted(os.environ), os.environ.get("OF_THE_SERVER", "")])


@server.tool()
def die() -> str:
    """End the process."""
    os._exit(1)


@server.tool()
async def count(ctx: Context) -> str:
    """Count to two."""
    for step in (1, 2):
        await ctx.report_progress(step, 2)
    return "done"


@server.tool()
async def wait(path: str) -> str:
    """Wait for ever, and note in a file that it was given up."""
    noted = Path(path)
    noted.write_text("waiting")  # noqa: ASYNC240  nobody else runs here
    try:
        await asyncio.sleep(3600)
    except asyncio.CancelledError:
        noted.write_text("cancelled")  # noqa: ASYNC240
        raise
    return "never"


@server.tool()
def process() -> int:
    """The number of the process."""
    return os.getpid()


if __name__ == "__main__":
    sys.stderr.write("starting\n")
    server.run("stdio")
