"""What an operator watches, in the Prometheus text format."""

from collections.abc import Iterator

from litestar import Response, get
from litestar.di import NamedDependency
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric

from gateway.access.rules import RouteRule
from gateway.admission.sharing import SharingState
from gateway.permits.permit import allow
from gateway.permits.terms import Action, Resource
from gateway.runtime import Gateway

__all__ = ["ROUTE_HANDLERS"]

_RULE = RouteRule(name="/metrics", permit=allow(Resource.GATEWAY, Action.READ))
_Gateway = NamedDependency[Gateway]
_MEDIA_TYPE = "text/plain; version=0.0.4; charset=utf-8"


class _Collector:
    """Reads the counters that the parts keep anyway; nothing is counted twice for the sake of metrics."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway

    def collect(self) -> Iterator[Metric]:
        """Yield every metric as it stands now."""
        parts = self._gateway.parts
        yield _gauge(
            "gatewright_journal_undrained_bytes", "Bytes not in the database yet", parts.drain.lag_bytes
        )
        yield _gauge(
            "gatewright_requests_in_flight", "Admitted requests not settled yet", parts.journal.open_count
        )
        yield _gauge(
            "gatewright_journal_healthy", "1 while requests can be recorded", int(parts.journal.is_healthy)
        )
        yield _gauge("gatewright_streams_open", "Streams under way", len(self._gateway.streams))
        yield _gauge("gatewright_keys_cached", "Callers held in memory", len(parts.principals))
        yield _counter(
            "gatewright_records_drained", "Records written to the database", parts.drain.drained_records
        )
        yield _counter(
            "gatewright_records_rejected", "Records that need a look", parts.drain.rejected_records
        )
        if parts.member is not None:
            yield from _sharing(parts.member.state)


def _sharing(state: SharingState) -> Iterator[Metric]:
    yield _gauge("gatewright_shared_limits_counting", "1 while limits are shared", int(state.is_counting))
    yield _gauge("gatewright_shared_limits_workers", "Workers that share limits", state.workers)
    yield _counter("gatewright_shared_limits_calls", "Calls of Redis", state.calls)
    yield _counter("gatewright_shared_limits_steps", "Admissions and settlements in them", state.steps)
    yield _counter("gatewright_shared_limits_reaped", "Holds of dead workers settled", state.reaped)


def _gauge(name: str, text: str, value: float) -> Metric:
    return GaugeMetricFamily(name, text, value=value)


def _counter(name: str, text: str, value: float) -> Metric:
    return CounterMetricFamily(name, text, value=value)


@get("/metrics", opt={"rule": _RULE})
async def show_metrics(gateway: _Gateway) -> Response[bytes]:
    """Show the metrics of this worker."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Collector(gateway))
    return Response(generate_latest(registry), media_type=_MEDIA_TYPE)


ROUTE_HANDLERS = (show_metrics,)
