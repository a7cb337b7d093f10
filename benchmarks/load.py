"""Puts the gateway under load, beside a bare pass-through, nginx and, where installed, LiteLLM and Portkey.

    uv run python benchmarks/load.py               medians of three rounds, about ten minutes
    uv run python benchmarks/load.py --smoke       a few seconds; fails on errors and missing rows only
    uv run python benchmarks/load.py --soak 1000000
    uv run python benchmarks/load.py --markdown    also writes the tables into docs/performance.md

One worker of each subject runs on one core, everything else on the other cores. CPU time per request is
what to look at on a machine that does other things as well.
"""

import os
import shlex
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path

import click
import msgspec
from loadtest import report
from loadtest.cases import TRAFFIC, Case, list_cases
from loadtest.field import Field, Target, open_field
from loadtest.gatewright import Gatewright, measure_startup, run_gatewright
from loadtest.machine import choose_cores, describe_machine, pin
from loadtest.measure import Load, Sample, measure
from loadtest.page import write_results
from loadtest.rivals import RIVALS, why_missing
from loadtest.soak import run_soak
from loadtest.wrk import has_wrk

_SUBJECTS = ("direct", "gatewright", *RIVALS)
_WARM_SECONDS = 0.5


class Options(msgspec.Struct, frozen=True, kw_only=True):
    """The flags of the command line."""

    only: str
    traffic: str
    connections: str
    bodies: str
    seconds: float
    rounds: int
    rate: float | None
    bundled: bool
    smoke: bool
    scopes: bool
    redis: bool
    soak: int | None
    json: Path | None
    markdown: Path | None


@click.command(context_settings={"show_default": True})
@click.option("--only", default=",".join(_SUBJECTS), help="Subjects, separated by commas.")
@click.option("--traffic", default=",".join(TRAFFIC), help="Kinds of traffic.")
@click.option("--connections", default="1,64", help="Concurrencies.")
@click.option("--bodies", default="1,10,300", help="Sizes of the request body in kilobytes.")
@click.option("--seconds", default=3.0, help="Length of one sample.")
@click.option("--rounds", default=3, help="How often the subjects take turns.")
@click.option("--rate", type=float, help="Open load: so many requests per second, whatever the answers do.")
@click.option(
    "--bundled", is_flag=True, help="Use the bundled upstream and client even where nginx and wrk are."
)
@click.option("--smoke", is_flag=True, help="A few seconds; the exit code says whether all was well.")
@click.option("--scopes", is_flag=True, help="A key with owners, and budgets and limits on all of them.")
@click.option("--redis", is_flag=True, help="Count limits in a Redis, as several workers do.")
@click.option("--soak", type=int, help="Send so many requests to the gateway and watch its memory.")
@click.option("--json", type=click.Path(path_type=Path), help="Write every sample to this file.")
@click.option(
    "--markdown",
    is_flag=False,
    flag_value=Path(__file__).parents[1] / "docs" / "performance.md",
    type=click.Path(path_type=Path),
    help="Write the results into this page; without a file, docs/performance.md.",
)
def main(**flags: object) -> None:
    """Measure and print; the exit code is 1 when there were errors or the books are not exact."""
    options = msgspec.convert(flags, Options)
    if options.smoke:
        options = msgspec.structs.replace(
            options, only="gatewright,bare", connections="1,8", bodies="1,300", seconds=0.3, rounds=1
        )
    is_bundled = options.bundled or options.smoke
    machine, cores = describe_machine(), choose_cores()
    with tempfile.TemporaryDirectory(prefix="gatewright-load-") as name, ExitStack() as stack:
        folder = Path(name)
        pin([os.getpid()], cores.rest)
        field = stack.enter_context(
            open_field(
                folder,
                cores,
                uses_nginx=not is_bundled,
                uses_wrk=has_wrk() and not is_bundled,
                has_all_scopes=options.scopes,
                has_redis=options.redis,
            )
        )
        print(f"{machine}\n{_describe(field)}", flush=True)
        is_well = _soak(field, options.soak) if options.soak else _compare(field, options, machine)
    sys.exit(0 if is_well else 1)


