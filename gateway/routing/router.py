"""Brings a request to a deployment that answers it."""

import asyncio
import math
import random as random_module
from collections import deque
from collections.abc import Awaitable, Callable, Container, Sequence
from typing import Generic, TypeVar

import msgspec

from gateway.clock import Clock
from gateway.domain import Deployment, ModelGroup
from gateway.errors import NoDeploymentAvailable, UpstreamError
from gateway.routing.cooldown import Cooldowns
from gateway.routing.fallbacks import list_fallbacks
from gateway.routing.retries import retries_allowed, wait_seconds
from gateway.routing.strategies import choose_by_weight, lowest_order
from gateway.settings.model import RouterSettings

__all__ = ["PlaceSpentError", "RoutePlan", "Routed", "Router"]

T = TypeVar("T")

Attempt = Callable[[Deployment, ModelGroup], Awaitable[T]]
Sleep = Callable[[float], Awaitable[None]]
_Failure = UpstreamError | NoDeploymentAvailable
_FirstFailure = tuple[Deployment, UpstreamError]


class PlaceSpentError(Exception):
    """A deployment that was chosen has just spent a budget of its own: another one is chosen."""


class RoutePlan(msgspec.Struct, frozen=True, kw_only=True):
    """What one request may do.

    `find_group` looks a fallback up; `may_use` says whether the caller may use it and extends what it
    holds. `client_fallbacks` (None: the caller named none) take the place of the configured ones;
    `num_retries` None leaves the configured number.
    """

    group: ModelGroup
    find_group: Callable[[str], ModelGroup | None]
    may_use: Callable[[str], Awaitable[bool]]
    client_fallbacks: tuple[str, ...] | None = None
    uses_fallbacks: bool = True
    num_retries: int | None = None


class Routed(msgspec.Struct, Generic[T], frozen=True):
    """An answer and where it came from; the counts are of the whole request."""

    value: T
    deployment: Deployment
    group: ModelGroup
    attempted_retries: int = 0
    attempted_fallbacks: int = 0


def _never(_deployment: Deployment) -> bool:
    return False


class _Trip:
    """What one request has done so far; `models` are the names that were tried."""

    __slots__ = ("fallbacks", "models", "plan", "retries")

    def __init__(self, plan: RoutePlan) -> None:
        self.plan = plan
        self.models = {plan.group.name}
        self.retries = 0
        self.fallbacks = 0


class _Failures:
    """The deployments of one group that failed, and the retries of the present level of `order`.

    `spent` are those that were not asked, for what the request may cost does not fit their budgets.
    """

    __slots__ = ("ids", "retries", "spent")

    def __init__(self) -> None:
        self.ids: set[str] = set()
        self.spent: set[str] = set()
        self.retries = 0


