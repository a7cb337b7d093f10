"""Budgets of the places that answer: a deployment or provider that has spent its budget is not chosen."""

from collections.abc import Mapping

import msgspec

from gateway.admission.accounts import Accounts, BudgetAccount
from gateway.domain import Deployment, Limit, LimitKind, Scope, ScopeKind
from gateway.settings.budgets import BudgetSetting

__all__ = ["NOWHERE", "PlaceBudgets", "PlaceHold"]

_MOST_KEPT = 4_096


class PlaceHold(msgspec.Struct, frozen=True):
    """What one attempt holds of the budgets of its place."""

    deployment_id: str = ""
    keys: tuple[Scope, ...] = ()
    nanos: int = 0


NOWHERE = PlaceHold()
"""The hold of a request that nobody answers at the moment."""


class PlaceBudgets:
    """Budgets per deployment (`litellm_params.max_budget`) and per provider (`provider_budget_config`)."""

    def __init__(self, accounts: Accounts) -> None:
        self._accounts = accounts
        self._providers: Mapping[str, BudgetSetting] = {}
        self._of: dict[str, tuple[BudgetAccount, ...]] = {}
        self._joined: dict[tuple[tuple[Scope, ...], tuple[Scope, ...]], tuple[Scope, ...]] = {}
        self.is_active = False
        """Whether any place has a budget; where none has, nobody need ask."""

    def configure(self, providers: Mapping[str, BudgetSetting], *, have_deployments: bool) -> None:
        """Take over the budgets of providers, and whether any deployment has one."""
        self._providers = providers
        self._of.clear()
        self.is_active = bool(providers) or have_deployments

    def is_spent(self, deployment: Deployment) -> bool:
        """Whether `settled + held` has reached a budget of this place."""
        if not self.is_active:
            return False
        for account in self._present(deployment):
            money, most = account.check
            if money.settled + money.held >= most:
                return True
        return False

    def list_accounts(self, deployment: Deployment) -> tuple[BudgetAccount, ...]:
        """Return the accounts of the budgets of this place."""
        return self._present(deployment) if self.is_active else ()

    def move(self, held: PlaceHold, deployment: Deployment, nanos: int) -> PlaceHold:
        """Give back what an attempt held, and hold the cost of the next one where it goes."""
        self.release(held)
        if not self.is_active:
            return NOWHERE
        accounts = self._present(deployment)
        for account in accounts:
            account.money.held += nanos
        return PlaceHold(deployment.id, tuple(account.money.key for account in accounts), nanos)

    def release(self, held: PlaceHold) -> None:
        """Give back what an attempt held."""
        for key in held.keys:
            self._accounts.money(key).held -= held.nanos

    def settle(self, held: PlaceHold, deployment: Deployment, nanos: int) -> tuple[Scope, ...]:
        """Turn a hold into what the answer of a deployment did cost; return the meters that count it."""
        if held.deployment_id == deployment.id:
            self.release(held)
        else:
            held = self.move(held, deployment, 0)
        for key in held.keys:
            self._accounts.money(key).settled += nanos
        return held.keys

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
        budgets = {
            Scope(ScopeKind.PROVIDER, deployment.provider): self._providers.get(deployment.provider),
            Scope(ScopeKind.DEPLOYMENT, deployment.id): (
                None
                if deployment.budget_nanos is None
                else BudgetSetting(deployment.budget_nanos, deployment.budget_period)
            ),
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
