"""Opens the gateway when the server starts, and says in one sentence why it does not."""

import structlog

from gateway.errors import DatabaseUnavailable, StartupError
from gateway.runtime import Gateway

__all__ = ["open_gateway", "tell_model_notices"]

_log = structlog.get_logger(__name__)


async def open_gateway(gateway: Gateway) -> None:
    """Open everything; raises StartupError for whatever keeps the gateway from serving."""
    try:
        await gateway.open()
    except DatabaseUnavailable as error:
        address = gateway.parts.database.options.redacted
        reason = error.__cause__
        told = "" if reason is None else f": {str(reason) or type(reason).__name__}"
        raise StartupError(f"The database at {address} cannot be reached{told}.") from error
    except OSError as error:
        # The journal's folder: not writable, full, or not there.
        raise StartupError(f"The data directory cannot be used: {error}.") from error


def tell_model_notices(gateway: Gateway) -> None:
    """Log what the operator should know about the models: missing keys and prices, dead aliases."""
    for notice in gateway.snapshot.catalog.notices:
        _log.warning(f"{notice.path}: {notice.message}")
