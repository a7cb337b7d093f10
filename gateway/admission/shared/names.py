"""The names of keys in Redis: one hash tag, so that a cluster keeps all of them in one place."""

from gateway.admission.counters import SlotsKey, WindowKey
from gateway.domain import Meter, Scope

__all__ = ["Names"]


class Names:
    """Keys of one gateway; those of counters name the epoch, so that another epoch begins with none."""

    def __init__(self, gateway: str) -> None:
        self._tag = f"{{{gateway}}}:"
        self.epoch = f"{self._tag}epoch"
        self.workers = f"{self._tag}workers"
        self.phases = f"{self._tag}phases"

    def money(self, epoch: str, key: Scope) -> str:
        """What is settled and held on a scope or meter."""
        name = f"{self._tag}{epoch}:m:{key.kind}:{key.id}"
        return f"{name}:{key.model}:{key.period}:{key.ends_ms}" if isinstance(key, Meter) else name

    def window(self, epoch: str, key: WindowKey) -> str:
        """What is counted within a window."""
        scope, kind, model, seconds = key
        return f"{self._tag}{epoch}:w:{scope.kind}:{scope.id}:{kind}:{seconds}:{model}"

    def slots(self, epoch: str, key: SlotsKey) -> str:
        """How many requests are under way."""
        scope, model = key
        return f"{self._tag}{epoch}:s:{scope.kind}:{scope.id}:{model}"

    def holds(self, epoch: str, worker: str) -> str:
        """What the requests of a worker hold."""
        return f"{self._tag}{epoch}:h:{worker}"

    def reaped(self, epoch: str, worker: str) -> str:
        """What others have settled for a worker that seemed to be dead."""
        return f"{self._tag}{epoch}:r:{worker}"

    def marker(self, epoch: str, adjustment_id: str) -> str:
        """That an adjustment has been applied."""
        return f"{self._tag}{epoch}:a:{adjustment_id}"
