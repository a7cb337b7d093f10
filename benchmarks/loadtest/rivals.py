"""The servers to compare with; those that are not installed are skipped with a line."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

from loadtest.cases import TRAFFIC
from loadtest.field import Field, Target
from loadtest.machine import descendants, free_port, pin
from loadtest.nginx import has_nginx, proxy_server, run_nginx
from loadtest.processes import is_listening, run_process, wait_until

__all__ = ["RIVALS", "why_missing"]

_PATH = "/{traffic}/v1/chat/completions"
_START_SECONDS = 180
_LITELLM_KEY = "sk-benchmark"


@contextmanager
def run_bare(field: Field) -> Iterator[Target]:
    """The Litestar pass-through."""
    port, log = free_port(), field.folder / "bare.log"
    upstreams = [f"http://127.0.0.1:{each}" for each in (field.answer_port, field.stream_port)]
    with run_process([sys.executable, "-m", "loadtest.bare", str(port), *upstreams], log) as process:
        wait_until(lambda: is_listening(port), process, log)
        below = descendants(process.pid)
        workers = tuple(key for key, command in below.items() if "spawn_main" in command)
        pin(workers, field.cores.subject)
        yield Target(name="bare", port=port, path=_PATH, workers=workers, processes=(process.pid, *below))


@contextmanager
def run_nginx_proxy(field: Field) -> Iterator[Target]:
    """nginx as a reverse proxy: what a program in C needs to pass bytes on."""
    port = free_port()
    content = proxy_server(port, field.answer_port, field.stream_port)
    with run_nginx(field.folder / "nginx-proxy", content, port) as workers:
        pin(workers, field.cores.subject)
        yield Target(name="nginx", port=port, path=_PATH, workers=workers, processes=workers)


@contextmanager
def run_litellm(field: Field) -> Iterator[Target]:
    """LiteLLM's proxy with a master key and without a database: less than what the gateway is asked to do."""
    port, log = free_port(), field.folder / "litellm.log"
    config = field.folder / "litellm.yaml"
    ports = {kind: field.answer_port if kind == "answer" else field.stream_port for kind in TRAFFIC}
    models = "".join(
        f"\n  - model_name: {kind}\n    litellm_params: {{model: openai/gpt-4o-mini, api_key: sk-upstream, "
        f'api_base: "http://127.0.0.1:{at}/{kind}/v1"}}'
        for kind, at in ports.items()
    )
    config.write_text(f"model_list:{models}\n")
    command = [shutil.which("litellm") or "litellm", "--config", str(config), "--port", str(port)]
    environ = {"LITELLM_MASTER_KEY": _LITELLM_KEY, "LITELLM_LOG": "ERROR", "PYTHONPATH": ""}
    with run_process([*command, "--num_workers", "1"], log, environ) as process:
        wait_until(
            lambda: is_listening(port, "/health/liveliness", needs_ok=True), process, log, _START_SECONDS
        )
        everything = (process.pid, *descendants(process.pid))
        pin(everything, field.cores.subject)
        yield Target(
            name="litellm",
            port=port,
            path="/v1/chat/completions",
            headers={"authorization": f"Bearer {_LITELLM_KEY}"},
            workers=everything,
            processes=everything,
        )


@contextmanager
def run_portkey(field: Field) -> Iterator[Target]:
    """Portkey's gateway, told by headers where the upstream is; one address, so whole answers only."""
    port, log = free_port(), field.folder / "portkey.log"
    command = [shutil.which("node") or "node", str(find_portkey()), f"--port={port}", "--headless"]
    with run_process(command, log, {"NODE_ENV": "production"}) as process:
        wait_until(lambda: is_listening(port), process, log, _START_SECONDS)
        everything = (process.pid, *descendants(process.pid))
        pin(everything, field.cores.subject)
        headers = {
            "authorization": "Bearer sk-upstream",
            "x-portkey-provider": "openai",
            "x-portkey-custom-host": f"http://127.0.0.1:{field.answer_port}/answer/v1",
        }
        yield Target(
            name="portkey",
            port=port,
            path="/v1/chat/completions",
            headers=headers,
            traffic=("answer",),
            workers=everything,
            processes=everything,
        )


def find_portkey() -> Path | None:
    """The start script of `npm install --global @portkey-ai/gateway`, or what PORTKEY_GATEWAY names."""
    named = os.environ.get("PORTKEY_GATEWAY")
    npm = shutil.which("npm")
    if named is None and npm is None:
        return None
    if named is None:
        asked = subprocess.run([str(npm), "root", "--global"], capture_output=True, text=True, check=False)
        named = f"{asked.stdout.strip()}/@portkey-ai/gateway/build/start-server.js"
    return Path(named) if Path(named).is_file() else None


RIVALS: dict[str, Callable[[Field], AbstractContextManager[Target]]] = {
    "bare": run_bare,
    "nginx": run_nginx_proxy,
    "litellm": run_litellm,
    "portkey": run_portkey,
}


def why_missing(name: str) -> str | None:
    """What to install for a subject that cannot run here, or None."""
    if name == "nginx" and not has_nginx():
        return "nginx is not installed"
    if name == "litellm" and shutil.which("litellm") is None:
        return "LiteLLM is not installed (pip install 'litellm[proxy]' in an environment on the PATH)"
    if name == "portkey" and find_portkey() is None:
        return "Portkey's gateway is not installed (npm install --global @portkey-ai/gateway)"
    return None