def _describe(field: Field) -> str:
    upstream = "nginx" if field.has_nginx_upstream else "the bundled one"
    client = "wrk" if field.uses_wrk else "the bundled client"
    cores = "nothing is pinned"
    if field.cores.subject:
        cores = f"subject on core {min(field.cores.subject)}, all else on {sorted(field.cores.rest)}"
    return f"Upstream of whole answers: {upstream}; their load: {client}; {cores}."


def _compare(field: Field, options: Options, machine: str) -> bool:
    startup = report.render_startup(measure_startup(field)) if "gatewright" in options.only else ""
    with ExitStack() as stack:
        targets, gateway = _start(field, options, stack)
        samples = _measure_all(field, targets, options)
        lines = [startup, report.render_lag_and_memory(samples)]
        if gateway and options.redis:
            lines.append(gateway.describe_sharing())
        books = gateway.check_books() if gateway else None
        if books:
            lines.append(report.render_books(books))
    summary = "\n".join(line for line in lines if line)
    text = f"{report.render_samples(samples)}\n\n{summary}"
    print(f"\n{text}")
    if options.json:
        options.json.write_bytes(msgspec.json.format(msgspec.json.encode(samples)))
    if options.markdown:
        write_results(options.markdown, f"`{_command()}` on {machine}. {_describe(field)}\n\n{text}")
    errors = sum(each.errors for each in samples)
    return errors == 0 and all(each.requests for each in samples) and (books is None or books.are_exact)


def _command() -> str:
    """What was typed, without the names of files."""
    options = (each for at, each in enumerate(sys.argv) if at and "--json" not in {each, sys.argv[at - 1]})
    return shlex.join(["uv", "run", "python", "benchmarks/load.py", *options])


def _start(field: Field, options: Options, stack: ExitStack) -> tuple[list[Target], Gatewright | None]:
    """Start every subject that was asked for and is installed; they idle while others are measured."""
    targets: list[Target] = []
    gateway: Gatewright | None = None
    for name in options.only.split(","):
        if name not in _SUBJECTS:
            raise click.BadParameter(f"'{name}' is none of {', '.join(_SUBJECTS)}.", param_hint="--only")
        if reason := why_missing(name):
            print(f"Skipped: {reason}.", flush=True)
        elif name == "gatewright":
            gateway = stack.enter_context(run_gatewright(field))
            targets.append(gateway.target())
        elif name == "direct":
            path = "/{traffic}/v1/chat/completions"
            targets.append(
                Target(name=name, port=field.answer_port, stream_port=field.stream_port, path=path)
            )
        else:
            targets.append(stack.enter_context(RIVALS[name](field)))
    return targets, gateway


def _measure_all(field: Field, targets: list[Target], options: Options) -> list[Sample]:
    cases = list_cases(
        options.traffic.split(","),
        [int(each) for each in options.connections.split(",")],
        [int(each) for each in options.bodies.split(",")],
    )
    for target in targets:
        for traffic in target.traffic:
            measure(field, target, Case(traffic, 8, 1000), Load(seconds=min(_WARM_SECONDS, options.seconds)))
    samples: list[Sample] = []
    for case in cases:
        for turn in range(options.rounds):
            for target in targets:
                if case.traffic in target.traffic:
                    load = Load(seconds=options.seconds, rate=options.rate, round=turn)
                    samples.append(measure(field, target, case, load))
        print(f"measured: {case.label}", file=sys.stderr, flush=True)
    return samples


def _soak(field: Field, requests: int) -> bool:
    with run_gatewright(field) as gateway:
        is_flat = run_soak(gateway.target(), requests)
        books = gateway.check_books()
    print(report.render_books(books))
    return is_flat and books.are_exact


if __name__ == "__main__":
    main()
