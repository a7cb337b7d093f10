"""Finds the counters of limits and callers without hashing: the same objects come with every request."""

from gateway.admission.counters import Money, Slots, Window
from gateway.admission.refusals import descriptor_of
from gateway.domain import Limit, LimitKind, Principal, Scope, ScopeKind
from gateway.money import usd_from_nanos

__all__ = ["Accounts", "LimitAccount"]

_MOST_REMEMBERED = 100_000
"""Limits and callers remembered by identity; forgetting one only costs a look-up."""
_SHORT_NAMES = {LimitKind.REQUESTS: "rpm", LimitKind.TOKENS: "tpm"}


class LimitAccount:
    """A limit with its counter, and the response headers that never change while it stands.

    `limit` is kept so that nobody else gets its identity while it is remembered.
    """

    __slots__ = ("amount", "counter", "fixed_headers", "is_tokens", "limit", "remaining_header")

    def __init__(self, limit: Limit, counter: Money | Window | Slots) -> None:
        self.limit = limit
        self.amount = limit.amount
        self.is_tokens = limit.kind is LimitKind.TOKENS
        self.counter = counter
        self.fixed_headers = _fixed_headers(limit)
        self.remaining_header = _header(limit, "remaining")


class Accounts:
    """The counters of one process, made when they are first asked for."""

    def __init__(self) -> None:
        self._money: dict[Scope, Money] = {}
        self._windows: dict[tuple[Scope, LimitKind, int], Window] = {}
        self._slots: dict[Scope, Slots] = {}
        self.known_limits: dict[int, LimitAccount] = {}
        """Accounts by the identity of their limit, for a look at one without a call."""
        self._principals: dict[int, tuple[Principal, tuple[Money, ...]]] = {}

    def money(self, scope: Scope) -> Money:
        """Return the money counter of a scope."""
        found = self._money.get(scope)
        if found is None:
            found = self._money[scope] = Money()
        return found

    def of_limit(self, limit: Limit) -> LimitAccount:
        """Return the account of a limit."""
        found = self.known_limits.get(id(limit))
        if found is None:
            if len(self.known_limits) >= _MOST_REMEMBERED:
                self.known_limits.clear()
            found = self.known_limits[id(limit)] = LimitAccount(limit, self._counter(limit))
        return found

    def of_principal(self, principal: Principal) -> tuple[Money, ...]:
        """Return the money counters of all scopes of a caller, its key's first."""
        found = self._principals.get(id(principal))
        if found is None:
            if len(self._principals) >= _MOST_REMEMBERED:
                self._principals.clear()
            money = tuple(self.money(scope) for scope in principal.scopes)
            found = self._principals[id(principal)] = principal, money
        return found[1]

    def _counter(self, limit: Limit) -> Money | Window | Slots:
        if limit.kind is LimitKind.BUDGET:
            return self.money(limit.scope)
        if limit.kind is LimitKind.PARALLEL:
            return self._slots.setdefault(limit.scope, Slots())
        return self._windows.setdefault((limit.scope, limit.kind, limit.window_seconds), Window())


def _fixed_headers(limit: Limit) -> list[tuple[str, str]]:
    is_key = limit.scope.kind is ScopeKind.KEY
    if limit.kind is LimitKind.BUDGET:
        value = str(usd_from_nanos(limit.amount))
        return [("x-litellm-key-max-budget", value)] if is_key else []
    short = _SHORT_NAMES.get(limit.kind)
    if short is None:
        return []
    found = [(_header(limit, "limit"), str(limit.amount))]
    if is_key:
        found.append((f"x-litellm-key-{short}-limit", str(limit.amount)))
    return found


def _header(limit: Limit, what: str) -> str:
    return f"x-ratelimit-{descriptor_of(limit.scope.kind)}-{what}-{limit.kind.value}"
