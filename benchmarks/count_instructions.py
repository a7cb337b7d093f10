"""What a request costs a processor, whatever else the machine does: instructions, and misses of its caches.

    uv run python benchmarks/count_instructions.py
    uv run python benchmarks/count_instructions.py --scopes       with owners, tags, a customer, limits on all
    uv run python benchmarks/count_instructions.py --l2 262144    what others leave of the second cache
    uv run python benchmarks/count_instructions.py --keep FILE    for callgrind_annotate

Runs the gateway of `profile_request` under valgrind's callgrind (half a minute), which must be installed: it
counts, and simulates caches. Two runs differ by half a percent, where times differ by half.
"""

import gc
import os
import shutil
import subprocess
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path
from unittest.mock import patch

import click
import uvloop
from loadtest.cases import Case, build_body
from profile_request import NullClient, open_gateway

from gateway.db.embedded import EmbeddedPostgres
from gateway.spend.drain import JournalPump
from gateway.upstream.clients import UpstreamClients

_REQUESTS = 1_000
_WARM_REQUESTS = 500
_L1 = "32768,8,64"
_EVENTS = {
    "instructions": ("Ir",),
    "misses of the first cache by instructions": ("I1mr",),
    "misses of the first cache by data": ("D1mr", "D1mw"),
    "misses of the second cache": ("ILmr", "DLmr", "DLmw"),
}


async def drive(url: str, folder: Path, *, has_scopes: bool) -> None:
    """Ask often enough that CPython has specialized its code, then have what follows counted."""
    body = build_body(Case("answer", 1, 1000))
    async with open_gateway(url, folder, body, has_scopes=has_scopes) as driver:
        for _ in range(_WARM_REQUESTS):
            await driver.ask()
        gc.collect()
        gc.freeze()
        _control("-i", "on")
        for _ in range(_REQUESTS):
            await driver.ask()
        _control("-d")
        _control("-i", "off")


def _control(*order: str) -> None:
    command = ["callgrind_control", *order, str(os.getpid())]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)


def _run_inside(*, has_scopes: bool) -> None:
    """The gateway, in the process that valgrind runs; the drain waits, for its turns come as they like."""
    null = NullClient()

    async def wait(_pump: JournalPump) -> bool:
        return False

    with tempfile.TemporaryDirectory(prefix="gatewright-count-") as name, ExitStack() as stack:
        database = stack.enter_context(EmbeddedPostgres(Path(name)))
        stack.enter_context(patch.object(UpstreamClients, "client_for", lambda _self, _deployment: null))
        stack.enter_context(patch.object(JournalPump, "drain_next", wait))
        uvloop.run(drive(database.url, Path(name), has_scopes=has_scopes))


def _count(folder: Path, l2_bytes: int, *, has_scopes: bool) -> Path:
    """Run this program under callgrind; return what it wrote of the counted requests."""
    own = [sys.executable, str(Path(__file__)), "--inside", *(["--scopes"] if has_scopes else [])]
    caches = [f"--I1={_L1}", f"--D1={_L1}", f"--LL={l2_bytes},16,64", "--cache-sim=yes"]
    valgrind = ["valgrind", "--tool=callgrind", "--instr-atstart=no", *caches]
    done = subprocess.run([*valgrind, *own], cwd=folder, capture_output=True, text=True, check=False)
    # The one of the end, after `-i off`, has no number of a part.
    parts = list(folder.glob("callgrind.out.*.1"))
    if done.returncode or not parts:
        sys.exit(f"valgrind failed:\n{done.stdout[-2000:]}{done.stderr[-2000:]}")
    return parts[0]


def _print(profile: Path) -> None:
    lines = profile.read_text().splitlines()
    names = next(line for line in lines if line.startswith("events:")).split()[1:]
    totals = map(int, next(line for line in lines if line.startswith("totals:")).split()[1:])
    counts = dict(zip(names, totals, strict=True))
    for text, events in _EVENTS.items():
        print(f"{sum(counts[event] for event in events) / _REQUESTS:10,.0f}  {text}")


@click.command()
@click.option("--scopes", "has_scopes", is_flag=True, help="A key with owners, and limits on all of them.")
@click.option("--l2", "l2_bytes", default=1_048_576, show_default=True, help="Bytes of the second cache.")
@click.option("--keep", type=click.Path(path_type=Path), help="Copy the profile to this file.")
@click.option("--inside", "is_inside", is_flag=True, hidden=True)
def main(has_scopes: bool, l2_bytes: int, keep: Path | None, is_inside: bool) -> None:  # noqa: FBT001  as click does
    """Count, and print what one request costs."""
    if is_inside:
        _run_inside(has_scopes=has_scopes)
        return
    if missing := [name for name in ("valgrind", "callgrind_control") if shutil.which(name) is None]:
        sys.exit(f"There is no {' and no '.join(missing)} on the path; install valgrind.")
    with tempfile.TemporaryDirectory(prefix="gatewright-count-") as name:
        profile = _count(Path(name), l2_bytes, has_scopes=has_scopes)
        _print(profile)
        if keep is not None:
            shutil.copy(profile, keep)


if __name__ == "__main__":
    main()
