"""The routes of teams and users, gathered."""

from litestar.handlers import HTTPRouteHandler

from gateway.manage import (
    model_requests,
    team_bulk,
    team_callbacks,
    team_keys,
    team_lists,
    team_members,
    team_settings,
    teams,
    user_bulk,
    user_changes,
    user_lists,
    users,
)

__all__ = ["ROUTE_HANDLERS"]

ROUTE_HANDLERS: tuple[HTTPRouteHandler, ...] = (
    *teams.ROUTE_HANDLERS,
    *team_lists.ROUTE_HANDLERS,
    *team_members.ROUTE_HANDLERS,
    *team_bulk.ROUTE_HANDLERS,
    *team_keys.ROUTE_HANDLERS,
    *team_callbacks.ROUTE_HANDLERS,
    *team_settings.ROUTE_HANDLERS,
    *users.ROUTE_HANDLERS,
    *user_lists.ROUTE_HANDLERS,
    *user_changes.ROUTE_HANDLERS,
    *user_bulk.ROUTE_HANDLERS,
    *model_requests.ROUTE_HANDLERS,
)
