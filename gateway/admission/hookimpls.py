"""How limits and budgets enter the request path."""

from collections.abc import Sequence

from gateway.admission.ledger import Hold, Ledger
from gateway.domain import Claim, LimitKind
from gateway.hooks import RequestContext, hookimpl

__all__ = ["AdmissionHooks"]

_BUDGET = LimitKind.BUDGET
_TOKENS = LimitKind.TOKENS


class AdmissionHooks:
    """The core's claims on the limits of the Principal, and its admission by the ledger of this process."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    @hookimpl
    def collect_claims(self, context: RequestContext) -> list[Claim]:
        """Claim the estimated cost, one request and the estimated tokens from each limit of the caller."""
        cost, tokens = context.estimated_cost_nanos, context.estimated_tokens
        claims: list[Claim] = []
        for limit in context.principal.limits:
            if limit.is_soft or limit.period or limit.model is not None:
                continue
            kind = limit.kind
            claims.append(Claim(limit, cost if kind is _BUDGET else tokens if kind is _TOKENS else 1))
        return claims

    # A coroutine, although it never waits: the dispatch then calls it directly where it is the only one.
    @hookimpl(trylast=True)
    async def admit(self, context: RequestContext, claims: Sequence[Claim]) -> Hold:
        """Take all claims from the ledger, or raise."""
        return self._ledger.take(context.principal, claims)
