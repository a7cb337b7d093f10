"""Brings what this worker has recorded into the database, before a report reads it."""

import structlog

from gateway.runtime import Gateway

__all__ = ["bring_up_to_date"]

_log = structlog.get_logger(__name__)


async def bring_up_to_date(gateway: Gateway) -> None:
    """Move what this worker has recorded to the database, so that a caller sees the request just made.

    A journal that cannot be read takes nothing away from the rows that are in the database. Raises
    DatabaseUnavailable.
    """
    try:
        await gateway.parts.drain.flush()
    except OSError as error:
        _log.warning("reports_may_lag", reason=str(error))
