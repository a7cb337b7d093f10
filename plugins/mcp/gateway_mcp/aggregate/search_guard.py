"""Messages to the path where tools are found by searching."""

from gateway_mcp.aggregate.search import is_own_call, unwrap_call
from gateway_mcp.messages import MessageGuard
from gateway_mcp.wire import Object

__all__ = ["SearchGuard"]


class SearchGuard(MessageGuard):
    """Makes of `call_tool` the call that it stands for: rights, guardrails and records are the tool's."""

    async def check_message(self, message: Object) -> None:
        """See MessageGuard."""
        if is_own_call(message):
            self.check_headers(message)
            return
        inner = unwrap_call(message)
        if inner is None:
            await super().check_message(message)
            return
        self.check_headers(message)
        self._context.body.write("body", inner)
        await self.check_tool(inner["params"]["name"], inner)
