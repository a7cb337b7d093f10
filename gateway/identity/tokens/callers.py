"""From what a token says to Principals: whom it names is read, or made, once and remembered."""

from collections.abc import Iterable, Iterator, Sequence

import msgspec

from gateway.cache.expiring import ExpiringCache, Limits
from gateway.clock import Clock
from gateway.domain import ModelGrant, Principal, Role, Scope, ScopeKind
from gateway.errors import AuthenticationFailed, DatabaseUnavailable, NotFound, PermissionDenied
from gateway.identity.principals import Principals, tags_of
from gateway.identity.special_models import NO_DEFAULT_MODELS
from gateway.identity.tokens.identity import TokenIdentity
from gateway.identity.tokens.naming import Named, Naming
from gateway.identity.tokens.refusals import Refusals
from gateway.identity.tokens.store import CallerColumns, TokenStore
from gateway.settings.jwt import JwtSettings

__all__ = ["Caller", "Callers"]

_READS = 3
"""Times that a caller is read at most while changes are announced all the time."""
_SHOWN_TEAMS = 20


class Caller(msgspec.Struct, frozen=True):
    """Who presents a token: a Principal per team, in the order of the token.

    `default` is the first, which has the others as its alternatives.
    """

    principals: tuple[Principal, ...]
    default: Principal

    def choose(self, team: str | None) -> Principal:
        """The Principal of the team that a request names, by id or alias, or the first.

        Raises PermissionDenied for a team that is not the caller's, or an alias that several have.
        """
        if team is None:
            return self.default
        by_id = [one for one in self.principals if one.team_id == team]
        found = by_id or [one for one in self.principals if one.team_alias == team]
        if len(found) != 1:
            allowed = [one.team_id for one in self.principals if one.team_id is not None][:_SHOWN_TEAMS]
            raise PermissionDenied(
                f"'{team[:100]}' is neither the id nor the alias of one of the token's teams: {allowed}",
                param="x-litellm-team-id",
            )
        return found[0]


class Callers:
    """Callers by the digest of what their tokens say; they forget with `principals`, and are as warm."""

    def __init__(
        self, store: TokenStore, naming: Naming, principals: Principals, clock: Clock, settings: JwtSettings
    ) -> None:
        self._store = store
        self._naming = naming
        self._principals = principals
        self._settings = settings
        self._cache: ExpiringCache[str, Caller] = ExpiringCache(
            clock, Limits(), tags_of=_tags, stale_on=(DatabaseUnavailable,)
        )
        self._refusals = Refusals(clock)
        self.peek = self._cache.peek

    async def find(self, digest: str, identity: TokenIdentity) -> Caller:
        """Return who this is; a refusal is remembered for some seconds, or until anything changes.

        Raises AuthenticationFailed, PermissionDenied and NotFound for whom nobody knows or may let in, and
        DatabaseUnavailable.
        """

        async def load(_digest: str) -> Caller:
            return await self._load(identity, digest)

        self._refusals.check(digest)
        try:
            found = await self._cache.get_or_load(digest, load)
            return found or await self._load(identity, digest)
        except (AuthenticationFailed, NotFound, PermissionDenied) as error:
            self._refusals.note(digest, error)
            raise

    def drop(self, scopes: Iterable[Scope]) -> None:
        """Forget who was made from one of these objects, and who was refused."""
        self._refusals.clear()
        for scope in scopes:
            self._cache.drop_tag(scope)

    def clear(self) -> None:
        """Forget everybody."""
        self._refusals.clear()
        self._cache.clear()

    async def _load(self, identity: TokenIdentity, digest: str) -> Caller:
        for _ in range(_READS - 1):
            generation = self._principals.generation
            caller = await self._read(identity, digest)
            if generation == self._principals.generation:
                return caller
        return await self._read(identity, digest)

    async def _read(self, identity: TokenIdentity, digest: str) -> Caller:
        named = await self._naming.find(identity)
        columns = [
            CallerColumns(
                token=digest,
                user_id=named.user_id,
                team_id=team_id,
                organization_id=named.organization_id,
                agent_id=identity.agent_id,
            )
            for team_id in named.team_ids or (None,)
        ]
        rows = await self._store.load_callers(columns, self._principals.journal)
        principals = [self._complete(self._principals.take(row), identity, named) for row in rows]
        # A team that is blocked stands in nobody's way who has another one.
        usable = [one for one in principals if one.blocked_owner is None] or principals[:1]
        default = msgspec.structs.replace(usable[0], alternatives=tuple(usable[1:]))
        return Caller(tuple(usable), default)

    def _complete(self, principal: Principal, identity: TokenIdentity, named: Named) -> Principal:
        """Add what the token says of the caller beyond its owners."""
        role = identity.role or principal.role
        return msgspec.structs.replace(
            principal,
            role=role,
            user_email=principal.user_email or identity.user_email,
            end_user_id=identity.end_user_id,
            allowed_routes=self._routes(identity, role, named),
            grants=(*principal.grants, *_scope_grants(identity, principal)),
        )

    def _routes(self, identity: TokenIdentity, role: Role | None, named: Named) -> tuple[str, ...]:
        """The routes that the token may call; empty restricts nothing."""
        if identity.is_admin:
            return self._settings.admin_routes
        if identity.routes:
            return identity.routes
        return self._settings.team_routes if named.team_ids and role is not Role.PROXY_ADMIN else ()


def _scope_grants(identity: TokenIdentity, principal: Principal) -> Iterator[ModelGrant]:
    if identity.models is not None and not identity.is_admin:
        models = frozenset(identity.models) or frozenset({NO_DEFAULT_MODELS})
        yield ModelGrant(Scope(ScopeKind.KEY, principal.token_hash), models)


def _tags(caller: Caller) -> Sequence[Scope]:
    return list(dict.fromkeys(tag for principal in caller.principals for tag in tags_of(principal)))
