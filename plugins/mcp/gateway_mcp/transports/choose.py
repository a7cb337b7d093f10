"""Which transport leads to a server."""

from collections.abc import Callable

from gateway.hooks import Forwarder, PluginServices
from gateway_mcp.transports.either import EitherForwarder
from gateway_mcp.transports.forbidding import ForbiddingForwarder
from gateway_mcp.transports.local import LocalForwarder
from gateway_mcp.transports.naming import NamingForwarder
from gateway_mcp.transports.openapi.server import OpenApiServer
from gateway_mcp.transports.refusing import RefusalForwarder
from gateway_mcp.transports.renewing import Renewing, RenewingForwarder
from gateway_mcp.transports.signing import SigningForwarder
from gateway_mcp.transports.sse import SseServer
from gateway_mcp.transports.stdio import StdioServer
from gateway_mcp.upstreams import Upstream

__all__ = ["Transports"]


class Transports:
    """The way to each server; what is behind it is made when it is first asked."""

    def __init__(
        self, services: PluginServices, tokens: Renewing, user_tokens: Renewing, exchanges: Renewing
    ) -> None:
        self._services = services
        self._tokens = tokens
        self._user_tokens = user_tokens
        self._exchanges = exchanges
        self._made: dict[Upstream, Forwarder] = {}
        self._programs: dict[Upstream, StdioServer] = {}
        self._undeclared: dict[Upstream, EitherForwarder] = {}
        self.note_change: Callable[[Upstream], None] = _ignore
        """Called when a server says, outside of any stream, that its lists have changed."""

    def of(self, upstream: Upstream) -> Forwarder:
        """What sends requests to a server."""
        made = self._made.get(upstream)
        if made is None:
            settings = upstream.settings
            made = self._make(upstream)
            if settings.is_asked_with_tokens:
                made = RenewingForwarder(made, upstream, self._tokens_of(upstream))
            if settings.forbidden_questions:
                made = ForbiddingForwarder(made, upstream, settings.forbidden_questions)
            self._made[upstream] = made
        return made

    def speaks_for(self, upstream: Upstream) -> bool:
        """Whether the gateway is the server that clients see, as far as it is known by now.

        What is behind it speaks no streamable HTTP.
        """
        if not upstream.settings.is_behind_http or upstream.settings.transport == "http":
            return not upstream.settings.is_behind_http
        undeclared = self._undeclared.get(upstream)
        return undeclared is None or not undeclared.is_newer

    def forget(self, upstream: Upstream) -> None:
        """Keep no way to a server that is there no more; a program ends when nobody has asked for a while."""
        self._made.pop(upstream, None)
        self._undeclared.pop(upstream, None)
        self._programs.pop(upstream, None)

    async def end(self, upstream: Upstream) -> None:
        """Keep no way to a server that was only tried out, and end it at once if it is a program."""
        program = self._programs.get(upstream)
        self.forget(upstream)
        if program is not None:
            await program.close()

    def _tokens_of(self, upstream: Upstream) -> Renewing:
        settings = upstream.settings
        if settings.exchanges_tokens:
            return self._exchanges
        return self._user_tokens if settings.logs_users_in else self._tokens

    def _plain(self, upstream: Upstream) -> Forwarder:
        services = self._services
        plain = services.guarded_forwarder if upstream.is_tenants else services.forwarder
        named = NamingForwarder(plain, f"the MCP server '{upstream.name}'")
        if not upstream.settings.signs_requests:
            return named
        return SigningForwarder(named, upstream, services.clock)

    def _make(self, upstream: Upstream) -> Forwarder:
        services, plain = self._services, self._plain(upstream)
        if upstream.settings.takes_client_tokens:
            plain = RefusalForwarder(plain, upstream)
        if upstream.settings.spec_path:
            return LocalForwarder(OpenApiServer(upstream, plain, services.clock), upstream.name)

        def note_change() -> None:
            self.note_change(upstream)

        if upstream.settings.transport == "stdio":
            program = StdioServer(upstream, services.clock, services.closing, note_change)
            self._programs[upstream] = program
            return LocalForwarder(program, upstream.name)
        if upstream.settings.transport == "http":
            return plain
        older = LocalForwarder(
            SseServer(upstream, plain, note_change),
            upstream.name,
            may_refuse=upstream.settings.takes_client_tokens,
        )
        if upstream.settings.transport == "sse":
            return older
        either = self._undeclared[upstream] = EitherForwarder(plain, older)
        return either


def _ignore(upstream: Upstream) -> None:
    """Nobody remembers what was listed."""
    del upstream
