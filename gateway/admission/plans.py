"""Finds what a request takes: the parts of caller and subjects, made once and found by identity."""

import weakref
from collections.abc import Sequence
from functools import partial

import msgspec

from gateway.admission.accounts import Account, Accounts
from gateway.admission.part import Part, build_part, merge_parts
from gateway.clock import Clock
from gateway.domain import Limit, Principal, Scope, ScopeKind, Subject

__all__ = ["Plans"]

_MOST_MODELS = 64
"""Parts per owner: models that limits tell apart are few, and a client may invent names."""
_MOST_MERGED = 4_096
_SPENDLESS = frozenset({ScopeKind.AGENT_SESSION})

Owner = Principal | Subject


class _Plan:
    """The limits of one caller or subject, and its parts by model.

    `plain` is the part of all its requests, None where a limit is on a model, has a period or an end. `kept`
    keeps the accounts of limits that no request has met yet, `edges` are the times at which a limit begins or
    ends to hold.
    """

    __slots__ = ("by_model", "edges", "kept", "limits", "owner", "plain", "scopes")

    def __init__(
        self,
        owner: "weakref.ref[Owner]",
        scopes: tuple[Scope, ...],
        limits: Sequence[Limit],
        kept: Sequence[Account],
    ) -> None:
        self.owner = owner
        self.scopes = scopes
        self.limits = tuple(limits)
        self.kept = kept
        ends = (time for limit in limits for time in (limit.since_nanos, limit.until_nanos))
        self.edges = tuple(time for time in ends if time)
        self.by_model: dict[str | tuple[str, str], Part] = {}
        self.plain: Part | None = None


class _Together(msgspec.Struct, frozen=True):
    """Parts laid out as one; what they were found by is kept, so that nothing else gets its identity."""

    part: Part
    subjects: tuple[Subject, ...]
    common: Subject | None
    merged: Part


class Plans:
    """The plans of everybody who is known; one is forgotten together with its owner.

    `common` is a subject of every request, if there is one.
    """

    def __init__(self, accounts: Accounts, clock: Clock) -> None:
        self._accounts = accounts
        self._now = clock.now_nanos
        self._plans: dict[int, _Plan] = {}
        self._merged: dict[tuple[int, ...], tuple[Part, tuple[Part, ...]]] = {}
        self._together: dict[tuple[int, int, int], _Together] = {}
        self.common: Subject | None = None

    def clear(self) -> None:
        """Make every plan anew when it is next asked for."""
        self._plans.clear()
        self._merged.clear()
        self._together.clear()

    def find(
        self, principal: Principal, subjects: tuple[Subject, ...], model: str, routed_model: str
    ) -> Part:
        """Return what a request takes: all of its caller and of its subjects that concerns its model."""
        # Every request passes here.
        plan = self._plans.get(id(principal)) or self._make(principal)
        part = plan.plain or self._part(plan, model, routed_model)
        if not subjects and self.common is None:
            return part
        known = self._together.get((id(part), id(subjects), id(self.common)))
        return self._merge(part, subjects, model, routed_model) if known is None else known.merged

    def _merge(self, part: Part, subjects: tuple[Subject, ...], model: str, routed_model: str) -> Part:
        common = self.common
        owners = subjects if common is None else (*subjects, common)
        plans = [self._plans.get(id(owner)) or self._make(owner) for owner in owners]
        parts = [part, *(plan.plain or self._part(plan, model, routed_model) for plan in plans)]
        merged = self._merge_parts(parts)
        if all(plan.plain for plan in plans):
            if len(self._together) >= _MOST_MERGED:
                self._together.clear()
            known = _Together(part, subjects, common, merged)
            self._together[id(part), id(subjects), id(common)] = known
        return merged

    def _merge_parts(self, parts: Sequence[Part]) -> Part:
        key = tuple(map(id, parts))
        found = self._merged.get(key)
        if found is None:
            if len(self._merged) >= _MOST_MERGED:
                self._merged.clear()
            # The parts are kept, so that nothing else gets their identities meanwhile.
            found = self._merged[key] = merge_parts(parts), tuple(parts)
        return found[0]

    def _make(self, owner: Owner) -> _Plan:
        identity = id(owner)
        forget = partial(_forget, self._plans, identity)
        if isinstance(owner, Principal):
            scopes = owner.scopes
        else:
            is_spent_on = owner.scope.kind not in _SPENDLESS and owner is not self.common
            scopes = (owner.scope,) if is_spent_on else ()
        kept = tuple(map(self._accounts.of_limit, owner.limits))
        plan = self._plans[identity] = _Plan(weakref.ref(owner, forget), scopes, owner.limits, kept)
        if not plan.edges and not any(limit.period or limit.model is not None for limit in owner.limits):
            plan.plain = self._build(plan, plan.limits)
        return plan

    def _part(self, plan: _Plan, model: str, routed_model: str) -> Part:
        key = routed_model if model == routed_model else (model, routed_model)
        part, now = plan.by_model.get(key), self._now()
        if part is None or not part.seen_at <= now < part.ends_at:
            if len(plan.by_model) >= _MOST_MODELS:
                plan.by_model.clear()
            names = _names(model, routed_model)
            limits = [
                limit
                for limit in plan.limits
                if limit.holds_at(now)
                and (limit.model is None or any(_covers(limit.model, name) for name in names))
            ]
            part = plan.by_model[key] = self._build(plan, limits)
            part.ends_at = min((part.ends_at, *(edge for edge in plan.edges if edge > now)))
            part.seen_at = max((part.seen_at, *(edge for edge in plan.edges if edge <= now)))
        return part

    def _build(self, plan: _Plan, limits: Sequence[Limit]) -> Part:
        moneys = [self._accounts.money(scope) for scope in plan.scopes]
        is_key = bool(plan.scopes) and plan.scopes[0].kind is ScopeKind.KEY
        return build_part(map(self._accounts.of_limit, limits), moneys, moneys[0] if is_key else None)


def _forget(plans: dict[int, _Plan], identity: int, _owner: object) -> None:
    plans.pop(identity, None)


def _names(model: str, routed_model: str) -> frozenset[str]:
    """The names by which a limit may mean the model: with and without aliases, and without a provider."""
    names = {model, routed_model}
    return frozenset(names | {rest for name in names if (rest := name.partition("/")[2])})


def _covers(pattern: str, name: str) -> bool:
    """Whether a name is the pattern, in which `*` stands for anything; in linear time."""
    first, *middle = pattern.split("*")
    if not middle:
        return name == first
    last = middle.pop()
    if not name.startswith(first) or not name.endswith(last) or len(name) < len(first) + len(last):
        return False
    at, end = len(first), len(name) - len(last)
    for piece in middle:
        at = name.find(piece, at, end)
        if at < 0:
            return False
        at += len(piece)
    return True
