"""Logins of users at MCP servers: authorization code with PKCE (RFC 6749, 4.1; RFC 7636)."""

import base64
import hashlib
import hmac
import secrets
from urllib.parse import urlencode, urlsplit

import msgspec

from gateway.clock import Clock
from gateway.domain import McpArrival, McpLogin, McpLoginAnswer, McpLoginClient, McpServerRecord
from gateway.errors import BadRequest
from gateway.hooks import Vouchers
from gateway_mcp.directory import Directory
from gateway_mcp.oauth.discovery import Found, discover
from gateway_mcp.oauth.grants import Client, Grants
from gateway_mcp.oauth.network import Network
from gateway_mcp.oauth.registration import Registrations
from gateway_mcp.oauth.stored import Renewal, build_stored
from gateway_mcp.upstreams import Upstream

__all__ = ["CALLBACK", "Logins"]

CALLBACK = "/callback"
_PURPOSE = "mcp-login"
_SECONDS = 600.0
_LONGEST = 8_192


class _UnderWay(msgspec.Struct, frozen=True, kw_only=True):
    """A login that has begun; `browser` is the digest of the secret of the browser that began it."""

    server_id: str
    user_id: str
    browser: str
    verifier: str
    redirect_uri: str
    renewal: Renewal
    says_issuer: bool
    return_to: str
    client: McpLoginClient | None = None
    server: McpServerRecord | None = None

    __repr__ = object.__repr__


class Logins:
    """Begins and finishes logins; what is under way is in the database, for any worker, and for one use."""

    def __init__(
        self, network: Network, registrations: Registrations, vouchers: Vouchers, clock: Clock
    ) -> None:
        self._network = network
        self._grants = Grants(network, clock)
        self._registrations = registrations
        self._vouchers = vouchers
        self._clock = clock

    async def begin(self, upstream: Upstream, login: McpLogin) -> str:
        """The address at the authorization server. Raises UpstreamError, DatabaseUnavailable."""
        found = await discover(upstream, self._network)
        redirect_uri = login.base_url + CALLBACK
        client = await self._registrations.find(
            upstream, found.metadata, login.base_url, redirect_uri, is_kept=login.server is None
        )
        verifier = secrets.token_urlsafe(48)
        under_way = _UnderWay(
            server_id=upstream.id,
            user_id=login.user_id,
            browser=_digest(login.browser),
            verifier=verifier,
            redirect_uri=redirect_uri,
            renewal=_renewal_of(found, client),
            says_issuer=found.metadata.authorization_response_iss_parameter_supported,
            return_to=login.return_to,
            client=login.client,
            server=login.server,
        )
        text = msgspec.json.encode(under_way).decode()
        state = await self._vouchers.issue(_PURPOSE, text, _SECONDS)
        query = {
            "response_type": "code",
            "client_id": client.client_id,
            "redirect_uri": redirect_uri,
            "state": state,
            "code_challenge": _challenge(verifier),
            "code_challenge_method": "S256",
            "resource": found.resource,
        }
        scope = " ".join(dict.fromkeys((*found.scopes, *login.scope.split())))
        endpoint = found.metadata.authorization_endpoint
        joint = "&" if urlsplit(endpoint).query else "?"
        return endpoint + joint + urlencode({**query, **({"scope": scope} if scope else {})})

    async def finish(self, directory: Directory, answer: McpLoginAnswer) -> McpArrival:
        """Redeem the code. Raises BadRequest for an answer that is to no login of this browser.

        Raises UpstreamError where the authorization server grants nothing that is acceptable.
        """
        text = await self._vouchers.redeem(_PURPOSE, answer.state)
        under_way = None if text is None else msgspec.json.decode(text, type=_UnderWay)
        if under_way is None or not hmac.compare_digest(_digest(answer.browser), under_way.browser):
            raise BadRequest("This login is over, too old, or another browser's. Begin it again.")
        _check_issuer(under_way, answer)
        if answer.error or not 0 < len(answer.code) <= _LONGEST:
            said = "".join(char for char in answer.error if char.isprintable())[:100] or "no code"
            raise BadRequest(f"The authorization server did not let the gateway in: {said}.")
        known, stated = directory.current.by_name(under_way.server_id), under_way.server
        upstream = known if stated is None else directory.build(stated)
        if upstream is None or not upstream.settings.logs_users_in:
            raise BadRequest("The MCP server of this login is there no more.")
        return await self._redeem(upstream, under_way, answer.code)

    async def _redeem(self, upstream: Upstream, under_way: _UnderWay, code: str) -> McpArrival:
        renewal = under_way.renewal
        fields = {
            "grant_type": "authorization_code",
            # Servers on the MCP SDK look for it, also where the header says who asks.
            "client_id": renewal.client.client_id,
            "code": code,
            "redirect_uri": under_way.redirect_uri,
            "code_verifier": under_way.verifier,
            "resource": renewal.resource,
        }
        endpoint, client = renewal.token_endpoint, renewal.client
        granted = await self._grants.ask(upstream, endpoint, client, fields)
        stored = build_stored(granted, upstream.settings, self._clock.now_nanos(), renewal)
        binding, issuer = upstream.settings.oauth_identity_binding, upstream.settings.issuer
        return McpArrival(
            server_id=upstream.id,
            user_id=under_way.user_id,
            credential=stored.write(),
            return_to=under_way.return_to,
            client=under_way.client,
            identity=binding.build(granted.id_token, client.client_id, issuer) if binding else None,
        )


def _renewal_of(found: Found, client: Client) -> Renewal:
    return Renewal(
        issuer=found.metadata.issuer,
        token_endpoint=found.metadata.token_endpoint,
        client=client,
        resource=found.resource,
    )


def _check_issuer(under_way: _UnderWay, answer: McpLoginAnswer) -> None:
    """Raise BadRequest where the answer is another server's than the one that was asked (RFC 9207)."""
    is_missing = under_way.says_issuer and answer.issuer is None
    known = under_way.renewal.issuer
    if is_missing or (answer.issuer is not None and known and answer.issuer != known):
        raise BadRequest("The answer is not that of the authorization server that was asked.")


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _challenge(verifier: str) -> str:
    digest = hashlib.sha256(verifier.encode()).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
