"""One sample: one subject under one kind of load for a few seconds."""

import statistics

import msgspec
import uvloop
from loadtest.cases import Case, build_body
from loadtest.client import Outcome, Plan, build_request, drive
from loadtest.field import Field, Target
from loadtest.machine import Memory, cpu_seconds, memory_bytes
from loadtest.wrk import run_wrk

__all__ = ["Load", "Sample", "measure"]


class Sample(msgspec.Struct, frozen=True, kw_only=True):
    """What one subject did; `cpu_micros` are of its worker per request, what it does afterwards included.

    Latencies are microseconds. `events` are those of streams. Memory is of all its processes at the end, lag
    is what waited to be recorded, in bytes.
    """

    subject: str
    case: Case
    round: int
    requests: int
    errors: int
    seconds: float
    cpu_micros: float
    p50: float
    p99: float
    first_byte_p50: float | None = None
    first_byte_p99: float | None = None
    events: int = 0
    memory: Memory = Memory(0, 0)
    lag_before: int = 0
    lag_after: int = 0

    @property
    def per_second(self) -> float:
        """Requests per second."""
        return self.requests / self.seconds

    @property
    def events_per_second(self) -> float:
        """Events of streams per second."""
        return self.events / self.seconds

    @property
    def cpu_micros_per_event(self) -> float:
        """Time of the worker per event of a stream."""
        return self.cpu_micros * self.requests / self.events if self.events else 0.0


class Load(msgspec.Struct, frozen=True, kw_only=True):
    """How long, how often (None: as fast as answers come), and in which round."""

    seconds: float
    rate: float | None = None
    round: int = 0


def measure(field: Field, target: Target, case: Case, load: Load) -> Sample:
    """Put a server under load, and wait until it has recorded everything."""
    lag_before = target.lag()
    target.begin()
    before = cpu_seconds(target.workers)
    outcome = _drive(field, target, case, load)
    lag_after = target.lag()
    target.settle()
    spent = cpu_seconds(target.workers) - before
    return Sample(
        subject=target.name,
        case=case,
        round=load.round,
        requests=outcome.requests,
        errors=outcome.errors,
        seconds=outcome.seconds,
        cpu_micros=spent / max(1, outcome.requests) * 1e6,
        p50=_percentile(outcome.latencies, 50) * 1e6,
        p99=_percentile(outcome.latencies, 99) * 1e6,
        first_byte_p50=_percentile(outcome.first_bytes, 50) * 1e6 if outcome.events else None,
        first_byte_p99=_percentile(outcome.first_bytes, 99) * 1e6 if outcome.events else None,
        events=outcome.events,
        memory=memory_bytes(target.processes),
        lag_before=lag_before,
        lag_after=lag_after,
    )


def _drive(field: Field, target: Target, case: Case, load: Load) -> Outcome:
    url, body = target.url(case.traffic), build_body(case)
    if field.uses_wrk and case.traffic == "answer" and load.rate is None:
        told = run_wrk(url, target.headers, body, case.connections, load.seconds, field.folder)
        # Two values are enough for the two percentiles that are asked for.
        latencies = [told.p50 / 1e6] * 98 + [told.p99 / 1e6] * 2
        seconds = told.microseconds / 1e6
        return Outcome(requests=told.requests, errors=told.errors, seconds=seconds, latencies=latencies)
    host, port, request = build_request(url, target.headers, body)
    plan = Plan(
        host=host,
        port=port,
        request=request,
        connections=case.connections,
        seconds=load.seconds,
        rate=load.rate,
    )
    return uvloop.run(drive(plan))


def _percentile(values: list[float], percent: int) -> float:
    if len(values) < 2:
        return values[0] if values else float("nan")
    return statistics.quantiles(values, n=100, method="inclusive")[percent - 1]
