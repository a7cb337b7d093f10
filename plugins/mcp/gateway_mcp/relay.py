"""The relay: messages to one MCP server at a time, under its own path."""

from gateway.domain import Endpoint, PassThrough
from gateway.errors import NotFound
from gateway.hooks import CallGuard, Forwarder, PluginServices, RequestContext, RequestHead, hookimpl
from gateway_mcp.credentials import Credentials
from gateway_mcp.messages import MessageGuard
from gateway_mcp.rights import build_predicate, check_server
from gateway_mcp.sessions import Sessions
from gateway_mcp.single import SingleServer
from gateway_mcp.upstreams import Upstream, Upstreams

__all__ = ["Relay"]

_LISTEN = "subscriptions/listen"


class Relay:
    """Leads messages to the servers that the operator has declared, as far as the caller may.

    Bodies pass through byte for byte; of a message its method and the name of a tool are read, of an answer
    the lists of tools.
    """

    def __init__(self, upstreams: Upstreams, services: PluginServices) -> None:
        self._upstreams = upstreams
        self._forwarder = services.forwarder
        self._sessions = Sessions(services.sealing)
        self._credentials = Credentials()

    @hookimpl
    def find_pass_through(self, head: RequestHead) -> PassThrough | None:
        """The way to the server that the path names."""
        upstream = self._upstreams.find(head.path)
        return None if upstream is None else upstream.lead(head.path, holds_slot=not _listens(head))

    @hookimpl
    def authorize(self, context: RequestContext) -> None:
        """Refuse who may not reach the server. Raises PermissionDenied, NotFound for one that is gone."""
        if context.endpoint is Endpoint.MCP:
            check_server(context, self._find(context), self._upstreams)

    @hookimpl(tryfirst=True)
    def open_guards(self, context: RequestContext) -> list[CallGuard] | None:
        """Watch over messages: before guardrails do, which look at calls of tools only."""
        if context.endpoint is not Endpoint.MCP:
            return None
        upstream = self._find(context)
        may_use = build_predicate(context, upstream, self._upstreams)
        return [MessageGuard(context, upstream, may_use)]

    @hookimpl
    async def open_transport(self, context: RequestContext) -> Forwarder | None:
        """Send messages with the server's own session ids in the place of those that clients know."""
        if context.endpoint is not Endpoint.MCP:
            return None
        owner, upstream = context.principal.token_hash, self._find(context)
        credentials = await self._credentials.list_headers(upstream, context)
        return SingleServer(self._forwarder, self._sessions, owner, upstream.id, credentials)

    def _find(self, context: RequestContext) -> Upstream:
        upstream = self._upstreams.find(context.head.path)
        if upstream is None:
            raise NotFound("There is no such MCP server.", param="mcp_server")
        return upstream


def _listens(head: RequestHead) -> bool:
    """Whether a request only waits for what a server may say."""
    return head.method == "GET" or head.headers.get("mcp-method") == _LISTEN
