"""Tokens with which servers are asked in the name of a user: stored, and renewed before they end."""

import asyncio
import hashlib

import msgspec

from gateway.clock import Clock
from gateway.hooks import McpSource
from gateway_mcp.oauth.grants import Grants, RefusedGrantError, update_stated
from gateway_mcp.oauth.network import Network
from gateway_mcp.oauth.stored import StoredTokens, build_stored, read_stored
from gateway_mcp.upstreams import Upstream

__all__ = ["UserTokens"]

_FRESH_SECONDS = 10.0
_CAPACITY = 4_096
_Key = tuple[str, str]


class UserTokens:
    """Finds tokens; whoever waits for one that is being renewed shares one request, on all workers."""

    def __init__(self, network: Network, source: McpSource, clock: Clock) -> None:
        self._grants = Grants(network, clock)
        self._source = source
        self._clock = clock
        self._renewing: dict[_Key, asyncio.Task[str]] = {}
        self._owners: dict[str, str] = {}
        """Whose tokens those are that were given out, by their digests."""

    async def find(self, upstream: Upstream, user_id: str) -> str:
        """The token of a user, empty where only a login helps.

        Raises UpstreamError where it cannot be renewed now, and DatabaseUnavailable.
        """
        text = await self._source.find_credential(user_id, upstream.id)
        stored = None if text is None else read_stored(text, upstream.settings)
        if text is None or stored is None:
            return ""
        if stored.is_due(self._clock.now_nanos()):
            return await self._renew(upstream, user_id, text, stored)
        return self._give(stored.access_token, user_id)

    async def renew(self, upstream: Upstream, authorization: str) -> str | None:
        """Another token in the place of one that the server refuses; None where only a login helps."""
        user_id = self._owners.get(_digest(authorization.removeprefix("Bearer ")))
        text = None if user_id is None else await self._source.find_credential(user_id, upstream.id)
        stored = None if text is None else read_stored(text, upstream.settings)
        if user_id is None or text is None or stored is None:
            return None
        if authorization != f"Bearer {stored.access_token}":
            return self._give(stored.access_token, user_id) or None
        if stored.renewal is None or stored.age(self._clock.now_nanos()) < _FRESH_SECONDS:
            return None
        return await self._renew(upstream, user_id, text, stored) or None

    async def renew_apart(self, upstream: Upstream, text: str) -> str:
        """Tokens that are not stored here, renewed; empty where only a login helps. Raises UpstreamError."""
        stored = read_stored(text, upstream.settings)
        if stored is None or stored.renewal is None or not stored.refresh_token:
            return ""
        renewed = await self._ask(upstream, stored)
        return renewed.write() if renewed.access_token else ""

    async def _renew(self, upstream: Upstream, user_id: str, text: str, stored: StoredTokens) -> str:
        if not stored.refresh_token or stored.renewal is None:
            return self._good(stored)
        key = (upstream.id, user_id)
        task = self._renewing.get(key)
        if task is None:
            task = asyncio.create_task(self._renew_once(upstream, user_id, text, stored))
            self._renewing[key] = task
            task.add_done_callback(lambda _: self._renewing.pop(key))
        # Nobody's leaving stops it for the others.
        return self._give(await asyncio.shield(task), user_id)

    async def _renew_once(self, upstream: Upstream, user_id: str, text: str, stored: StoredTokens) -> str:
        async def ask() -> str:
            return (await self._ask(upstream, stored)).write()

        made = await self._source.renew_credential(user_id, upstream.id, text, ask)
        renewed = None if made is None else read_stored(made, upstream.settings)
        return "" if renewed is None else self._good(renewed)

    async def _ask(self, upstream: Upstream, stored: StoredTokens) -> StoredTokens:
        """Renewed tokens; none at all, where the refresh token is refused."""
        renewal = stored.renewal
        if renewal is None:
            return stored
        client = update_stated(upstream.settings, renewal.client)
        fields = {
            "grant_type": "refresh_token",
            "client_id": client.client_id,
            "refresh_token": stored.refresh_token or "",
            "resource": renewal.resource,
        }
        try:
            granted = await self._grants.ask(upstream, renewal.token_endpoint, client, fields)
        except RefusedGrantError:
            return StoredTokens(type=stored.type, connected_at=stored.connected_at, server=stored.server)
        now, kept = self._clock.now_nanos(), msgspec.structs.replace(renewal, client=client)
        return build_stored(granted, upstream.settings, now, kept, stored)

    def _good(self, stored: StoredTokens) -> str:
        return stored.access_token if stored.lasts(self._clock.now_nanos()) else ""

    def _give(self, token: str, user_id: str) -> str:
        if token:
            digest = _digest(token)
            if digest not in self._owners and len(self._owners) >= _CAPACITY:
                self._owners.pop(next(iter(self._owners)))
            self._owners[digest] = user_id
        return token


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
