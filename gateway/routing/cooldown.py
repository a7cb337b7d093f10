"""Deployments that failed are left alone for a while."""

from gateway.clock import Clock
from gateway.domain import ChosenBy, Deployment, UpstreamWatch
from gateway.errors import UpstreamError, UpstreamUnreachable
from gateway.settings.model import RouterSettings

__all__ = ["Cooldowns"]

_SECOND_NANOS = 1_000_000_000
_MINUTE_NANOS = 60 * _SECOND_NANOS
_LONGEST_SECONDS = 3600.0
"""A provider may ask for more; after so long it is tried again all the same."""

_RATE_LIMITED = 429
_FIRST_SERVER_ERROR = 500
_TRIGGERS = frozenset({401, 402, 404, 408, _RATE_LIMITED})
_AT_ONCE = frozenset({401, 402, 404})
"""Statuses that a retry does not mend: the deployment is set up wrongly or has no credit."""

_OF_A_REQUEST = frozenset({ChosenBy.CLIENT_KEY, ChosenBy.CLIENT_ADDRESS})
_FEWEST_FOR_SHARE = 5
_FEWEST_FOR_TOTAL = 1000


class _Minute:
    """What a deployment did in one minute of the monotonic clock."""

    # No struct: one is made in a minute, and counts every request.
    __slots__ = ("failures", "number", "successes")

    def __init__(self, number: int, successes: int = 0) -> None:
        self.number = number
        self.successes = successes
        self.failures = 0


class Cooldowns:
    """Counts per deployment and minute, and until when each is left alone; one per worker.

    Give the same one to the router of the next configuration, so that a reload does not end cooldowns.
    `watch` is told of failures and cooldowns; it may be set until the first request.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._minutes: dict[str, _Minute] = {}
        self._until: dict[str, int] = {}
        self.watch: UpstreamWatch | None = None

    def is_cooling(self, deployment_id: str) -> bool:
        """Whether the deployment is left alone now."""
        # Nothing cools down nearly all of the time.
        if not self._until:
            return False
        until = self._until.get(deployment_id)
        if until is None:
            return False
        if self._clock.monotonic_nanos() < until:
            return True
        del self._until[deployment_id]
        return False

    def forget(self, deployment_id: str) -> None:
        """Begin anew with a deployment that is another one now, or gone."""
        self._until.pop(deployment_id, None)
        self._minutes.pop(deployment_id, None)

    def list_cooling(self) -> list[str]:
        """Return the ids of the deployments that are left alone now."""
        return [deployment_id for deployment_id in list(self._until) if self.is_cooling(deployment_id)]

    def note_success(self, deployment_id: str) -> None:
        """Count a success; a cooldown under way goes on."""
        # Spelled out instead of calling `_minute`: it happens in every request.
        now = self._clock.monotonic_nanos
        number = now() // _MINUTE_NANOS
        minute = self._minutes.get(deployment_id)
        if minute is not None and minute.number == number:
            minute.successes += 1
        else:
            self._minutes[deployment_id] = _Minute(number, 1)

    def note_failure(
        self, deployment: Deployment, error: UpstreamError, group_size: int, settings: RouterSettings
    ) -> None:
        """Count a failure and begin a cooldown where the rules of the contract ask for it.

        Errors that the caller caused (400, 403, 422 ..., or its own credential) and failed connections never
        begin one.
        `group_size` is the number of deployments that could take over.
        """
        if deployment.chosen_by in _OF_A_REQUEST:
            # One client's credential or address would close the deployment to all the others.
            return
        is_unreachable = isinstance(error, UpstreamUnreachable)
        if self.watch is not None and (is_unreachable or _is_trigger(error.status)):
            self.watch.note_failure(deployment, error)
        if is_unreachable or not _is_trigger(error.status):
            return
        minute = self._minute(deployment.id)
        minute.failures += 1
        if settings.disable_cooldowns or not _is_due(minute, error.status, group_size, settings):
            return
        seconds = _seconds(deployment, error, settings)
        self._until[deployment.id] = self._clock.monotonic_nanos() + int(seconds * _SECOND_NANOS)
        if self.watch is not None:
            self.watch.note_cooldown(deployment, seconds, error)

    def _minute(self, deployment_id: str) -> _Minute:
        number = self._clock.monotonic_nanos() // _MINUTE_NANOS
        minute = self._minutes.get(deployment_id)
        if minute is None or minute.number != number:
            minute = self._minutes[deployment_id] = _Minute(number)
        return minute


def _is_trigger(status: int) -> bool:
    return status in _TRIGGERS or status >= _FIRST_SERVER_ERROR


def _is_due(minute: _Minute, status: int, group_size: int, settings: RouterSettings) -> bool:
    if settings.allowed_fails is not None:
        return minute.failures > settings.allowed_fails
    total = minute.failures + minute.successes
    if status in _AT_ONCE or (minute.successes == 0 and total >= _FEWEST_FOR_TOTAL):
        return True
    if group_size == 1:
        # Nobody could take over: a limit or a bad moment is better retried.
        return False
    return status == _RATE_LIMITED or (total >= _FEWEST_FOR_SHARE and minute.failures * 2 > total)


def _seconds(deployment: Deployment, error: UpstreamError, settings: RouterSettings) -> float:
    if error.retry_after_seconds:
        return min(error.retry_after_seconds, _LONGEST_SECONDS)
    if deployment.cooldown_seconds is not None:
        return deployment.cooldown_seconds
    return settings.cooldown_time
