"""How limits and budgets enter the request path."""

from collections.abc import Sequence

from gateway.admission.accounts import BudgetAccount, SlotsAccount
from gateway.admission.claims import Claims
from gateway.admission.hold import Want
from gateway.admission.ledger import Ledger
from gateway.admission.outlook import Outlook
from gateway.admission.part import Part, counts_requests, without_requests, without_slots
from gateway.domain import Claim, Scope
from gateway.hooks import Admission, RequestContext, hookimpl

__all__ = ["AdmissionHooks", "charged_by"]


class AdmissionHooks:
    """The core's claims on the limits of caller and subjects, and its admission by the ledger."""

    # Registering a plugin looks at it in a way that gives it a `__dict__`, where methods are slow to find.
    __slots__ = ("_ledger", "_plans")

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._plans = ledger.plans

    @hookimpl
    def collect_claims(self, context: RequestContext) -> Sequence[Claim]:
        """Claim the estimated cost, one request and the estimated tokens from each limit that applies."""
        part = self._plans.find(context.principal, context.subjects, context.model, context.routed_model)
        return Claims(part, context)

    # A coroutine, although it need not wait: the dispatch then calls it directly where it is the only one.
    @hookimpl(trylast=True)
    async def admit(self, context: RequestContext, claims: Sequence[Claim]) -> Admission:
        """Take all claims from the ledger, or raise BudgetExceeded or RateLimited."""
        part, want = self._read(context, claims)
        hold = self._ledger.take(part, want)
        charged = charged_by(part, want) if want.extras else part.charged
        if charged is not context.charged:
            context.charged = charged
        return hold

    async def look(self, context: RequestContext, claims: Sequence[Claim]) -> Outlook:
        """Say what `admit` would do, and take nothing."""
        return self._ledger.look(*self._read(context, claims))

    def _read(self, context: RequestContext, claims: Sequence[Claim]) -> tuple[Part, Want]:
        """What the request takes, and how much of it."""
        if type(claims) is Claims:
            part, extras = claims.part, ()
        else:
            part = self._plans.find(context.principal, context.subjects, context.model, context.routed_model)
            of_limit = self._ledger.accounts.of_limit
            # What plugins claim beside the core.
            extras = [
                (of_limit(item.limit), item.amount) for item in claims if id(item.limit) not in part.known
            ]
        if context.is_question:
            part, extras = without_requests(part), [one for one in extras if not counts_requests(one[0])]
        elif not context.holds_slot:
            part, extras = without_slots(part), [one for one in extras if type(one[0]) is not SlotsAccount]
        want = Want(
            context.principal,
            context.estimated_cost_nanos,
            (context.estimated_tokens, context.estimated_input_tokens, context.estimated_output_tokens),
            context.is_free,
            extras,
        )
        return part, want


def charged_by(part: Part, want: Want) -> tuple[Scope, ...]:
    """What a request charges beside the scopes of its caller: meters, and budgets that plugins claim."""
    moneys = (account.money for account, _ in want.extras if isinstance(account, BudgetAccount))
    more = (money.key for money in moneys if money not in part.moneys)
    return tuple(dict.fromkeys((*part.charged, *more)))
