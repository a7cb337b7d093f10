"""As what the gateway is known to an authorization server."""

from collections.abc import Sequence
from urllib.parse import urlsplit

import msgspec

from gateway.errors import UpstreamError
from gateway.hooks import McpSource
from gateway_mcp.oauth.discovery import Metadata
from gateway_mcp.oauth.grants import Client, Method, build_stated
from gateway_mcp.oauth.network import Network
from gateway_mcp.upstreams import Upstream

__all__ = ["CLIENT_DOCUMENT", "Registrations"]

CLIENT_DOCUMENT = "/oauth/client-metadata.json"
"""Where the gateway says who it is (OAuth Client ID Metadata Document)."""
_METHODS: tuple[Method, ...] = ("client_secret_basic", "client_secret_post", "none")
_NAME = "Gatewright"


class _Registered(msgspec.Struct, frozen=True, kw_only=True):
    """What was registered, for which address."""

    redirect_uri: str
    client: Client


class Registrations:
    """Knows the gateway's names: by the settings, by its document, or by registration (RFC 7591).

    What is registered at one issuer is never used at another.
    """

    def __init__(self, source: McpSource, network: Network) -> None:
        self._source = source
        self._network = network

    async def find(
        self,
        upstream: Upstream,
        metadata: Metadata,
        base_url: str,
        redirect_uri: str,
        *,
        is_kept: bool = True,
    ) -> Client:
        """The name at one authorization server. Raises UpstreamError where there is none to be had.

        For a server that is only tried out no registration `is_kept`.
        """
        settings = upstream.settings
        if settings.client_id:
            offered = metadata.token_endpoint_auth_methods_supported or ("client_secret_post",)
            return build_stated(settings, _choose(offered), metadata.issuer)
        if metadata.client_id_metadata_document_supported and urlsplit(base_url).scheme == "https":
            return Client(client_id=base_url + CLIENT_DOCUMENT)
        if not metadata.registration_endpoint:
            raise UpstreamError(
                f"The MCP server '{upstream.name}' needs a 'client_id': its authorization server registers "
                "nobody by itself. An administrator can register the gateway there, with the redirect URI "
                f"{redirect_uri}."
            )
        issuer = metadata.issuer or metadata.token_endpoint
        if not is_kept:
            return await self._register(upstream, metadata, redirect_uri)
        kept = await self._source.find_registration(upstream.id, issuer)
        registered = None if kept is None else _read(kept)
        if registered is None or registered.redirect_uri != redirect_uri:
            client = await self._register(upstream, metadata, redirect_uri)
            registered = _Registered(redirect_uri=redirect_uri, client=client)
            text = msgspec.json.encode(registered).decode()
            await self._source.keep_registration(upstream.id, issuer, text)
        return registered.client

    async def _register(self, upstream: Upstream, metadata: Metadata, redirect_uri: str) -> Client:
        wanted = _choose(metadata.token_endpoint_auth_methods_supported or _METHODS[:1])
        body = {
            "client_name": _NAME,
            "application_type": "web",
            "redirect_uris": [redirect_uri],
            "grant_types": ["authorization_code", "refresh_token"],
            "response_types": ["code"],
            "token_endpoint_auth_method": wanted,
        }
        answer = await self._network.post_json(upstream, metadata.registration_endpoint, body, {})
        said = answer.document
        identifier, secret = said.get("client_id"), said.get("client_secret", "")
        if not answer.is_good or not isinstance(identifier, str) or not isinstance(secret, str):
            reason = str(said.get("error", answer.status))[:100]
            raise UpstreamError(
                f"The authorization server of the MCP server '{upstream.name}' does not register the "
                f"gateway: {reason}. An administrator can set 'client_id'."
            )
        method = said.get("token_endpoint_auth_method", wanted)
        known = _choose((str(method),)) if method in _METHODS else wanted
        return Client(client_id=identifier, client_secret=secret, method=known if secret else "none")


def _choose(offered: Sequence[str]) -> Method:
    """The first way of ours that is offered."""
    for method in _METHODS:
        if method in offered:
            return method
    return "none"


def _read(text: str) -> _Registered | None:
    try:
        return msgspec.json.decode(text, type=_Registered)
    except msgspec.DecodeError:
        return None
