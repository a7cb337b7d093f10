import msgspec
import pytest

from gateway import errors
from gateway.domain import Deployment
from gateway.routing.cooldown import Cooldowns
from gateway.settings.model import RouterSettings

SECOND = 1_000_000_000
ONE = Deployment(id="a", group="g", provider="openai", model="m", urls={})
DEFAULT = RouterSettings()


class TurnableClock:
    def __init__(self) -> None:
        self.nanos = 6_000 * SECOND

    def now_nanos(self) -> int:
        return self.nanos

    def monotonic_nanos(self) -> int:
        return self.nanos


def fail(
    cooldowns: Cooldowns,
    kind: type[errors.UpstreamError],
    *,
    times: int = 1,
    size: int = 2,
    settings: RouterSettings = DEFAULT,
    retry_after: float | None = None,
    deployment: Deployment = ONE,
) -> bool:
    for _ in range(times):
        error = kind("no")
        error.retry_after_seconds = retry_after
        cooldowns.note_failure(deployment, error, size, settings)
    return cooldowns.is_cooling("a")


@pytest.mark.parametrize(
    ("kind", "times", "size", "cools"),
    [
        (errors.UpstreamRateLimited, 1, 2, True),
        (errors.UpstreamRateLimited, 20, 1, False),
        (errors.UpstreamAuthenticationFailed, 1, 1, True),
        (errors.UpstreamNotFound, 1, 1, True),
        (errors.UpstreamInternalError, 4, 2, False),
        (errors.UpstreamInternalError, 5, 2, True),
        (errors.UpstreamTimeout, 5, 2, True),
        (errors.UpstreamInternalError, 999, 1, False),
        (errors.UpstreamInternalError, 1000, 1, True),
        (errors.UpstreamBadRequest, 50, 2, False),
        (errors.UpstreamPermissionDenied, 50, 2, False),
        (errors.UpstreamUnprocessable, 50, 2, False),
        (errors.UpstreamUnreachable, 50, 2, False),
    ],
)
def test_which_failures_begin_a_cooldown(kind, times, size, cools):
    assert fail(Cooldowns(TurnableClock()), kind, times=times, size=size) is cools


def test_half_of_the_calls_failing_is_not_yet_too_much():
    cooldowns = Cooldowns(TurnableClock())
    for _ in range(5):
        cooldowns.note_success("a")

    assert not fail(cooldowns, errors.UpstreamInternalError, times=5)
    assert fail(cooldowns, errors.UpstreamInternalError)


def test_failures_are_counted_per_minute():
    clock = TurnableClock()
    cooldowns = Cooldowns(clock)

    assert not fail(cooldowns, errors.UpstreamInternalError, times=4)
    clock.nanos += 60 * SECOND
    assert not fail(cooldowns, errors.UpstreamInternalError, times=4)


@pytest.mark.parametrize(("allowed", "times", "cools"), [(0, 1, True), (2, 2, False), (2, 3, True)])
def test_allowed_fails_takes_the_place_of_the_other_rules(allowed, times, cools):
    settings = RouterSettings(allowed_fails=allowed)

    assert (
        fail(Cooldowns(TurnableClock()), errors.UpstreamRateLimited, times=times, settings=settings) is cools
    )


@pytest.mark.parametrize(
    ("deployment_seconds", "retry_after", "lasts"),
    [(None, None, 5), (9.0, None, 9), (9.0, 30.0, 30), (None, 9e9, 3600)],
)
def test_how_long_a_cooldown_lasts(deployment_seconds, retry_after, lasts):
    clock = TurnableClock()
    cooldowns = Cooldowns(clock)
    deployment = msgspec.structs.replace(ONE, cooldown_seconds=deployment_seconds)

    assert fail(cooldowns, errors.UpstreamRateLimited, retry_after=retry_after, deployment=deployment)
    clock.nanos += lasts * SECOND - 1
    assert cooldowns.list_cooling() == ["a"]
    clock.nanos += 1
    assert cooldowns.list_cooling() == []


def test_cooldowns_can_be_switched_off():
    settings = RouterSettings(disable_cooldowns=True)

    assert not fail(Cooldowns(TurnableClock()), errors.UpstreamNotFound, times=20, settings=settings)
