"""The routes of the audit trail."""

from typing import Any

from litestar import Request, get
from litestar.di import NamedDependency
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath

from gateway.access.rules import RouteRule
from gateway.audit.query import AuditQuery
from gateway.domain import Principal, Role
from gateway.manage.query import QueryReader
from gateway.permits.permit import allow
from gateway.permits.terms import Action, Party, Resource
from gateway.runtime import Gateway

__all__ = ["ROUTE_HANDLERS"]

# An organization's administrator is an internal user elsewhere: the reading looks at the organizations.
_ORGANIZERS = frozenset({Role.INTERNAL_USER, Role.ORG_ADMIN})
_QUERY = QueryReader(AuditQuery)
_Caller = NamedDependency[Principal]
_Gateway = NamedDependency[Gateway]
_Content = dict[str, Any]


@get(
    "/audit",
    opt={
        "rule": RouteRule(
            name="/audit",
            permit=allow(Resource.AUDIT, Action.READ, Party.ORGANIZATION_ADMIN),
            roles=_ORGANIZERS,
            query=AuditQuery,
        )
    },
)
async def list_entries(request: Request[Any, Any, Any], caller: _Caller, gateway: _Gateway) -> _Content:
    """List who changed what, page by page, the newest first."""
    return await gateway.parts.audit_reading.list_entries(caller, _QUERY.read(request))


@get(
    "/audit/{entry_id:str}",
    opt={
        "rule": RouteRule(
            name="/audit/{id}",
            permit=allow(Resource.AUDIT, Action.READ, Party.ORGANIZATION_ADMIN),
            roles=_ORGANIZERS,
        )
    },
)
async def show_entry(entry_id: FromPath[str], caller: _Caller, gateway: _Gateway) -> _Content:
    """Show one change, with the row before and after."""
    return await gateway.parts.audit_reading.get_entry(caller, entry_id)


ROUTE_HANDLERS: tuple[HTTPRouteHandler, ...] = (list_entries, show_entry)
