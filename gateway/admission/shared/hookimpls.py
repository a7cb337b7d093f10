"""How limits that several workers share enter the request path."""

from collections.abc import Sequence

from gateway.admission.hookimpls import AdmissionHooks, charged_by
from gateway.admission.outlook import Outlook
from gateway.admission.shared.ledger import SharedLedger
from gateway.domain import Claim
from gateway.hooks import Admission, RequestContext, hookimpl

__all__ = ["SharedAdmissionHooks"]


class SharedAdmissionHooks(AdmissionHooks):
    """The same as in one process, with a round trip to admit."""

    def __init__(self, ledger: SharedLedger) -> None:
        super().__init__(ledger)
        self._shared = ledger

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
