"""From the names on a request to what restricts it: end users, tags, agents and their sessions."""

import asyncio
from collections.abc import Awaitable, Iterable, Iterator, Sequence
from typing import Protocol

from gateway.cache.batch import Batch
from gateway.cache.expiring import ExpiringCache, Limits
from gateway.cache.memo import Memo
from gateway.clock import Clock, datetime_from_nanos
from gateway.domain import AgentRules, Limit, LimitKind, Principal, Scope, ScopeKind, Subject
from gateway.errors import DatabaseUnavailable
from gateway.identity.limits import MINUTE_SECONDS
from gateway.identity.principals import Seed, no_seed
from gateway.identity.subject_build import NO_SUBJECT_DEFAULTS, SubjectDefaults, build_subject
from gateway.identity.subject_rows import NewCustomer, SubjectRows

__all__ = ["SubjectSource", "Subjects"]

_NANOS = 1_000_000_000
_TOGETHER_SECONDS = 5
_MOST_TOGETHER = 10_000
_READS = 3
"""Times that rows are read at most while changes are announced all the time."""
_OFFER = "end_user_budget_id"
"""In the metadata of a key: the budget of the customers whom it makes known."""
_STRUCTURES = ("{", "[")
"""How JSON begins that client programs put in the place of a name."""
_KINDS = frozenset({ScopeKind.END_USER, ScopeKind.TAG, ScopeKind.AGENT})
_FREE = Subject(scope=Scope(ScopeKind.TAG, ""))
"""Stands in the cache for everybody whom nothing restricts."""
_NOBODY = Subject(scope=Scope(ScopeKind.END_USER, ""))
"""Stands in the cache for what names no end user, where these are validated."""
_UNRESTRICTED = (_FREE, _NOBODY)
_MOST_OFFERED = 1_000

_Together = tuple[int, tuple[Subject, ...], bool]
"""Until when (monotonic nanoseconds) subjects stand for their names, and whether an agent has rules."""


class SubjectSource(Protocol):
    """Where end users, tags and agents are read; SubjectStore in earnest."""

    async def find_subjects(
        self, scopes: Sequence[Scope], default_budget_id: str | None, journal: str, *, validates: bool = False
    ) -> SubjectRows:
        """Read a row for every scope; raises DatabaseUnavailable."""
        ...


