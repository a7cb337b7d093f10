"""Tokens that stand for a virtual key: the claim that says so, and the key that is meant."""

from collections.abc import Iterable

from gateway.cache.expiring import ExpiringCache, Limits
from gateway.clock import Clock
from gateway.domain import Principal, Scope, ScopeKind
from gateway.errors import AuthenticationFailed, DatabaseUnavailable
from gateway.identity.principals import Principals
from gateway.identity.tokens.arrivals import PROVIDER
from gateway.identity.tokens.identity import TokenIdentity
from gateway.identity.tokens.mappings.service import MappingService, mapping_scope
from gateway.settings.jwt import JwtSettings

__all__ = ["MappedKeys"]


class MappedKeys:
    """Finds the virtual key of a claim; both the key and that there is none are remembered."""

    def __init__(
        self, mappings: MappingService, principals: Principals, clock: Clock, settings: JwtSettings
    ) -> None:
        self._mappings = mappings
        self._principals = principals
        self._behaviour = settings.unregistered_client
        limits = Limits(ttl_seconds=settings.key_mapping_ttl)
        self._cache: ExpiringCache[str, str] = ExpiringCache(clock, limits, stale_on=(DatabaseUnavailable,))

    async def find(self, identity: TokenIdentity, claim: tuple[str, str]) -> Principal | None:
        """Return whose key the claim stands for; None when the token speaks for itself.

        Raises AuthenticationFailed where only registered clients are let in, and DatabaseUnavailable.
        """
        principal = await self._find(identity, claim)
        if principal is not None:
            return principal
        if self._behaviour != "reject":
            return None
        raise AuthenticationFailed(
            f"Authentication Error, No virtual key is mapped to this token's '{claim[0]}'. An administrator "
            "can map one via `/jwt/key/mapping/new`."
        )

    async def _find(self, identity: TokenIdentity, claim: tuple[str, str]) -> Principal | None:
        key = mapping_scope(identity.issuer, *claim).id
        known = self._cache.peek(key)
        if known is not None:
            principal = self._principals.peek(known) or await self._principals.find(known)
            # The key may be deleted, or have another hash since it was rotated; the former one, whose grace
            # period the principal would end with, is no business of the token.
            if principal is not None and principal.token_hash == known:
                return principal
            self._cache.drop(key)

        async def load(_key: str) -> str | None:
            return await self._mappings.find_token(identity.issuer, *claim)

        token_hash = await self._cache.get_or_load(key, load)
        return None if token_hash is None else await self._principals.find(token_hash)

    async def register(self, identity: TokenIdentity, claim: tuple[str, str], caller: Principal) -> Principal:
        """Return the key made for a caller who has none, where the configuration wants that, else the caller.

        Raises DatabaseUnavailable.
        """
        if self._behaviour != "auto_register":
            return caller
        made = await self._mappings.register(PROVIDER, identity.issuer, claim, caller)
        self._cache.drop(mapping_scope(identity.issuer, *claim).id)
        return await self._principals.find(made) or caller

    def drop(self, scopes: Iterable[Scope]) -> None:
        """Forget the mappings that changed."""
        for scope in scopes:
            if scope.kind is ScopeKind.KEY:
                self._cache.drop(scope.id)

    def clear(self) -> None:
        """Forget every mapping."""
        self._cache.clear()
