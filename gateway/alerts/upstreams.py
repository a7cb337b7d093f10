"""What is told of providers: failed calls, outages, cooldowns, slow answers."""

from collections import OrderedDict, deque
from collections.abc import Callable

from gateway.alerts.events import Alert, build_notice
from gateway.alerts.kinds import AlertType
from gateway.clock import Clock
from gateway.domain import Completion, Deployment
from gateway.errors import UpstreamError

__all__ = ["UpstreamAlerts"]

_NANOS = 1_000_000_000
_QUIET_SECONDS = 600.0
_OUTAGE_NANOS = 60 * _NANOS
_MINOR, _MAJOR = 5, 10
"""Failures within a minute from which on there is an outage."""
_MOST_PLACES = 1_000
_TIMEOUT, _FIRST_SERVER_ERROR = 408, 500
_LONGEST_MESSAGE = 300

_Failures = deque[tuple[int, str]]


class UpstreamAlerts:
    """An UpstreamWatch that tells; every kind of news about one place once in ten minutes.

    `slow_seconds` is how long a request may take. `tell` is called while requests are
    served: it may but queue what it gets.
    """

    def __init__(self, tell: Callable[[Alert], None], clock: Clock, slow_seconds: float) -> None:
        self._send = tell
        self._clock = clock
        self._slow_nanos = int(slow_seconds * _NANOS)
        self._slow_seconds = slow_seconds
        self._failures: OrderedDict[str, _Failures] = OrderedDict()

    def note_failure(self, deployment: Deployment, error: UpstreamError) -> None:
        """Learn that a call failed by the provider's fault."""
        text = f"Status {error.status}: {error.message[:_LONGEST_MESSAGE]}"
        self._tell(
            AlertType.LLM_EXCEPTIONS,
            f"{deployment.id}:{error.status}",
            f"LLM API call failed: model={deployment.model}, {_place(deployment)}. {text}",
        )
        if error.status == _TIMEOUT or error.status >= _FIRST_SERVER_ERROR:
            self._note_outage(deployment)

    def note_cooldown(self, deployment: Deployment, seconds: float, error: UpstreamError) -> None:
        """Learn that a deployment is left alone for so many seconds."""
        self._tell(
            AlertType.COOLDOWN,
            deployment.id,
            f"Cooling down for {seconds:g} s: model={deployment.model}, {_place(deployment)}. "
            f"Status {error.status}: {error.message[:_LONGEST_MESSAGE]}",
        )

    def note_completion(self, completion: Completion) -> None:
        """Learn how a request ended."""
        nanos = completion.ended_nanos - completion.started_nanos
        if nanos > self._slow_nanos and completion.status == "success":
            self._tell(
                AlertType.LLM_TOO_SLOW,
                f"{completion.model_group}:{completion.deployment_id}",
                f"Responses are slow: model={completion.model_group}, deployment={completion.deployment_id}. "
                f"{nanos / _NANOS:.1f} s, more than {self._slow_seconds:g} s.",
            )

    def _note_outage(self, deployment: Deployment) -> None:
        failures = self._count(deployment.id, deployment.id)
        for count, word in ((_MAJOR, "major"), (_MINOR, "minor")):
            if len(failures) >= count:
                text = f"{word.capitalize()} outage: model={deployment.model}, {_place(deployment)}. "
                text += f"{len(failures)} failures within a minute."
                self._tell(AlertType.OUTAGE, f"{deployment.id}:{word}", text)
                break
        if deployment.region is None:
            return
        region = f"{deployment.provider}/{deployment.region}"
        of_region = self._count(f"region {region}", deployment.id)
        failing = {deployment_id for _, deployment_id in of_region}
        if len(of_region) >= _MINOR and len(failing) > 1:
            text = f"Outage of a region: {region}. {len(of_region)} failures of {len(failing)} deployments "
            self._tell(AlertType.REGION_OUTAGE, region, text + "within a minute.")

    def _count(self, place: str, deployment_id: str) -> _Failures:
        """Count a failure at a place; returns those of the last minute, the latest hundreds of them."""
        now = self._clock.monotonic_nanos()
        failures = self._failures.pop(place, None) or deque(maxlen=10 * _MAJOR)
        failures.append((now, deployment_id))
        while failures[0][0] <= now - _OUTAGE_NANOS:
            failures.popleft()
        self._failures[place] = failures
        if len(self._failures) > _MOST_PLACES:
            self._failures.popitem(last=False)
        return failures

    def _tell(self, kind: AlertType, entity: str, message: str) -> None:
        self._send(build_notice(kind, entity, message, quiet_seconds=_QUIET_SECONDS))


def _place(deployment: Deployment) -> str:
    """Which deployment it is; never its address."""
    return f"deployment={deployment.id}, provider={deployment.provider}"
