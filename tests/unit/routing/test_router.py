import random

import msgspec
import pytest

from gateway import errors
from gateway.domain import Deployment, ModelGroup
from gateway.routing.router import PlaceSpentError, RoutePlan, Router
from gateway.settings.model import RouterSettings

SECOND = 1_000_000_000


class TurnableClock:
    def __init__(self) -> None:
        self.nanos = 1_000 * SECOND

    def now_nanos(self) -> int:
        return self.nanos

    def monotonic_nanos(self) -> int:
        return self.nanos


def deployment(name: str, **members: object) -> Deployment:
    return msgspec.structs.replace(
        Deployment(id=name, group="g", provider="openai", model=name, urls={}), **members
    )


def group(name: str, *deployments: str | Deployment) -> ModelGroup:
    return ModelGroup(
        name, tuple(deployment(item) if isinstance(item, str) else item for item in deployments)
    )


def failure(kind: type[errors.UpstreamError], *, retry_after: float | None = None) -> errors.UpstreamError:
    error = kind(f"litellm.{kind.litellm_class}: no")
    error.retry_after_seconds = retry_after
    return error


class Bench:
    """A router whose attempts fail as told: by deployment id, the errors in order, then success."""

    def __init__(self, settings: RouterSettings | None = None, **failures: list[Exception]) -> None:
        self.clock = TurnableClock()
        self.waits: list[float] = []
        self.asked: list[str] = []
        self.failures = failures
        self.groups: dict[str, ModelGroup] = {}
        self.refused: set[str] = set()
        self.router = Router(settings or RouterSettings(), self.clock, random.Random(7), sleep=self.sleep)

    async def sleep(self, seconds: float) -> None:
        self.waits.append(seconds)

    async def attempt(self, chosen: Deployment, _group: ModelGroup) -> str:
        self.asked.append(chosen.id)
        if self.failures.get(chosen.id):
            raise self.failures[chosen.id].pop(0)
        return f"from {chosen.id}"

    async def may_use(self, name: str) -> bool:
        return name not in self.refused

    async def run(self, start: ModelGroup, *others: ModelGroup, **options: object):
        self.groups = {item.name: item for item in (start, *others)}
        plan = RoutePlan(group=start, find_group=self.groups.get, may_use=self.may_use, **options)
        return await self.router.run(plan, self.attempt)


def always(kind: type[errors.UpstreamError]) -> list[Exception]:
    return [failure(kind) for _ in range(50)]


async def test_an_answer_at_once():
    routed = await Bench().run(group("g", "a"))

    assert (routed.value, routed.deployment.id, routed.attempted_retries, routed.attempted_fallbacks) == (
        "from a",
        "a",
        0,
        0,
    )


async def test_a_retry_goes_to_another_deployment_without_waiting():
    bench = Bench(a=always(errors.UpstreamInternalError))

    routed = await bench.run(group("g", "a", deployment("b", weight=None)))

    assert routed.value == "from b"
    assert bench.waits == []


async def test_a_single_deployment_is_retried_with_growing_waits():
    bench = Bench(a=[failure(errors.UpstreamInternalError) for _ in range(2)])

    routed = await bench.run(group("g", "a"))

    assert routed.attempted_retries == 2
    assert 0.375 <= bench.waits[0] <= 0.5
    assert 0.75 <= bench.waits[1] <= 1.0


async def test_retry_after_is_waited_for_up_to_a_minute():
    short = Bench(a=[failure(errors.UpstreamRateLimited, retry_after=12)])
    long = Bench(a=[failure(errors.UpstreamRateLimited, retry_after=3600)])

    await short.run(group("g", "a"))
    await long.run(group("g", "a"))

    assert short.waits == [12]
    assert long.waits[0] <= 0.5


@pytest.mark.parametrize(
    ("kind", "attempts"),
    [
        (errors.UpstreamBadRequest, 1),
        (errors.ContextWindowExceeded, 1),
        (errors.ContentPolicyViolation, 1),
        (errors.UpstreamAuthenticationFailed, 1),
        (errors.UpstreamPermissionDenied, 1),
        (errors.UpstreamNotFound, 1),
        (errors.UpstreamUnprocessable, 1),
        (errors.UpstreamTimeout, 3),
        (errors.UpstreamRateLimited, 3),
        (errors.UpstreamInternalError, 3),
        (errors.UpstreamUnreachable, 3),
        (errors.UpstreamBroken, 3),
        (errors.UpstreamUnavailable, 3),
    ],
)
async def test_which_errors_are_retried_on_a_single_deployment(kind, attempts):
    bench = Bench(a=always(kind))

    with pytest.raises(kind):
        await bench.run(group("g", "a"))

    assert len(bench.asked) == attempts


async def test_a_refused_credential_is_retried_elsewhere():
    routed = await Bench(RouterSettings(), a=always(errors.UpstreamAuthenticationFailed)).run(
        group("g", "a", "b")
    )

    assert routed.value == "from b"


