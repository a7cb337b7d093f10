"""All routes of reports, for the composition root."""

from litestar.handlers import HTTPRouteHandler

from gateway.manage import daily_activity, global_activity, global_spend, spend_pages, spend_reports

__all__ = ["ROUTE_HANDLERS"]

ROUTE_HANDLERS: tuple[HTTPRouteHandler, ...] = (
    *daily_activity.ROUTE_HANDLERS,
    *global_spend.ROUTE_HANDLERS,
    *global_activity.ROUTE_HANDLERS,
    *spend_reports.ROUTE_HANDLERS,
    *spend_pages.ROUTE_HANDLERS,
)
