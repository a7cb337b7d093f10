"""The application of a worker process, fed by the environment."""

import ctypes
import gc
import os
import signal
import sys

from gateway.app import create_app
from gateway.errors import StartupError
from gateway.http.entrance import Entrance, build_entrance
from gateway.logs import configure_logs
from gateway.settings import load_settings
from gateway.settings.handover import EXPLAINED, read_handover

__all__ = ["build"]

_PR_SET_PDEATHSIG = 1
_COLLECTOR_THRESHOLDS = (50_000, 20, 50)


def build() -> Entrance:
    """Build the application of this worker from what `gatewright serve` handed over.

    Ends the process with one sentence when settings or plugins cannot be served.
    """
    _end_with_parent()
    try:
        return _build()
    except StartupError as error:
        _give_up(error)
        raise


def _build() -> Entrance:
    handover = read_handover(os.environ)
    settings = load_settings(handover.config_path, os.environ, handover.flags)
    configure_logs(is_json=settings.environment.is_log_json)
    app = create_app(settings, os.environ, handover, give_up=_give_up)
    _spare_collector()
    return build_entrance(app, settings)


def _give_up(error: StartupError) -> None:
    """End the process with the sentence that says what to mend; a traceback would bury it.

    Nothing is recorded yet, so that nothing has to be closed; the server would print more on its way out.
    """
    sys.stderr.write(f"gatewright: {error.message}\n")
    sys.stderr.flush()
    os._exit(EXPLAINED)


def _spare_collector() -> None:
    """Keep what lives as long as the process out of the garbage collector's rounds, and make these rarer.

    A request leaves almost no cycles; looking for them every 700 objects costs a twentieth of it.
    """
    gc.collect()
    gc.freeze()
    gc.enable()
    gc.set_threshold(*_COLLECTOR_THRESHOLDS)


def _end_with_parent() -> None:
    """Stop when the supervising process is killed: it owns the listening address and perhaps the database."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
