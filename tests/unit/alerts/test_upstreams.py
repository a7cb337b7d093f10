import msgspec
import pytest

from gateway import errors
from gateway.alerts.events import Alert
from gateway.alerts.upstreams import UpstreamAlerts
from gateway.domain import Charge, Completion, Deployment, Usage
from gateway.routing.cooldown import Cooldowns
from gateway.settings.model import RouterSettings
from gateway.testing import FakeClock

ONE = Deployment(id="one", group="g", provider="azure", model="gpt", urls={}, region="eu")
TWO = msgspec.structs.replace(ONE, id="two")
SETTINGS = RouterSettings()


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def told() -> list[Alert]:
    return []


@pytest.fixture
def cooldowns(clock: FakeClock, told: list[Alert]) -> Cooldowns:
    cooldowns = Cooldowns(clock)
    cooldowns.watch = UpstreamAlerts(told.append, clock, 300)
    return cooldowns


def fail(
    cooldowns: Cooldowns, error: errors.UpstreamError, times: int = 1, deployment: Deployment = ONE
) -> None:
    for _ in range(times):
        cooldowns.note_failure(deployment, error, 2, SETTINGS)


def kinds(told: list[Alert]) -> set[tuple[str, str]]:
    return {(alert.type, alert.entity) for alert in told}


@pytest.mark.parametrize(
    "kind", [errors.UpstreamInternalError, errors.UpstreamUnreachable, errors.UpstreamRateLimited]
)
def test_a_failed_call_is_told_with_its_deployment(
    cooldowns: Cooldowns, told: list[Alert], kind: type[errors.UpstreamError]
) -> None:
    fail(cooldowns, kind("it broke"))
    assert told[0].type == "llm_exceptions"
    assert told[0].entity == f"one:{kind.status}"
    assert told[0].event.event_message == (
        f"LLM API call failed: model=gpt, deployment=one, provider=azure. Status {kind.status}: it broke"
    )


def test_what_the_caller_did_wrong_is_not_told(cooldowns: Cooldowns, told: list[Alert]) -> None:
    fail(cooldowns, errors.UpstreamBadRequest("your fault"))
    fail(cooldowns, errors.ContextWindowExceeded("too long"))
    assert told == []


def test_a_cooldown_is_told(cooldowns: Cooldowns, told: list[Alert]) -> None:
    fail(cooldowns, errors.UpstreamAuthenticationFailed("no"))
    (alert,) = (one for one in told if one.type == "cooldown_deployment")
    assert alert.event.event_message.startswith("Cooling down for 5 s: model=gpt, deployment=one")


def test_five_failures_within_a_minute_are_an_outage_and_ten_a_major_one(
    cooldowns: Cooldowns, told: list[Alert], clock: FakeClock
) -> None:
    error = errors.UpstreamInternalError("no")
    fail(cooldowns, error, 4)
    clock.advance(60)
    fail(cooldowns, error, 4)
    assert not any(alert.type == "outage_alerts" for alert in told)
    fail(cooldowns, error)
    assert ("outage_alerts", "one:minor") in kinds(told)
    assert ("outage_alerts", "one:major") not in kinds(told)
    fail(cooldowns, error, 5)
    assert ("outage_alerts", "one:major") in kinds(told)
    assert not any(alert.type == "region_outage_alerts" for alert in told)


def test_several_deployments_of_a_region_that_fail_are_its_outage(
    cooldowns: Cooldowns, told: list[Alert]
) -> None:
    error = errors.UpstreamTimeout("no")
    fail(cooldowns, error, 3)
    fail(cooldowns, error, 1, TWO)
    assert ("region_outage_alerts", "azure/eu") not in kinds(told)
    fail(cooldowns, error, 1, TWO)
    assert ("region_outage_alerts", "azure/eu") in kinds(told)


def test_limits_of_a_provider_are_no_outage(cooldowns: Cooldowns, told: list[Alert]) -> None:
    fail(cooldowns, errors.UpstreamRateLimited("slow down"), 20)
    assert {alert.type for alert in told} == {"llm_exceptions", "cooldown_deployment"}


@pytest.mark.parametrize(
    ("seconds", "status", "is_told"),
    [(300, "success", False), (301, "success", True), (301, "failure", False)],
)
def test_an_answer_that_took_too_long_is_told(
    told: list[Alert],
    clock: FakeClock,
    seconds: int,
    status: str,
    is_told: bool,  # noqa: FBT001  by name
) -> None:
    completion = Completion(
        charge_id="c",
        request_id="r",
        status=status,
        usage=Usage(),
        charge=Charge(),
        deployment_id="one",
        provider="azure",
        upstream_model="gpt",
        started_nanos=0,
        ended_nanos=seconds * 10**9,
        model_group="g",
    )
    UpstreamAlerts(told.append, clock, 300).note_completion(completion)
    assert [alert.event.event_message for alert in told] == (
        [f"Responses are slow: model=g, deployment=one. {seconds}.0 s, more than 300 s."] if is_told else []
    )
