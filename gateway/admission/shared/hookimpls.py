"""How limits that several workers share enter the request path."""

from collections.abc import Sequence

from gateway.admission.accounts import Account, BudgetAccount, RateAccount
from gateway.admission.counters import Money
from gateway.admission.hold import Want
from gateway.admission.hookimpls import AdmissionHooks, charged_by
from gateway.admission.outlook import Outlook
from gateway.admission.part import Part, build_part, merge_parts
from gateway.admission.shared.ledger import SharedLedger
from gateway.domain import Claim
from gateway.hooks import Admission, RequestContext, hookimpl

__all__ = ["SharedAdmissionHooks"]

_MOST_MERGED = 4_096


class SharedAdmissionHooks(AdmissionHooks):
    """The same as in one process, with a round trip to admit."""

    def __init__(self, ledger: SharedLedger) -> None:
        super().__init__(ledger)
        self._shared = ledger
        self._merged: dict[tuple[Part, tuple[Account, ...], tuple[Money, ...]], Part] = {}

    @hookimpl(trylast=True)
    async def admit(self, context: RequestContext, claims: Sequence[Claim]) -> Admission:
        """Take all claims, or raise BudgetExceeded, RateLimited or ServiceUnavailable."""
        part, want = self._read(context, claims)
        hold = await self._shared.admit(part, want, context.charge_id)
        context.charged = charged_by(part, want) if want.extras else part.charged
        return hold

    async def look(self, context: RequestContext, claims: Sequence[Claim]) -> Outlook:
        """Say what `admit` would do, and take nothing. Raises ServiceUnavailable."""
        part, want = self._read(context, claims)
        await self._shared.read(part)
        return self._shared.look(part, want)

    def _read(self, context: RequestContext, claims: Sequence[Claim]) -> tuple[Part, Want]:
        """What the request takes; what plugins claim is shared where the amount is the request's own."""
        part, want = super()._read(context, claims)
        usual = tuple(account for account, amount in want.extras if amount == _usual_amount(account, want))
        if usual:
            part = self._merge(part, usual)
            want.extras = [extra for extra in want.extras if extra[0] not in usual]
        return part, want

    def _merge(self, part: Part, accounts: tuple[Account, ...]) -> Part:
        """Lay out a part together with claimed limits, once for the same ones in the same periods."""
        moneys = tuple(account.money for account in accounts if isinstance(account, BudgetAccount))
        key = part, accounts, moneys
        found = self._merged.get(key)
        if found is None:
            if len(self._merged) >= _MOST_MERGED:
                self._merged.clear()
            # The journal knows from the caller what a part holds without charging it.
            known = [money for money in moneys if money in part.moneys and money.key not in part.charged]
            found = self._merged[key] = merge_parts((part, build_part(accounts, known)))
        return found


def _usual_amount(account: Account, want: Want) -> int:
    """What a request takes of a limit unless somebody claims another amount."""
    if isinstance(account, BudgetAccount):
        return want.cost
    if isinstance(account, RateAccount) and account.counts is not None:
        return want.tokens[account.counts]
    return 1
