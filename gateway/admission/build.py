"""Builds the ledger that a configuration asks for: of one process, or shared through Redis."""

from collections.abc import Callable
from importlib import import_module
from typing import cast

from gateway.admission.periods import Calendar
from gateway.admission.sharing import Sharing
from gateway.clock import Clock
from gateway.db.engine import Database
from gateway.settings import Settings

__all__ = ["build_sharing"]

_Build = Callable[[str, Settings, Clock, Database, Calendar, str], Sharing]


def build_sharing(
    settings: Settings, clock: Clock, database: Database, calendar: Calendar, worker: str
) -> Sharing | None:
    """What shares limits with other workers, where there is a Redis to share them in."""
    url = settings.environment.redis_url
    if url is None:
        return None
    # A gateway without Redis does not pay for its client: 0.2 s and 15 MB.
    build = cast("_Build", import_module("gateway.admission.shared.build").RedisSharing)
    return build(url.reveal(), settings, clock, database, calendar, worker)