@pytest.mark.parametrize(("asked", "attempts"), [(None, 3), (0, 1), (4, 5)])
async def test_the_caller_may_choose_the_number_of_retries(asked, attempts):
    bench = Bench(a=always(errors.UpstreamInternalError))

    with pytest.raises(errors.UpstreamInternalError):
        await bench.run(group("g", "a"), num_retries=asked)

    assert len(bench.asked) == attempts


async def test_a_retry_policy_has_its_own_number_per_class():
    settings = RouterSettings(retry_policy={"TimeoutError": 1, "BadRequestError": 1, "RateLimitError": 0})

    for kind, attempts in (
        (errors.UpstreamTimeout, 2),
        (errors.UpstreamBadRequest, 2),
        (errors.UpstreamRateLimited, 1),
        (errors.UpstreamInternalError, 3),
    ):
        bench = Bench(settings, a=always(kind))
        with pytest.raises(kind):
            await bench.run(group("g", "a"))
        assert len(bench.asked) == attempts


async def test_an_error_of_the_gateway_itself_ends_the_run():
    bench = Bench(RouterSettings(default_fallbacks=("f",)), a=[errors.BadRequest("no")])

    with pytest.raises(errors.BadRequest):
        await bench.run(group("g", "a"), group("f", "c"))

    assert bench.asked == ["a"]


async def test_lower_orders_are_asked_first_and_higher_ones_even_without_retries():
    first, second = deployment("a", order=1), deployment("b", order=2)
    bench = Bench(RouterSettings(num_retries=0), a=always(errors.UpstreamBadRequest))

    assert (await Bench().run(group("g", second, first))).value == "from a"
    assert (await bench.run(group("g", second, first))).value == "from b"


FALLBACKS = RouterSettings(
    num_retries=0,
    fallbacks={"g": ("f1", "f2"), "*": ("star",)},
    default_fallbacks=("last",),
    context_window_fallbacks={"g": ("long",)},
    content_policy_fallbacks={"g": ("mild",)},
)
OTHERS = [group(name, f"d_{name}") for name in ("f1", "f2", "star", "last", "long", "mild")]


@pytest.mark.parametrize(
    ("kind", "answer"),
    [
        (errors.UpstreamInternalError, "from d_f1"),
        (errors.UpstreamBadRequest, "from d_f1"),
        (errors.ContextWindowExceeded, "from d_long"),
        (errors.ContentPolicyViolation, "from d_mild"),
    ],
)
async def test_each_kind_of_error_has_its_fallbacks(kind, answer):
    routed = await Bench(FALLBACKS, a=always(kind)).run(group("g", "a"), *OTHERS)

    assert (routed.value, routed.attempted_fallbacks) == (answer, 1)


async def test_a_model_without_fallbacks_of_its_own_takes_those_of_every_model():
    star = await Bench(FALLBACKS, a=always(errors.UpstreamTimeout)).run(group("x", "a"), *OTHERS)
    default = msgspec.structs.replace(FALLBACKS, fallbacks={})
    last = await Bench(default, a=always(errors.UpstreamTimeout)).run(group("x", "a"), *OTHERS)

    assert (star.group.name, last.group.name) == ("star", "last")


async def test_fallbacks_are_tried_in_order_and_without_loops():
    settings = RouterSettings(num_retries=0, fallbacks={"g": ("f1", "f2"), "f1": ("g", "f2")})
    bench = Bench(
        settings,
        a=always(errors.UpstreamTimeout),
        d_f1=always(errors.UpstreamTimeout),
        d_f2=always(errors.UpstreamRateLimited),
    )

    with pytest.raises(errors.UpstreamRateLimited):
        await bench.run(group("g", "a"), *OTHERS)

    assert bench.asked == ["a", "d_f1", "d_f2"]


async def test_the_number_of_fallbacks_is_bounded():
    names = [f"m{number}" for number in range(9)]
    settings = RouterSettings(num_retries=0, max_fallbacks=2, default_fallbacks=tuple(names))
    bench = Bench(settings, **{name: always(errors.UpstreamTimeout) for name in ("a", *names)})

    with pytest.raises(errors.UpstreamTimeout):
        await bench.run(group("g", "a"), *(group(name, name) for name in names))

    assert bench.asked == ["a", "m0", "m1"]


async def test_a_fallback_that_the_caller_may_not_use_or_that_is_unknown_is_passed_over():
    bench = Bench(FALLBACKS, a=always(errors.UpstreamTimeout))
    bench.refused = {"f1"}

    routed = await bench.run(group("g", "a"), *(item for item in OTHERS if item.name != "star"))

    assert (routed.group.name, routed.attempted_fallbacks) == ("f2", 1)


async def test_the_callers_fallbacks_take_the_place_of_the_configured_ones():
    routed = await Bench(FALLBACKS, a=always(errors.UpstreamTimeout)).run(
        group("g", "a"), *OTHERS, client_fallbacks=("last",)
    )

    assert routed.group.name == "last"


async def test_fallbacks_can_be_switched_off():
    bench = Bench(FALLBACKS, a=always(errors.UpstreamTimeout))

    with pytest.raises(errors.UpstreamTimeout):
        await bench.run(group("g", "a"), *OTHERS, uses_fallbacks=False)


