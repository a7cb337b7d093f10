"""What the server imports first in each worker process; the rest follows when the application is built."""

import gc
import sys
from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    from gateway.http.entrance import Entrance

__all__ = ["build"]


def build() -> "Entrance":
    """Build the application of this worker; see `gateway.worker`, which has the collector back at work."""
    # Nothing that imports and routes leave behind is garbage.
    gc.disable()
    _import_structlog()
    return cast("Entrance", import_module("gateway.worker").build())


def _import_structlog() -> None:
    """Keep structlog from finding rich, which draws tracebacks that `gateway.logs` never has drawn.

    With what it brings along it takes 5 MB of each worker, and a tenth of a second of its start.
    """
    if "rich" in sys.modules or "structlog" in sys.modules:
        return
    modules = cast("dict[str, ModuleType | None]", sys.modules)
    # To the import system None says that there is no such module.
    modules["rich"] = None
    try:
        import_module("structlog")
    finally:
        del modules["rich"]