class Router:
    """Retries, levels of `order`, fallbacks and cooldowns around the single attempt.

    `random` and `sleep` are given by tests; `cooldowns` outlives a reload of the configuration. `is_spent`
    says whether a deployment has a budget of its own that is used up.
    """

    def __init__(
        self,
        settings: RouterSettings,
        clock: Clock,
        random: random_module.Random,
        *,
        cooldowns: Cooldowns | None = None,
        sleep: Sleep = asyncio.sleep,
        is_spent: Callable[[Deployment], bool] = _never,
    ) -> None:
        self.cooldowns = cooldowns or Cooldowns(clock)
        self._settings = settings
        self._random = random
        self._sleep = sleep
        self._is_spent = is_spent

    def pick(self, group: ModelGroup, excluded: Container[str] = ()) -> Deployment:
        """Choose a deployment that is not excluded (by id), cooling down or over a budget of its own.

        Raises NoDeploymentAvailable when there is none.
        """
        cooldowns, is_spent = self.cooldowns, self._is_spent
        if len(group.deployments) == 1:
            only = group.deployments[0]
            if only.id in excluded or cooldowns.is_cooling(only.id) or is_spent(only):
                raise self._nothing_available(group)
            return only
        candidates = [
            item
            for item in group.deployments
            if not (item.id in excluded or cooldowns.is_cooling(item.id) or is_spent(item))
        ]
        if len(candidates) == 1:
            return candidates[0]
        if not candidates:
            raise self._nothing_available(group)
        return choose_by_weight(lowest_order(candidates), self._random)

    def note_success(self, deployment: Deployment) -> None:
        """Count a call that was answered."""
        self.cooldowns.note_success(deployment.id)

    def note_failure(self, deployment: Deployment, error: UpstreamError, group_size: int) -> None:
        """Count a call that failed, and have the error say whose; the deployment may begin to cool down."""
        error.place = deployment.id, deployment.provider, deployment.model
        self.cooldowns.note_failure(deployment, error, group_size, self._settings)

    async def route(
        self, group: ModelGroup, attempt: Attempt[T], build_plan: Callable[[], Awaitable[RoutePlan]]
    ) -> Routed[T]:
        """Do what `run` does; the plan is only built once a first attempt has failed."""
        try:
            deployment = self.pick(group)
        except NoDeploymentAvailable:
            return await self.run(await build_plan(), attempt)
        try:
            value = await attempt(deployment, group)
        except UpstreamError as error:
            return await self._run_all(await build_plan(), attempt, (deployment, error))
        except PlaceSpentError:
            return await self.run(await build_plan(), attempt)
        self.cooldowns.note_success(deployment.id)
        return Routed(value, deployment, group)

    async def run(self, plan: RoutePlan, attempt: Attempt[T]) -> Routed[T]:
        """Call `attempt` with one deployment after the other until one answers.

        `attempt` raises UpstreamError for what another deployment may do better, PlaceSpentError where it
        asked nobody; any other error ends the run. Raises the last UpstreamError, or NoDeploymentAvailable
        when nothing could be asked at all.
        """
        return await self._run_all(plan, attempt, None)

    async def _run_all(self, plan: RoutePlan, attempt: Attempt[T], failed: _FirstFailure | None) -> Routed[T]:
        trip = _Trip(plan)
        try:
            return await self._run_group(trip, plan.group, attempt, failed)
        except (UpstreamError, NoDeploymentAvailable) as error:
            if not plan.uses_fallbacks:
                raise
            return await self._run_fallbacks(trip, error, attempt)

    async def _run_fallbacks(self, trip: _Trip, error: _Failure, attempt: Attempt[T]) -> Routed[T]:
        plan, last = trip.plan, error
        names = deque(self._list_fallbacks(trip, plan.group.name, error))
        while names and trip.fallbacks < self._settings.max_fallbacks:
            name = names.popleft()
            group = None if name in trip.models else plan.find_group(name)
            if group is None or not await plan.may_use(name):
                continue
            trip.models.add(name)
            trip.fallbacks += 1
            try:
                return await self._run_group(trip, group, attempt)
            except (UpstreamError, NoDeploymentAvailable) as failure:
                if isinstance(failure, UpstreamError) or not isinstance(last, UpstreamError):
                    last = failure
                # The fallbacks of a fallback come before its own siblings.
                names.extendleft(reversed(self._list_fallbacks(trip, name, failure)))
        raise last

    async def _run_group(
        self,
        trip: _Trip,
        group: ModelGroup,
        attempt: Attempt[T],
        failed: _FirstFailure | None = None,
    ) -> Routed[T]:
        """Try the deployments of one name; raises the last UpstreamError or NoDeploymentAvailable.

        `failed` is an attempt that was already made.
        """
        failures = None
        if failed is None:
            deployment = self.pick(group)
        else:
            failures = _Failures()
            failures.ids.add(failed[0].id)
            self.note_failure(*failed, len(group.deployments))
            deployment = await self._pick_next(trip, group, *failed, failures)
        while True:
            try:
                value = await attempt(deployment, group)
            except UpstreamError as error:
                self.note_failure(deployment, error, len(group.deployments))
                failures = failures or _Failures()
                failures.ids.add(deployment.id)
                deployment = await self._pick_next(trip, group, deployment, error, failures)
            except PlaceSpentError:
                failures = failures or _Failures()
                failures.spent.add(deployment.id)
                deployment = self._pick_beside(group, failures)
            else:
                self.cooldowns.note_success(deployment.id)
                return Routed(value, deployment, group, trip.retries, trip.fallbacks)

    async def _pick_next(
        self, trip: _Trip, group: ModelGroup, failed: Deployment, error: UpstreamError, failures: _Failures
    ) -> Deployment:
        """Choose for the next attempt: in the same level of `order` while retries are left, then above it.

        Waits where the contract says so. Raises `error` when no attempt is left.
        """
        allowed = retries_allowed(
            error, failed, len(group.deployments), self._settings, trip.plan.num_retries
        )
        asked = [item for item in group.deployments if item.id not in failures.spent]
        level = self._list_healthy([item for item in asked if item.order == failed.order])
        if level and failures.retries < allowed:
            fresh = [item for item in level if item.id not in failures.ids]
            wait = wait_seconds(error, failures.retries, self._settings, self._random, has_other=bool(fresh))
            if wait > 0:
                await self._sleep(wait)
            failures.retries += 1
            trip.retries += 1
            return choose_by_weight(fresh or level, self._random)
        above = self._list_healthy([item for item in asked if item.order > failed.order])
        if not above:
            raise error
        failures.retries = 0
        trip.retries += 1
        return choose_by_weight(lowest_order(above), self._random)

    def _pick_beside(self, group: ModelGroup, failures: _Failures) -> Deployment:
        """Choose in the place of a deployment whose budget is used up; raises NoDeploymentAvailable."""
        try:
            return self.pick(group, failures.ids | failures.spent)
        except NoDeploymentAvailable:
            if all(item.id in failures.spent or self._is_spent(item) for item in group.deployments):
                raise _budgets_used_up(group) from None
            raise

    def _list_fallbacks(self, trip: _Trip, name: str, error: _Failure) -> tuple[str, ...]:
        return list_fallbacks(name, error, self._settings, trip.plan.client_fallbacks)

    def _list_healthy(self, deployments: Sequence[Deployment]) -> Sequence[Deployment]:
        is_cooling, is_spent = self.cooldowns.is_cooling, self._is_spent
        return [item for item in deployments if not (is_cooling(item.id) or is_spent(item))]

    def _nothing_available(self, group: ModelGroup) -> NoDeploymentAvailable:
        if all(self._is_spent(item) for item in group.deployments):
            return _budgets_used_up(group)
        seconds = max(math.ceil(self._settings.cooldown_time), 1)
        return NoDeploymentAvailable(
            f"No deployments available for selected model, Try again in {seconds} seconds. "
            f"Passed model={group.name}.",
            param="model",
            headers={"retry-after": str(seconds)},
        )


def _budgets_used_up(group: ModelGroup) -> NoDeploymentAvailable:
    return NoDeploymentAvailable(
        "No deployments available for selected model: the budgets of its deployments, providers or access "
        f"groups are used up. Passed model={group.name}.",
        param="model",
    )
