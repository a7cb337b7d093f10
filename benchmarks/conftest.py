"""Times work beside a yardstick in the same run, and compares the ratio with the committed baseline.

The yardstick is what looking up a key can cost at least: one SHA-256 and one entry of a dict. A time says
what a machine did; a ratio says what the code does, nearly the same on every machine. Only a ratio of more
than three times the baseline fails. `--write-baseline` writes the ratios of this run.
"""

import hashlib
import time
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest
from pytest_benchmark.fixture import BenchmarkFixture

BASELINE = Path(__file__).parent / "baseline.json"
GROSS = 3.0
"""Above this many times the baseline it is not noise any more; below, a look at the table is asked for."""
ROUND_SECONDS = 0.0002
LEAST_ROUNDS = 20
SECONDS = 0.2
ATTEMPTS = 3
YARDSTICK_CALLS = 200
KEY = b"sk-0123456789abcdefghijkl"

Work = Callable[[], object]
Compare = Callable[..., None]


class Ratio(msgspec.Struct, frozen=True):
    """One result: microseconds per call, and the same in yardsticks."""

    micros: float
    ratio: float


RATIOS = pytest.StashKey[dict[str, Ratio]]()
KNOWN = pytest.StashKey[dict[str, float]]()


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--write-baseline", action="store_true", help="Write the ratios of this run.")


def pytest_configure(config: pytest.Config) -> None:
    config.stash[RATIOS] = {}
    known = msgspec.json.decode(BASELINE.read_bytes(), type=dict[str, float]) if BASELINE.exists() else {}
    config.stash[KNOWN] = {} if config.getoption("--write-baseline") else known


@pytest.fixture
def compare(benchmark: BenchmarkFixture, request: pytest.FixtureRequest) -> Compare:
    """Run work as a benchmark; `calls` is how many calls of what is measured one run of it makes."""

    def run(work: Work, calls: int = 1) -> None:
        benchmark(work)
        if not benchmark.enabled:
            return
        name = f"{request.path.stem}/{request.node.name}"
        known = request.config.stash[KNOWN].get(name)
        result = measure_until_calm(work, calls, known)
        benchmark.extra_info |= {"ratio": result.ratio, "calls_per_round": calls}
        request.config.stash[RATIOS][name] = result
        assert known is None or result.ratio <= known * GROSS, (
            f"{name}: {result.ratio} yardsticks are {result.ratio / known:.1f} times the baseline of {known}."
        )

    return run


def measure_until_calm(work: Work, calls: int, known: float | None) -> Ratio:
    """Measure; again if it looks like a regression, or is to become the baseline: noise only ever adds."""
    best = measure(work, calls)
    for _ in range(ATTEMPTS - 1):
        if known is not None and best.ratio <= known * GROSS:
            break
        best = min(best, measure(work, calls), key=lambda each: each.ratio)
    return best


def measure(work: Work, calls: int) -> Ratio:
    """The fastest round beside the fastest of the yardstick; both take turns, so that noise meets both."""
    repeats = repeats_for(work)
    fastest = [float("inf"), float("inf")]
    until = time.perf_counter() + SECONDS
    rounds = 0
    while rounds < LEAST_ROUNDS or time.perf_counter() < until:
        rounds += 1
        fastest = [min(fastest[0], time_of(work, repeats)), min(fastest[1], time_of(yardstick, 1))]
    per_call = fastest[0] / repeats / calls
    return Ratio(round(per_call * 1e6, 3), round(per_call * YARDSTICK_CALLS / fastest[1], 2))


def repeats_for(work: Work) -> int:
    """So many that a round is long beside the resolution of the clock and the call of a function."""
    return max(1, round(ROUND_SECONDS / max(1e-9, min(time_of(work, 1) for _ in range(5)))))


def time_of(work: Work, repeats: int) -> float:
    started = time.perf_counter()
    for _ in range(repeats):
        work()
    return time.perf_counter() - started


def yardstick() -> None:
    known = {hashlib.sha256(KEY).hexdigest(): 1}
    for _ in range(YARDSTICK_CALLS):
        known[hashlib.sha256(KEY).hexdigest()]


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    ratios, known = config.stash[RATIOS], config.stash[KNOWN]
    if not ratios:
        return
    width = max(map(len, ratios))
    terminalreporter.section("beside the yardstick (one SHA-256 and one look-up)")
    terminalreporter.write_line(f"{'':{width}} {'us/call':>10} {'ratio':>9} {'baseline':>9}  change")
    for name, result in sorted(ratios.items()):
        line = f"{name:{width}} {result.micros:10.2f} {result.ratio:9.2f}"
        if name in known:
            line += f" {known[name]:9.2f}  {result.ratio / known[name] - 1:+.0%}"
        terminalreporter.write_line(line)
    if config.getoption("--write-baseline"):
        write_baseline({name: result.ratio for name, result in ratios.items()})


def write_baseline(ratios: dict[str, float]) -> None:
    known = msgspec.json.decode(BASELINE.read_bytes(), type=dict[str, float]) if BASELINE.exists() else {}
    merged = dict(sorted((known | ratios).items()))
    BASELINE.write_bytes(msgspec.json.format(msgspec.json.encode(merged)) + b"\n")
