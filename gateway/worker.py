"""What the server imports in each worker process: a factory without arguments, fed by the environment."""

import ctypes
import os
import signal
import sys
from typing import cast

from gateway.app import create_app
from gateway.errors import StartupError
from gateway.http.root_path import under_root_path
from gateway.logs import configure_logs
from gateway.settings import load_settings
from gateway.settings.handover import read_handover
from gateway.wire.asgi import App

__all__ = ["build"]

_PR_SET_PDEATHSIG = 1


def build() -> App:
    """Build the application of this worker from what `gatewright serve` handed over.

    Ends the process with one sentence when settings or plugins cannot be served.
    """
    _end_with_parent()
    try:
        return _build()
    except StartupError as error:
        # The sentence says what to mend; a traceback would bury it.
        sys.stderr.write(f"gatewright: {error.message}\n")
        sys.exit(1)


def _build() -> App:
    handover = read_handover(os.environ)
    settings = load_settings(handover.config_path, os.environ, handover.flags)
    configure_logs(is_json=settings.environment.is_log_json)
    return under_root_path(
        cast("App", create_app(settings, os.environ, handover)), settings.environment.server_root_path
    )


def _end_with_parent() -> None:
    """Stop when the supervising process is killed: it owns the listening address and perhaps the database."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
