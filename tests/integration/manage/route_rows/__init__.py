"""Every route that is no list and no report, in an order in which each finds what it asks for."""

from tests.integration.manage.asked import Asked
from tests.integration.manage.route_rows import (
    gateway,
    guardrails,
    keys,
    models,
    people,
    scim,
    servers,
    settings,
)

__all__ = ["ROWS"]

ROWS: tuple[Asked, ...] = (
    *people.ARRIVALS,
    *keys.ROWS,
    *scim.ROWS,
    *models.ROWS,
    *guardrails.ROWS,
    *servers.ROWS,
    *gateway.ROWS,
    *settings.ROWS,
    *people.DEPARTURES,
)
