"""What the gateway answers itself, so that no pass-through is declared over it."""

from gateway.catalog.own_paths import OwnPaths
from gateway.composition.routes import ROUTES
from gateway.http.description.document import inference_paths
from gateway.http.inference import MOUNTS

__all__ = ["OWN_PATHS"]

OWN_PATHS = OwnPaths(
    sorted(
        {path for handler in ROUTES for path in handler.paths if not path.startswith("/{")}
        | {path for path, _ in inference_paths()}
    ),
    MOUNTS,
)
"""The paths of all routes; those that begin with any name leave to others what is not theirs."""
