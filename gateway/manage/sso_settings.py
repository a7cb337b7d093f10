"""The routes of the settings of the identity provider."""

from typing import Any

from litestar import Request, get, patch
from litestar.di import NamedDependency
from litestar.handlers import HTTPRouteHandler

from gateway.access.rules import RouteRule
from gateway.domain import Principal
from gateway.inventory.services import Inventory
from gateway.inventory.sso.fields import describe_fields, find_sources, show_values
from gateway.inventory.sso.request import SsoRequest
from gateway.manage.answers import Answer, answer
from gateway.manage.body import BodyReader
from gateway.manage.stored_settings import refuse_unread
from gateway.permits.permit import allow
from gateway.permits.terms import Action, Resource
from gateway.runtime import Gateway

__all__ = ["ROUTE_HANDLERS"]

_SSO = BodyReader(SsoRequest)
_Request = Request[Any, Any, Any]
_Caller = NamedDependency[Principal]
_Gateway = NamedDependency[Gateway]
_Inventory = NamedDependency[Inventory]


@get(
    "/get/sso_settings",
    opt={"rule": RouteRule(name="/get/sso_settings", permit=allow(Resource.CONFIG, Action.READ))},
)
async def show_settings(gateway: _Gateway, inventory: _Inventory) -> dict[str, object]:
    """Show the settings of the identity provider, without secrets, and where each comes from."""
    stored, environ = await inventory.sso.stored(), gateway.parts.logins.provider.environ
    return {
        "values": show_values(stored, environ),
        "field_schema": describe_fields(),
        "provenance": find_sources(stored, environ),
    }


@patch(
    "/update/sso_settings",
    status_code=200,
    opt={
        "rule": RouteRule(
            name="/update/sso_settings", permit=allow(Resource.CONFIG, Action.UPDATE), body=SsoRequest
        )
    },
)
async def update_settings(
    request: _Request, caller: _Caller, gateway: _Gateway, inventory: _Inventory
) -> Answer:
    """Change where people log in, from the next second on, on every worker."""
    body = await _SSO.read_from(request)
    refuse_unread(gateway)
    provider = gateway.parts.logins.provider
    stored = await inventory.sso.update(caller, body.sent, provider.environ, provider.check)
    told = {"message": "SSO settings updated successfully", "status": "success"}
    return answer({**told, "settings": show_values(stored, provider.environ)}, body)


ROUTE_HANDLERS: tuple[HTTPRouteHandler, ...] = (show_settings, update_settings)