class Subjects:
    """Subjects by their scopes.

    Whom nothing restricts is remembered as that and no more. All unknown names of a request, and of others
    that come at the same time, are read by one statement. While the database is away, known names keep what
    they have, and unknown ones are answered with DatabaseUnavailable: they may be blocked.
    """

    def __init__(
        self,
        source: SubjectSource,
        clock: Clock,
        *,
        journal: str = "",
        seed: Seed = no_seed,
        limits: Limits | None = None,
    ) -> None:
        self._source = source
        self._clock = clock
        self._journal = journal
        self._seed = seed
        self._defaults = NO_SUBJECT_DEFAULTS
        # Statements are bounded by the batch; names are not: a request may bring many.
        bounds = limits or Limits(ttl_seconds=60 - _TOGETHER_SECONDS, loads=10_000, waiting_loads=10_000)
        self._cache: ExpiringCache[Scope, Subject] = ExpiringCache(
            clock, bounds, stale_on=(DatabaseUnavailable,)
        )
        self._batch: Batch[Scope, Subject] = Batch(self._load)
        self._together: dict[tuple[Scope, ...], _Together] = {}
        self._offered: set[str] = set()
        self._generation = 0
        self._sessions = Memo(_build_session)
        self.close = self._cache.close

    def __len__(self) -> int:
        return len(self._cache)

    async def find(
        self, principal: Principal, named: tuple[Scope, ...], session_id: str | None = None
    ) -> tuple[Subject, ...]:
        """Return what restricts a request that names these objects, beside its caller's own limits.

        Raises DatabaseUnavailable for a name that is not known here while the database does not answer.
        """
        if _OFFER in principal.metadata:
            named = self._with_offer(principal, named)
        known, now = self._together.get(named), self._clock.monotonic_nanos
        if known is not None and known[0] > now():
            _, found, have_rules = known
        else:
            found = await self._find_each(named) if named else ()
            have_rules = _have_rules(found)
        if have_rules or principal.tag_subjects or principal.agent_rules:
            found = (*found, *_of_tags(principal, named), *self._of_sessions(principal, found, session_id))
        return found

    def list_fresh(self) -> list[Subject]:
        """Return every restricted object that is known here."""
        return [one for one in self._cache.list_fresh() if one not in _UNRESTRICTED]

    def drop(self, scopes: Iterable[Scope]) -> None:
        """Forget what is known of these objects."""
        for scope in scopes:
            if scope.kind in _KINDS:
                self._forget_together()
                self._cache.drop(scope)
                if scope.kind is ScopeKind.END_USER:
                    for budget_id in self._offered:
                        self._cache.drop(NewCustomer(scope.kind, scope.id, budget_id))

    async def is_somebody(self, principal: Principal, end_user: Scope) -> bool:
        """Whether this is an end user: where they are validated, one whom the database knows.

        Raises DatabaseUnavailable as `find` does.
        """
        if end_user.id.startswith(_STRUCTURES):
            return False
        (scope,) = self._with_offer(principal, (end_user,))
        return await self._find_one(scope) is not _NOBODY

    def clear(self) -> None:
        """Forget everything."""
        self._forget_together()
        self._cache.clear()

    def configure(self, defaults: SubjectDefaults) -> None:
        """Take over what the configuration says about end users; Subjects of other defaults are forgotten."""
        if defaults != self._defaults:
            self._defaults = defaults
            self.clear()

    def _with_offer(self, principal: Principal, named: tuple[Scope, ...]) -> tuple[Scope, ...]:
        """Name end users so that the budget which the key has for new ones holds for them."""
        budget_id = principal.metadata.get(_OFFER)
        if not isinstance(budget_id, str) or not budget_id:
            return named
        if budget_id not in self._offered:
            if len(self._offered) >= _MOST_OFFERED:
                self._offered.clear()
                self.clear()
            self._offered.add(budget_id)
        return tuple(
            NewCustomer(scope.kind, scope.id, budget_id) if scope.kind is ScopeKind.END_USER else scope
            for scope in named
        )

    def _forget_together(self) -> None:
        self._generation += 1
        self._together.clear()

    async def _find_each(self, named: tuple[Scope, ...]) -> tuple[Subject, ...]:
        began = self._generation
        if len(named) == 1:
            all_of_them = [await self._find_one(named[0])]
        else:
            all_of_them = await asyncio.gather(*(self._find_one(scope) for scope in named))
        found = tuple(subject for subject in all_of_them if subject not in _UNRESTRICTED)
        if len(self._together) >= _MOST_TOGETHER:
            self._together.clear()
        # What was read before a change that has been announced meanwhile is not kept.
        if self._generation == began:
            until = self._clock.monotonic_nanos() + _TOGETHER_SECONDS * _NANOS
            self._together[named] = until, found, _have_rules(found)
        return found

    async def _find_one(self, scope: Scope) -> Subject:
        return await self._cache.get_or_load(scope, self._batch.get) or _FREE

    async def _load(self, scopes: Sequence[Scope]) -> dict[Scope, Subject]:
        rows = await self._read(scopes)
        now = datetime_from_nanos(self._clock.now_nanos())
        found = dict.fromkeys(scopes, _FREE)
        totals: list[tuple[Scope, int]] = []
        for row in rows.rows:
            subject = build_subject(row, now, self._defaults)
            if row.is_nobody and subject is None:
                found[row.asked] = _NOBODY
            elif subject is not None:
                found[row.asked] = subject
                totals += ((row.scope, row.spent_nanos), *row.meters)
        if totals:
            self._seed(tuple(totals), rows.position)
        return found

    async def _read(self, scopes: Sequence[Scope]) -> SubjectRows:
        """Read rows; again if something changed meanwhile: what was spent before a reset is no seed."""
        for _ in range(_READS - 1):
            generation = self._generation
            rows = await self._read_once(scopes)
            if generation == self._generation:
                return rows
        return await self._read_once(scopes)

    def _read_once(self, scopes: Sequence[Scope]) -> Awaitable[SubjectRows]:
        defaults = self._defaults
        return self._source.find_subjects(
            scopes, defaults.end_user_budget_id, self._journal, validates=defaults.validates_end_users
        )

    def _of_sessions(
        self, principal: Principal, found: tuple[Subject, ...], session_id: str | None
    ) -> Iterator[Subject]:
        """The session as a subject of each agent that limits its sessions one by one."""
        if session_id is None:
            return
        if principal.agent_rules is not None and principal.agent_id is not None:
            yield from self._sessions((principal.agent_id, session_id, principal.agent_rules))
        for subject in found:
            if subject.agent_rules is not None:
                yield from self._sessions((subject.scope.id, session_id, subject.agent_rules))


def _have_rules(subjects: Iterable[Subject]) -> bool:
    return any(one.agent_rules is not None for one in subjects)


def _of_tags(principal: Principal, named: tuple[Scope, ...]) -> Iterator[Subject]:
    """The tags for which the key has a limit of its own."""
    for scope in named:
        if scope.kind is ScopeKind.TAG and scope.id in principal.tag_subjects:
            yield principal.tag_subjects[scope.id]


def _build_session(question: tuple[str, str, AgentRules]) -> tuple[Subject, ...]:
    agent_id, session_id, rules = question
    scope = Scope(ScopeKind.AGENT_SESSION, f"{agent_id}:{session_id}")
    rates = ((LimitKind.REQUESTS, rules.session_rpm), (LimitKind.TOKENS, rules.session_tpm))
    limits = tuple(
        Limit(scope=scope, kind=kind, amount=max(0, amount), window_seconds=MINUTE_SECONDS, name=scope.id)
        for kind, amount in rates
        if amount is not None
    )
    return (Subject(scope=scope, name=scope.id, limits=limits),) if limits else ()
