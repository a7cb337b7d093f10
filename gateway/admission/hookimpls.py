"""How limits and budgets enter the request path."""

from collections.abc import Sequence

from gateway.admission.ledger import Hold, Ledger
from gateway.domain import Claim, LimitKind
from gateway.hooks import RequestContext, hookimpl

__all__ = ["AdmissionHooks"]


class AdmissionHooks:
    """The core's claims on the limits of the Principal, and its admission by the ledger of this process."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    @hookimpl
    def collect_claims(self, context: RequestContext) -> list[Claim]:
        """Claim the estimated cost, one request and the estimated tokens from each limit of the caller."""
        amounts = {
            LimitKind.BUDGET: context.estimated_cost_nanos,
            LimitKind.REQUESTS: 1,
            LimitKind.TOKENS: context.estimated_tokens,
            LimitKind.PARALLEL: 1,
        }
        return [Claim(limit, amounts[limit.kind]) for limit in context.principal.limits]

    @hookimpl(trylast=True)
    def admit(self, context: RequestContext, claims: Sequence[Claim]) -> Hold:
        """Take all claims from the ledger, or raise."""
        return self._ledger.take(context.principal, claims)
