"""Does what the README promises of its first command: serves, and answers the openai client.

Called with an empty clone and the command. It runs the command there, waits until the gateway is ready, asks
it with the master key that it printed and with a virtual key, and ends it as Ctrl-C in a terminal would. A
program that is named after the command finds the gateway in GATEWAY_URL and the virtual key in GATEWAY_KEY.
"""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from pathlib import Path

from openai import AuthenticationError, OpenAI

READY_SECONDS = 300
"""Includes the installation, from a package index that may be slow."""
STOP_SECONDS = 60
MASTER_KEY = re.compile(r"^\s+(sk-\S+)$", re.MULTILINE)
ANSWER = "Hello from Gatewright."


def main(clone: Path, command: str, program: list[str]) -> None:
    """Run the command in the clone and check what it promises; raises AssertionError, CalledProcessError."""
    port = free_port()
    print(command, flush=True)
    server = subprocess.Popen(
        ["bash", "-c", command],
        cwd=clone,
        env=surroundings() | {"PORT": str(port)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    said: list[str] = []
    reader = threading.Thread(target=collect, args=(server, said), daemon=True)
    reader.start()
    try:
        wait_until_ready(server, f"http://127.0.0.1:{port}/health/readiness")
        address = f"http://127.0.0.1:{port}"
        virtual_key = ask(address, "".join(said))
        if program:
            found = {"GATEWAY_URL": address, "GATEWAY_KEY": virtual_key}
            subprocess.run(program, env={**os.environ, **found}, check=True)
    finally:
        interrupt(server)


def surroundings() -> dict[str, str]:
    """Leave out what `uv run` told this program about its own environment."""
    return {name: value for name, value in os.environ.items() if name not in {"UV", "VIRTUAL_ENV"}}


def interrupt(server: subprocess.Popen[str]) -> None:
    """End the command and all that it started; raises TimeoutExpired when it does not end."""
    if server.poll() is None:
        os.killpg(server.pid, signal.SIGINT)
        print(f"ended with status {server.wait(STOP_SECONDS)}")


def free_port() -> int:
    """Find a port that nobody listens on."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def collect(server: subprocess.Popen[str], said: list[str]) -> None:
    """Keep and show what the command prints."""
    assert server.stdout
    for line in server.stdout:
        said.append(line)
        print("  |", line, end="", flush=True)


def wait_until_ready(server: subprocess.Popen[str], url: str) -> None:
    """Return when the gateway says that it is ready."""
    deadline = time.monotonic() + READY_SECONDS
    while time.monotonic() < deadline:
        assert server.poll() is None, f"the command ended with status {server.returncode}"
        try:
            with urllib.request.urlopen(url, timeout=5):
                return
        except OSError:
            time.sleep(0.5)
    raise AssertionError(f"not ready after {READY_SECONDS} s")


def ask(address: str, said: str) -> str:
    """Use the gateway as a newcomer would; returns the virtual key that was made."""
    found = MASTER_KEY.search(said)
    assert found, "no master key was printed"
    master_key = found[1]
    assert chat(address, master_key).startswith(ANSWER)
    made = post(f"{address}/key/generate", master_key, {"models": ["quickstart"], "max_budget": 1})
    virtual_key = str(made["key"])
    assert chat(address, virtual_key).startswith(ANSWER)
    assert stream(address, virtual_key).startswith(ANSWER)
    try:
        chat(address, "sk-of-nobody-0123456789")
    except AuthenticationError:
        return virtual_key
    raise AssertionError("a key that does not exist was accepted")


def chat(address: str, key: str) -> str:
    """Ask for a whole answer."""
    with OpenAI(base_url=f"{address}/v1", api_key=key) as client:
        answer = client.chat.completions.create(
            model="quickstart", messages=[{"role": "user", "content": "Hello"}]
        )
        return answer.choices[0].message.content or ""


def stream(address: str, key: str) -> str:
    """Ask for an answer in pieces."""
    with OpenAI(base_url=f"{address}/v1", api_key=key) as client:
        chunks = client.chat.completions.create(
            model="quickstart", messages=[{"role": "user", "content": "Hello"}], stream=True
        )
        return "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)


def post(url: str, key: str, body: dict[str, object]) -> dict[str, object]:
    """Send JSON and return the JSON of the answer."""
    headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
    request = urllib.request.Request(url, json.dumps(body).encode(), headers)
    with urllib.request.urlopen(request, timeout=30) as answer:
        return json.load(answer)


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], sys.argv[3:])
