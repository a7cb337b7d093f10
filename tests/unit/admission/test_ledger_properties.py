"""The ledger of one process beside a model of it, and what follows from it for many requests."""

import pytest

from gateway.admission.ledger import Ledger
from gateway.admission.options import LedgerOptions
from gateway.domain import Principal
from gateway.errors import BudgetExceeded
from gateway.testing import FakeClock
from tests.unit.admission.conftest import budget, take
from tests.unit.admission.ledger_model import SCOPES, LedgerMachine


class StrictLedgerMachine(LedgerMachine):
    """The same in strict mode."""

    is_strict = True


TestLedger = LedgerMachine.TestCase
TestStrictLedger = StrictLedgerMachine.TestCase


@pytest.mark.parametrize("is_strict", [False, True])
async def test_a_budget_that_fits_all_holds_refuses_none(is_strict: bool) -> None:  # noqa: FBT001  pytest passes it by name
    ledger = Ledger(FakeClock(), LedgerOptions(is_strict=is_strict))
    who = Principal(
        token_hash="k", scopes=SCOPES, limits=tuple(budget(10_000 * 7, scope) for scope in SCOPES)
    )
    for _ in range(9_000):
        hold = take(ledger, cost=7, principal=who)
        await hold.settle(7, 1, 1)
    holds = [take(ledger, cost=7, principal=who) for _ in range(1_000)]
    for hold in holds:
        await hold.settle(7, 1, 1)
    assert {ledger.settled(scope) for scope in SCOPES} == {70_000}
    with pytest.raises(BudgetExceeded):
        take(ledger, cost=7, principal=who)
