"""From the hash of a key to a Principal, through a cache that outlives the database for a while."""

from collections.abc import Callable, Iterable, Iterator
from typing import Protocol

from gateway.cache.expiring import ExpiringCache, Limits
from gateway.clock import Clock
from gateway.domain import Principal, Scope, ScopeKind
from gateway.errors import DatabaseUnavailable
from gateway.identity.build import NO_DEFAULTS, UserDefaults, build_principal
from gateway.identity.rows import KeyRow

__all__ = ["Follower", "KeySource", "Principals", "Seed", "no_seed", "tags_of"]

_READS = 3
"""Times that a key is read at most while changes are announced all the time."""

Seed = Callable[[tuple[tuple[Scope, int], ...], int], None]
"""Told on every load: nano-dollars spent per scope in the database, at a position of the own journal."""


class KeySource(Protocol):
    """Where keys are read; KeyStore in earnest."""

    async def find_key(self, token_hash: str, journal: str) -> KeyRow | None:
        """Find a key by its hash; raises DatabaseUnavailable."""
        ...


class Follower(Protocol):
    """A cache of what was made from Principals."""

    def drop(self, scopes: Iterable[Scope]) -> None:
        """Forget what was made from one of these objects."""
        ...

    def clear(self) -> None:
        """Forget everything."""
        ...


def no_seed(_totals: tuple[tuple[Scope, int], ...], _position: int) -> None:
    """For a process that keeps no counters."""


class Principals:
    """Principals by the SHA-256 of the presented key.

    While the database is away, keys that are known keep working beyond their time, and unknown ones are
    answered with DatabaseUnavailable. `journal` is the name of this worker's own journal.
    """

    def __init__(
        self,
        source: KeySource,
        clock: Clock,
        *,
        journal: str = "",
        seed: Seed = no_seed,
        limits: Limits | None = None,
    ) -> None:
        self._source = source
        self._clock = clock
        self.journal = journal
        self._seed = seed
        self._defaults = NO_DEFAULTS
        self._cache: ExpiringCache[str, Principal] = ExpiringCache(
            clock, limits or Limits(), tags_of=tags_of, stale_on=(DatabaseUnavailable,)
        )
        self.generation = 0
        """Grows with everything that is forgotten: what was read before may be out of date."""
        self.followers: tuple[Follower, ...] = ()
        """Other caches of Principals, which forget with this one."""
        self.peek = self._cache.peek
        self.list_fresh = self._cache.list_fresh
        self.close = self._cache.close

    def __len__(self) -> int:
        return len(self._cache)

    async def find(self, token_hash: str) -> Principal | None:
        """Return who presents this key, or None when nobody issued it.

        Raises DatabaseUnavailable, and ServiceUnavailable when too many unknown keys are being looked up.
        """
        return await self._cache.get_or_load(token_hash, self._load)

    def drop(self, scopes: Iterable[Scope]) -> None:
        """Forget every Principal made from one of these objects, and that a key was unknown."""
        self.generation += 1
        scopes = tuple(scopes)
        for follower in self.followers:
            follower.drop(scopes)
        for scope in scopes:
            if scope.kind is ScopeKind.KEY:
                self._cache.drop(scope.id)
            self._cache.drop_tag(scope)

    def clear(self) -> None:
        """Forget every Principal."""
        self.generation += 1
        self._cache.clear()
        for follower in self.followers:
            follower.clear()

    def configure(self, defaults: UserDefaults) -> None:
        """Take over what the configuration says about users; Principals of other defaults are forgotten."""
        if defaults != self._defaults:
            self._defaults = defaults
            self.clear()

    async def _load(self, token_hash: str) -> Principal | None:
        row = await self._read(token_hash)
        return None if row is None else self.take(row)

    def take(self, row: KeyRow) -> Principal:
        """Build the Principal of what was read, and tell what its objects have spent."""
        self._seed(row.totals, row.position)
        return build_principal(row, self._clock.now_nanos(), self._defaults)

    async def _read(self, token_hash: str) -> KeyRow | None:
        """Read a key; again if something changed meanwhile: what was spent before a reset is no seed."""
        for _ in range(_READS - 1):
            generation = self.generation
            row = await self._source.find_key(token_hash, self.journal)
            if generation == self.generation:
                return row
        return await self._source.find_key(token_hash, self.journal)


def tags_of(principal: Principal) -> Iterator[Scope]:
    """The objects on a Principal, those included that were named and not found: they may appear."""
    yield Scope(ScopeKind.KEY, principal.token_hash)
    yield from principal.scopes[1:]
    named = (
        (ScopeKind.TEAM, principal.team_id),
        (ScopeKind.USER, principal.user_id),
        (ScopeKind.ORGANIZATION, principal.organization_id),
        (ScopeKind.PROJECT, principal.project_id),
        (ScopeKind.AGENT, principal.agent_id),
        (ScopeKind.TEAM_MEMBER, _member(principal.user_id, principal.team_id)),
        (ScopeKind.ORGANIZATION_MEMBER, _member(principal.user_id, principal.organization_id)),
    )
    for kind, identifier in named:
        if identifier is not None:
            yield Scope(kind, identifier)


def _member(user_id: str | None, group_id: str | None) -> str | None:
    return None if user_id is None or group_id is None else f"{user_id}:{group_id}"
