"""What an import does before anybody asked for anything."""

import json
import subprocess
import sys

import pytest

PROGRAM = """
import json, socket, sys, threading

def refuse(event, arguments):
    if event in ("socket.connect", "socket.bind", "subprocess.Popen", "os.fork", "_thread.start_new_thread"):
        raise AssertionError(f"{event} during an import")

before = set(sys.modules)
sys.addaudithook(refuse)
for name in sys.argv[1:]:
    __import__(name)
print(json.dumps({"modules": sorted(set(sys.modules) - before), "threads": threading.active_count()}))
"""
HEAVY = {"litestar", "piccolo", "asyncpg", "aiohttp", "pyreqwest", "granian", "genai_prices", "click"}


def imported(*names: str) -> list[str]:
    """The modules that importing these brings in; the program fails when an import does work."""
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, *names], capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout)
    assert result["threads"] == 1
    return result["modules"]


def test_importing_the_package_imports_nothing_else() -> None:
    assert imported("gateway") == ["gateway"]


@pytest.mark.parametrize("name", ["gateway.hooks", "gateway.domain", "gateway.sdk", "gateway.testing"])
def test_what_a_plugin_imports_is_light(name: str) -> None:
    assert not HEAVY & {module.split(".")[0] for module in imported(name)}


def test_the_command_imports_no_framework_and_no_database_before_it_knows_what_to_do() -> None:
    modules = {module.split(".")[0] for module in imported("gateway.cli.main")}

    assert not modules & (HEAVY - {"click"})


def test_importing_the_application_starts_nothing_and_brings_in_nothing_that_few_need() -> None:
    modules = {module.split(".")[0] for module in imported("gateway.app")}

    assert "litestar" in modules
    assert not modules & {"redis", "aiohttp", "joserfc", "cryptography"}


WORKER = """
import json, sys
import gateway.target
gateway.target._import_structlog()
import gateway.worker
print(json.dumps(sorted(sys.modules)))
import rich
"""


def test_a_worker_does_without_what_would_draw_tracebacks_and_plugins_can_have_it() -> None:
    done = subprocess.run(
        [sys.executable, "-c", WORKER], capture_output=True, text=True, check=True, timeout=60
    )

    modules = set(json.loads(done.stdout))
    assert "structlog" in modules
    assert not modules & {"rich", "pygments"}


APPLICATION = """
import json, sys
from gateway.http.registration import Application
Application(route_handlers=[], openapi_config=None, logging_config=None)
print(json.dumps(sorted(sys.modules)))
"""


def test_an_application_does_without_the_structs_of_other_libraries() -> None:
    """They are installed, for others need them, and Litestar would load them: 5 MB in each worker."""
    done = subprocess.run(
        [sys.executable, "-c", APPLICATION], capture_output=True, text=True, check=True, timeout=60
    )

    assert "pydantic" not in json.loads(done.stdout)


MACOS = """
import importlib, os, pkgutil, sys

# What comes from elsewhere is imported first: it is built for the platform that the tests run on.
BUILT = ("asyncpg", "granian.server", "litestar", "piccolo.engine", "pyreqwest", "urllib.request", "uvloop")
for name in BUILT:
    importlib.import_module(name)
importlib.import_module("redis.asyncio")
sys.platform = "darwin"
for name in ("fdatasync", "posix_fallocate", "memfd_create", "sched_setaffinity", "pidfd_open", "O_TMPFILE"):
    delattr(os, name) if hasattr(os, name) else None
import gateway
for module in pkgutil.walk_packages(gateway.__path__, "gateway."):
    importlib.import_module(module.name)
from gateway.spend.disk import sync_data
assert sync_data is os.fsync
"""


def test_every_module_can_be_imported_on_macos() -> None:
    done = subprocess.run(
        [sys.executable, "-c", MACOS], capture_output=True, text=True, check=False, timeout=120
    )

    assert done.returncode == 0, done.stderr