async def test_the_error_that_leaves_is_a_providers_even_if_the_fallback_is_cooling():
    bench = Bench(FALLBACKS, a=always(errors.UpstreamTimeout), d_f1=[failure(errors.UpstreamNotFound)])
    cold = group("f1", "d_f1")
    bench.router.note_failure(cold.deployments[0], failure(errors.UpstreamNotFound), 1)

    with pytest.raises(errors.UpstreamTimeout):
        await bench.run(group("g", "a"), cold)


async def test_nothing_available_says_when_to_come_back():
    bench = Bench()
    only = group("g", "a")
    bench.router.note_failure(only.deployments[0], failure(errors.UpstreamNotFound), 1)

    with pytest.raises(errors.NoDeploymentAvailable) as caught:
        await bench.run(only)

    assert caught.value.message == (
        "No deployments available for selected model, Try again in 5 seconds. Passed model=g."
    )
    assert (caught.value.status, caught.value.headers) == (429, {"retry-after": "5"})
    bench.clock.nanos += 6 * SECOND
    assert (await bench.run(only)).value == "from a"


def test_pick_leaves_out_the_excluded():
    router = Bench().router

    assert {router.pick(group("g", "a", "b"), {"a"}).id for _ in range(20)} == {"b"}
    with pytest.raises(errors.NoDeploymentAvailable):
        router.pick(group("g", "a"), {"a"})


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ({"weight": 9.0}, {"weight": 1.0}),
        ({"rpm": 90}, {"rpm": 10}),
        ({"tpm": 90}, {"tpm": 10}),
        ({"weight": 9.0, "rpm": 1}, {"weight": 1.0, "rpm": 1000}),
    ],
)
def test_deployments_are_chosen_in_proportion(first, second):
    router = Bench().router
    both = group("g", deployment("a", **first), deployment("b", **second))

    share = sum(router.pick(both).id == "a" for _ in range(2000)) / 2000

    assert 0.87 < share < 0.93


def test_a_deployment_with_weight_zero_is_not_chosen():
    router = Bench().router
    both = group("g", deployment("a", weight=0.0), deployment("b", weight=1.0))

    assert {router.pick(both).id for _ in range(50)} == {"b"}


def test_without_numbers_each_is_as_likely():
    router = Bench().router

    share = sum(router.pick(group("g", "a", "b")).id == "a" for _ in range(2000)) / 2000

    assert 0.45 < share < 0.55


def test_a_deployment_that_has_spent_its_budget_is_passed_over() -> None:
    spent = {"a"}
    router = Router(RouterSettings(), TurnableClock(), random.Random(7), is_spent=lambda one: one.id in spent)
    both = group("g", "a", "b")
    assert {router.pick(both).id for _ in range(20)} == {"b"}
    spent.add("b")
    with pytest.raises(errors.NoDeploymentAvailable, match="budgets of its deployments, providers"):
        router.pick(both)
    with pytest.raises(errors.NoDeploymentAvailable, match="budgets of its deployments, providers"):
        router.pick(group("g", "a"))


def spent() -> list[Exception]:
    """A place whose budget does not fit what the request may cost, whenever it is asked."""
    return [PlaceSpentError("no") for _ in range(50)]


async def test_a_place_that_is_spent_meanwhile_is_passed_over_once():
    bench = Bench(a=spent())
    routed = await bench.run(group("g", deployment("a", order=1), deployment("b", order=2)))

    assert (routed.value, bench.asked, routed.attempted_retries) == ("from b", ["a", "b"], 0)
    assert not bench.router.cooldowns.list_cooling()


async def test_a_retry_does_not_come_back_to_a_spent_place():
    bench = Bench(a=spent(), b=always(errors.UpstreamInternalError))
    with pytest.raises(errors.UpstreamInternalError):
        await bench.run(group("g", deployment("a", order=1), deployment("b", order=2)), num_retries=3)

    assert bench.asked == ["a", "b", "b", "b", "b"]


async def test_where_all_places_are_spent_the_answer_says_so_and_fallbacks_are_tried():
    bench = Bench(a=spent(), b=spent())
    with pytest.raises(errors.NoDeploymentAvailable, match="budgets of its deployments, providers"):
        await bench.run(group("g", "a", "b"))

    bench = Bench(RouterSettings(fallbacks={"g": ("other",)}), a=spent())
    routed = await bench.run(group("g", "a"), group("other", "c"))
    assert (routed.value, bench.asked) == ("from c", ["a", "c"])


async def test_the_first_attempt_may_find_its_place_spent():
    bench = Bench(a=spent())
    start = group("g", deployment("a", order=1), deployment("b", order=2))

    async def build_plan() -> RoutePlan:
        return RoutePlan(group=start, find_group=bench.groups.get, may_use=bench.may_use)

    routed = await bench.router.route(start, bench.attempt, build_plan)
    assert (routed.value, set(bench.asked[:-1]), bench.asked[-1]) == ("from b", {"a"}, "b")
