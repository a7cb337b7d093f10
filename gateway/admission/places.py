"""Budgets of the places that answer: a deployment or provider that has spent its budget is not chosen."""

from collections.abc import Awaitable, Generator, Iterable, Mapping
from types import MappingProxyType

import msgspec

from gateway.admission.accounts import Accounts, BudgetAccount
from gateway.admission.counters import Money
from gateway.admission.hold import Want
from gateway.domain import Deployment, Limit, LimitKind, Scope, ScopeKind
from gateway.settings.budgets import BudgetSetting

__all__ = ["NOTHING_TO_DO", "NOWHERE", "PlaceBudgets", "PlaceHold"]

_MOST_KEPT = 4_096


NO_BUDGETS: Mapping[str, BudgetSetting] = MappingProxyType({})


class PlaceHold(msgspec.Struct, frozen=True):
    """What one attempt holds of the budgets of its place; `shared` is what a ledger in Redis made of it."""

    deployment_id: str = ""
    moneys: tuple[Money, ...] = ()
    nanos: int = 0
    shared: object = None


class _NothingToDo:
    """Awaited, it is done at once."""

    def __await__(self) -> Generator[None, None, None]:
        return
        yield


NOTHING_TO_DO = _NothingToDo()
NOWHERE = PlaceHold()
"""The hold of a request that nobody answers at the moment."""


class PlaceBudgets:
    """Budgets per deployment (`litellm_params.max_budget`), per provider (`provider_budget_config`) and more.

    A deployment may also be in access groups of models that have one (`access_group_budget_config`).
    """

    def __init__(self, accounts: Accounts) -> None:
        self._accounts = accounts
        self._providers: Mapping[str, BudgetSetting] = {}
        self._groups: Mapping[str, BudgetSetting] = {}
        self._of: dict[str, tuple[BudgetAccount, ...]] = {}
        self._joined: dict[tuple[tuple[Scope, ...], tuple[Scope, ...]], tuple[Scope, ...]] = {}
        self.is_active = False
        """Whether any place has a budget; where none has, nobody need ask."""
        self.is_strict = False
        """Whether the cost of an attempt must fit too."""

    def configure(
        self,
        providers: Mapping[str, BudgetSetting],
        groups: Mapping[str, BudgetSetting] = NO_BUDGETS,
        *,
        have_deployments: bool,
    ) -> None:
        """Take over the budgets of providers and groups, and whether any deployment has one."""
        self._providers, self._groups = providers, groups
        self._of.clear()
        self.is_active = bool(providers) or bool(groups) or have_deployments

    def is_spent(self, deployment: Deployment) -> bool:
        """Whether `settled + held` has reached a budget of this place."""
        if not self.is_active:
            return False
        return any(map(_is_spent, self._present(deployment)))

    def list_accounts(self, deployment: Deployment) -> tuple[BudgetAccount, ...]:
        """Return the accounts of the budgets of this place."""
        return self._present(deployment) if self.is_active else ()

    async def enter(self, deployment: Deployment, want: Want, charge_id: str) -> PlaceHold | None:
        """Hold the cost of an attempt at a place; None where its budget was used up meanwhile.

        `charge_id` is the request's. May raise ServiceUnavailable.
        """
        del charge_id
        accounts = self.list_accounts(deployment)
        if any(_refuses(account, want.cost if self.is_strict else 0) for account in accounts):
            return None
        moneys = tuple(account.money for account in accounts)
        for money in moneys:
            money.held += want.cost
        return PlaceHold(deployment.id, moneys, want.cost)

    def settle(self, held: PlaceHold, charged: tuple[Money, ...], nanos: int) -> Awaitable[None]:
        """Give back what an attempt held, and charge what an answer did cost.

        It is begun before this returns, and goes on where nobody awaits it.
        """
        for money in held.moneys:
            money.held -= held.nanos
        for money in charged:
            money.settled += nanos
        return NOTHING_TO_DO

    def charged_by(self, held: PlaceHold, deployment: Deployment) -> tuple[Money, ...]:
        """Return what the answer of a deployment is charged to."""
        return held.moneys if held.deployment_id == deployment.id else self.moneys_of(deployment)

    def moneys_of(self, deployment: Deployment) -> tuple[Money, ...]:
        """Return what the budgets of a place count at present."""
        return tuple(account.money for account in self.list_accounts(deployment))

    def list_spent(self) -> list[tuple[BudgetAccount, ...]]:
        """Return the accounts of places that were asked for and have spent a budget."""
        return [accounts for accounts in self._of.values() if any(map(_is_spent, accounts))]

    async def refresh(self, deployments: Iterable[Deployment] | None = None) -> None:
        """Bring counters that are kept elsewhere up to date; these are not. May raise ServiceUnavailable."""

    def join(self, charged: tuple[Scope, ...], places: tuple[Scope, ...]) -> tuple[Scope, ...]:
        """Return both together: the same object for the same scopes, by which journal lines are kept."""
        if not places:
            return charged
        key = charged, places
        found = self._joined.get(key)
        if found is None:
            if len(self._joined) >= _MOST_KEPT:
                self._joined.clear()
            found = self._joined[key] = (*charged, *places)
        return found

    def _present(self, deployment: Deployment) -> tuple[BudgetAccount, ...]:
        """The accounts of a place, each turned to its present period."""
        found = self._of.get(deployment.id)
        if found is None:
            if len(self._of) >= _MOST_KEPT:
                self._of.clear()
            found = self._of[deployment.id] = tuple(self._open(deployment))
        for account in found:
            self._accounts.turn(account)
        return found

    def _open(self, deployment: Deployment) -> list[BudgetAccount]:
        budgets: dict[Scope, BudgetSetting | None] = {
            Scope(ScopeKind.PROVIDER, deployment.provider): self._providers.get(deployment.provider),
            Scope(ScopeKind.DEPLOYMENT, deployment.id): (
                None
                if deployment.budget_nanos is None
                else BudgetSetting(deployment.budget_nanos, deployment.budget_period)
            ),
            **{
                Scope(ScopeKind.ACCESS_GROUP, group): self._groups.get(group)
                for group in deployment.access_groups
            },
        }
        limits = (
            Limit(
                scope=scope, kind=LimitKind.BUDGET, amount=budget.nanos, period=budget.period, name=scope.id
            )
            for scope, budget in budgets.items()
            if budget is not None
        )
        accounts = map(self._accounts.of_limit, limits)
        return [account for account in accounts if isinstance(account, BudgetAccount)]


def _is_spent(account: BudgetAccount) -> bool:
    return _refuses(account, 0)


def _refuses(account: BudgetAccount, cost: int) -> bool:
    money, most = account.check
    used = money.settled + money.held
    return used >= most or used + cost > most
