"""Servers that refuse what they are asked with: who can help, and how the client is told."""

from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager

from gateway.errors import GatewayError, UpstreamError
from gateway.hooks import Forwarder, ForwardRequest, HeaderPairs, RequestContext, UpstreamStream
from gateway_mcp.credentials import Credentials
from gateway_mcp.oauth.discovery import read_challenge
from gateway_mcp.passing_on import CHALLENGE, UpstreamRefusalError, read_refusal
from gateway_mcp.upstreams import Upstream

__all__ = ["BroughtRefusedError", "CredentialRefusedError", "ask_users", "watch_refusals"]

_UNAUTHORIZED, _FORBIDDEN = 401, 403
_MORE = "insufficient_scope"
_LONGEST = 200


class CredentialRefusedError(UpstreamError):
    """A server refuses what the gateway asks it with; no caller can do anything about that."""

    type = "mcp_credential_refused"


class BroughtRefusedError(UpstreamError):
    """A server refuses the credential that a client has brought for it; its challenge is in the headers."""

    type = UpstreamRefusalError.type


class _AskingForwarder:
    """A `gateway.hooks.Forwarder` that raises what `ask` makes of a refusal: its status and its headers.

    What the server says itself would lead the client to its own issuer, with whose tokens the client could do
    nothing here.
    """

    def __init__(self, forwarder: Forwarder, ask: Callable[[int, HeaderPairs], GatewayError]) -> None:
        self._forwarder = forwarder
        self._ask = ask

    @asynccontextmanager
    async def forward(self, request: ForwardRequest) -> AsyncGenerator[UpstreamStream]:
        """Send a request. Raises the refusal of a credential, or of one that is good for too little."""
        async with self._forwarder.forward(request) as stream:
            is_refused = stream.status == _UNAUTHORIZED or (
                stream.status == _FORBIDDEN and read_challenge(stream.headers).get("error") == _MORE
            )
            if is_refused:
                raise self._ask(stream.status, stream.headers)
            yield stream


def ask_users(
    forwarder: Forwarder, upstream: Upstream, context: RequestContext, credentials: Credentials
) -> Forwarder:
    """The way to a server; one that is asked in the name of users leads them to a login at the gateway."""
    if not upstream.settings.logs_users_in:
        return forwarder

    def ask(status: int, headers: HeaderPairs) -> GatewayError:
        scope = read_challenge(headers).get("scope", "")
        return credentials.ask_to_log_in(upstream, context.head, status, scope)

    return _AskingForwarder(forwarder, ask)


def watch_refusals(
    forwarder: Forwarder, upstream: Upstream, context: RequestContext, credentials: Credentials
) -> Forwarder:
    """The way to one of several servers: its refusal names it, and leads to nobody who cannot help.

    Only who has brought the credential is told the server's own challenge.
    """
    if upstream.settings.logs_users_in:
        return ask_users(forwarder, upstream, context, credentials)
    if upstream.settings.takes_client_tokens:
        return forwarder

    def tell(status: int, headers: HeaderPairs) -> GatewayError:
        is_own = credentials.has_brought(upstream, context)
        whose = "that you brought" if is_own else f"of the gateway ({status})"
        wants = _say_wish(read_challenge(headers))
        text = f"The MCP server '{upstream.name}' refuses the credential {whose}{wants}."
        if not is_own:
            text += " An administrator can give the gateway another one."
            return CredentialRefusedError(text, param="mcp_server")
        told = read_refusal(upstream, status, headers).told
        challenge = {CHALLENGE: told} if told else {}
        return BroughtRefusedError(text, param="mcp_server", status=status, headers=challenge)

    return _AskingForwarder(forwarder, tell)


def _say_wish(told: dict[str, str]) -> str:
    scope = "".join(char for char in told.get("scope", "") if char.isprintable())[:_LONGEST]
    return f": it wants the scope '{scope}'" if told.get("error") == _MORE and scope else ""
