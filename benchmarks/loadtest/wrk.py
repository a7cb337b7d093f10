"""Load by wrk, where it is installed: it asks as soon as it is answered, and costs the least."""

import math
import shutil
import subprocess
from pathlib import Path

import msgspec

__all__ = ["WrkOutcome", "has_wrk", "run_wrk"]

_SCRIPT = """
local file = io.open(os.getenv("BENCH_BODY"), "rb")
wrk.method = "POST"
wrk.body = file:read("*a")
file:close()
for name, value in string.gmatch(os.getenv("BENCH_HEADERS"), "([^:\\n]+): ([^\\n]+)") do
  wrk.headers[name] = value
end
done = function(summary, latency, requests)
  local e = summary.errors
  io.write(string.format(
    '\\nJSON {"requests":%d,"microseconds":%d,"errors":%d,"p50":%d,"p99":%d}\\n', summary.requests,
    summary.duration, e.connect + e.read + e.write + e.status + e.timeout,
    latency:percentile(50), latency:percentile(99)))
end
"""


class WrkOutcome(msgspec.Struct, frozen=True):
    """What wrk counted; p50 and p99 in microseconds."""

    requests: int
    microseconds: int
    errors: int
    p50: int
    p99: int


def has_wrk() -> bool:
    """Whether wrk is on the path."""
    return shutil.which("wrk") is not None


def run_wrk(
    url: str, headers: dict[str, str], body: bytes, connections: int, seconds: float, folder: Path
) -> WrkOutcome:
    """Run wrk for whole seconds, at least one, from where this process may run."""
    script, content = folder / "post.lua", folder / "body.json"
    script.write_text(_SCRIPT)
    content.write_bytes(body)
    named = {"content-type": "application/json", **headers}
    lent = {
        "BENCH_BODY": str(content),
        "BENCH_HEADERS": "\n".join(f"{name}: {value}" for name, value in named.items()),
    }
    duration = f"-d{max(1, math.ceil(seconds))}s"
    command = [
        shutil.which("wrk") or "wrk",
        "-t1",
        f"-c{connections}",
        duration,
        "--timeout",
        "60s",
        "-s",
        str(script),
        url,
    ]
    done = subprocess.run(command, env=lent, capture_output=True, text=True, check=True)
    line = next(line for line in done.stdout.splitlines() if line.startswith("JSON "))
    return msgspec.json.decode(line.removeprefix("JSON "), type=WrkOutcome)
