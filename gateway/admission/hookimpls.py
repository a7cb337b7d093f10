"""How limits and budgets enter the request path."""

from collections.abc import Sequence

from gateway.admission.ledger import Hold, Ledger
from gateway.domain import Claim, Limit, LimitKind
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
        return [Claim(limit, _amount(limit, context)) for limit in context.principal.limits]

    @hookimpl(trylast=True)
    def admit(self, context: RequestContext, claims: Sequence[Claim]) -> Hold:
        """Take all claims from the ledger, or raise."""
        return self._ledger.take(context.principal, claims)


def _amount(limit: Limit, context: RequestContext) -> int:
    if limit.kind is _BUDGET:
        return context.estimated_cost_nanos
    return context.estimated_tokens if limit.kind is _TOKENS else 1
