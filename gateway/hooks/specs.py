"""The whole extension surface: one signature and one sentence per hook."""

from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractAsyncContextManager
from enum import StrEnum
from typing import Any, TypeVar

import pluggy

from gateway.domain import (
    Claim,
    Completion,
    McpArrival,
    McpFindings,
    McpLogin,
    McpLoginAnswer,
    McpRenewal,
    McpServerRecord,
    PassThrough,
    Principal,
)
from gateway.hooks.context import Admission, RequestContext, RequestHead
from gateway.hooks.guards import CallGuard
from gateway.hooks.transport import Forwarder, OpenAnswer, ReadBody, UpstreamStream

__all__ = ["GROUP", "HookMode", "HookSpecs", "HookUse", "hookimpl", "mode_of"]

GROUP = "gateway.plugins"
"""The entry-point group in which plugins register."""

hookimpl = pluggy.HookimplMarker("gateway")
_pluggy_spec = pluggy.HookspecMarker("gateway")
_Function = TypeVar("_Function", bound=Callable[..., Any])


class HookMode(StrEnum):
    """How the implementations of one hook are combined."""

    FIRST = "first"
    """In order, until one answers something other than None."""
    VETO = "veto"
    """In order; one that raises stops the request."""
    PIPE = "pipe"
    """In order; each gets what the one before it returned, and None leaves it as it is."""
    COLLECT = "collect"
    """All of them; what they return is put together."""
    NOTIFY = "notify"
    """All of them, after the answer; an error is logged with the plugin's name and never raised."""


class HookUse(StrEnum):
    """For which requests hooks are compiled."""

    MODELS = "models"
    """Requests to models, and all routes of the gateway's own."""
    PATHS = "paths"
    """Requests for whose path there is no route: pass-throughs, those to MCP servers among them."""


def hookspec(mode: HookMode) -> Callable[[_Function], _Function]:
    """Declare a hook and how its implementations are combined."""

    def declare(function: _Function) -> _Function:
        function.__dict__["gateway_mode"] = mode
        return _pluggy_spec(function)

    return declare


def mode_of(function: Callable[..., Any]) -> HookMode:
    """Return the mode with which a hook was declared."""
    mode: HookMode = function.__dict__["gateway_mode"]
    return mode


class HookSpecs:
    """Every hook. An implementation may be a plain or an async function, and may leave arguments out."""

    @hookspec(HookMode.FIRST)
    async def authenticate(self, head: RequestHead) -> Principal | None:
        """Say who is calling, or None to leave that to the next one."""

    @hookspec(HookMode.FIRST)
    async def find_pass_through(self, head: RequestHead) -> PassThrough | None:
        """Say where a request goes for whose path there is no route, or None to leave that to others."""

    @hookspec(HookMode.FIRST)
    async def answer_openly(self, head: RequestHead, read_body: ReadBody) -> OpenAnswer | None:
        """Answer anybody at a path that leads nowhere else, or None to leave that to others."""

    @hookspec(HookMode.FIRST)
    async def answer_request(
        self, context: RequestContext, gateway: Forwarder
    ) -> AbstractAsyncContextManager[UpstreamStream] | None:
        """Answer a request of a model by other requests to this gateway, or None to leave it as it is."""

    @hookspec(HookMode.PIPE)
    async def resolve_model(self, model: str, context: RequestContext) -> str | None:
        """Replace the name of the model that the request is routed to."""

    @hookspec(HookMode.VETO)
    async def authorize(self, context: RequestContext) -> None:
        """Refuse a request by raising a GatewayError."""

    @hookspec(HookMode.COLLECT)
    async def collect_claims(self, context: RequestContext) -> Iterable[Claim] | None:
        """List what the request wants of limits and budgets."""

    @hookspec(HookMode.FIRST)
    async def admit(self, context: RequestContext, claims: Sequence[Claim]) -> Admission | None:
        """Take all claims or none of them."""

    @hookspec(HookMode.VETO)
    async def guard_request(self, context: RequestContext) -> None:
        """Inspect or rewrite the body before it goes upstream, or refuse it by raising GuardrailBlocked."""

    @hookspec(HookMode.COLLECT)
    async def open_guards(self, context: RequestContext) -> Iterable[CallGuard] | None:
        """Watch over one call, from its request to the end of its answer."""

    @hookspec(HookMode.FIRST)
    async def open_transport(self, context: RequestContext) -> Forwarder | None:
        """Send the request of a pass-through in the place of the gateway's own client, or answer it."""

    @hookspec(HookMode.NOTIFY)
    async def on_completion(self, context: RequestContext, completion: Completion) -> None:
        """Learn how an admitted request ended."""

    @hookspec(HookMode.FIRST)
    async def check_mcp_server(self, server: McpServerRecord) -> bool | None:
        """Say that an MCP server of the database can be served, or refuse it by raising BadRequest."""

    @hookspec(HookMode.FIRST)
    async def ask_mcp_server(self, server_id: str) -> McpFindings | None:
        """Ask an MCP server which tools it has."""

    @hookspec(HookMode.FIRST)
    async def try_mcp_server(self, server: McpServerRecord) -> McpFindings | None:
        """Ask an MCP server that is not served yet which tools it has, or refuse it by raising BadRequest."""

    @hookspec(HookMode.FIRST)
    async def begin_mcp_login(self, login: McpLogin) -> str | None:
        """Say where a browser goes so that the gateway may use an MCP server in a user's name."""

    @hookspec(HookMode.FIRST)
    async def finish_mcp_login(self, answer: McpLoginAnswer) -> McpArrival | None:
        """Redeem what a browser has brought back from such a login."""

    @hookspec(HookMode.FIRST)
    async def renew_mcp_login(self, renewal: McpRenewal) -> str | None:
        """Renew what such a login has brought, for the program that holds it."""
