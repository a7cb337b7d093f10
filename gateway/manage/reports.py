"""All routes of reports, costs and health checks, for the composition root."""

from litestar.handlers import HTTPRouteHandler

from gateway.manage import (
    costs,
    daily_activity,
    global_activity,
    global_spend,
    health,
    model_insights,
    model_metrics,
    spend_capture,
    spend_facets,
    spend_pages,
    spend_reports,
    tag_users,
)

__all__ = ["ROUTE_HANDLERS"]

ROUTE_HANDLERS: tuple[HTTPRouteHandler, ...] = (
    *daily_activity.ROUTE_HANDLERS,
    *global_spend.ROUTE_HANDLERS,
    *global_activity.ROUTE_HANDLERS,
    *spend_reports.ROUTE_HANDLERS,
    *spend_capture.ROUTE_HANDLERS,
    *spend_pages.ROUTE_HANDLERS,
    *spend_facets.ROUTE_HANDLERS,
    *costs.ROUTE_HANDLERS,
    *tag_users.ROUTE_HANDLERS,
    *model_insights.ROUTE_HANDLERS,
    *model_metrics.ROUTE_HANDLERS,
    *health.ROUTE_HANDLERS,
)
