"""Response headers that tell limits and what is left of them; all but the numbers is made once per limit."""

import re

from gateway.admission.order import descriptor_of
from gateway.domain import Limit, LimitKind, ScopeKind
from gateway.money import usd_from_nanos

__all__ = ["Header", "fixed_headers", "remaining_headers"]

Header = tuple[str, str]
_NOT_IN_NAMES = re.compile(r"[^A-Za-z0-9._-]")
_SHORT_NAMES = {LimitKind.REQUESTS: "rpm", LimitKind.TOKENS: "tpm"}


def fixed_headers(limit: Limit) -> tuple[Header, ...]:
    """Return the headers that say what the limit is."""
    is_key = limit.scope.kind is ScopeKind.KEY and limit.model is None
    if limit.kind is LimitKind.BUDGET:
        is_total = is_key and not (limit.period or limit.is_soft)
        return (("x-litellm-key-max-budget", str(usd_from_nanos(limit.amount))),) if is_total else ()
    found = [(_name(limit, "limit"), str(limit.amount))]
    short = _SHORT_NAMES.get(limit.kind)
    if is_key and short is not None:
        found.append((f"x-litellm-key-{short}-limit", str(limit.amount)))
    return tuple(found)


def remaining_headers(limit: Limit) -> tuple[str, ...]:
    """Return the names of the headers that say what is left of a rate."""
    name = _name(limit, "remaining")
    if limit.scope.kind is not ScopeKind.KEY or limit.model is None or limit.kind not in _SHORT_NAMES:
        return (name,)
    return name, f"x-litellm-key-remaining-{limit.kind.value}-{_NOT_IN_NAMES.sub('-', limit.model)}"


def _name(limit: Limit, what: str) -> str:
    return f"x-ratelimit-{descriptor_of(limit)}-{what}-{limit.kind.value}"
