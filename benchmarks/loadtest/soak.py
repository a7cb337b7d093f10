"""Many requests on one gateway: does memory stay flat, do the books stay exact?"""

import uvloop
from loadtest.cases import Case, build_body
from loadtest.client import Plan, build_request, drive
from loadtest.field import Target
from loadtest.machine import memory_bytes

__all__ = ["run_soak"]

_STEPS = 20
_WARM_STEPS = 4
_GROWTH_BYTES = 10_000_000
_CASE = Case("answer", 64, 1000)
_SECONDS_PER_REQUEST = 0.02


def run_soak(target: Target, requests: int) -> bool:
    """Ask so often, print the memory as it goes, and say whether it stayed flat without errors.

    Flat: at no later step more than 10 MB above the first fifth of the requests.
    """
    host, port, request = build_request(target.url(_CASE.traffic), target.headers, build_body(_CASE))
    share = max(1, requests // _STEPS)
    plan = Plan(
        host=host,
        port=port,
        request=request,
        connections=_CASE.connections,
        seconds=60 + share * _SECONDS_PER_REQUEST,
        requests=share,
    )
    memory: list[int] = []
    errors = 0
    target.begin()
    for step in range(1, _STEPS + 1):
        outcome = uvloop.run(drive(plan))
        errors += outcome.errors
        memory.append(memory_bytes(target.processes).resident)
        rate = outcome.requests / outcome.seconds
        print(
            f"{step * share:>10,} requests  {memory[-1] / 1e6:6.1f} MB  {rate:7,.0f} req/s"
            f"  lag {target.lag() / 1e6:5.1f} MB  errors {errors}",
            flush=True,
        )
    target.settle()
    growth = max(memory[_WARM_STEPS:]) - max(memory[:_WARM_STEPS])
    print(f"Growth after the first fifth: {growth / 1e6:.1f} MB")
    return errors == 0 and growth <= _GROWTH_BYTES
