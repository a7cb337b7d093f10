"""The routes that map claims of tokens to virtual keys."""

from typing import Any

import msgspec
from litestar import Request, Response, get, post
from litestar.di import NamedDependency
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromQuery

from gateway.access.rules import RouteRule
from gateway.domain import Principal
from gateway.identity.services import Services
from gateway.identity.tokens.mappings.request import (
    DeleteMappingRequest,
    NewMappingRequest,
    UpdateMappingRequest,
)
from gateway.manage.answers import Answer, answer
from gateway.manage.body import BodyReader
from gateway.permits.permit import allow
from gateway.permits.terms import Action, Party, Resource

__all__ = ["ROUTE_HANDLERS"]

_NEW = BodyReader(NewMappingRequest)
_UPDATE = BodyReader(UpdateMappingRequest)
_DELETE = BodyReader(DeleteMappingRequest)
_Request = Request[Any, Any, Any]
_Caller = NamedDependency[Principal]
_Services = NamedDependency[Services]


def _rule(verb: str, action: Action, body: type[msgspec.Struct] | None = None) -> dict[str, RouteRule]:
    # Whether the key is one of an organization that the caller administers only the service knows.
    permit = allow(Resource.JWT_KEY_MAPPING, action, Party.ORGANIZATION_ADMIN)
    return {"rule": RouteRule(name=f"/jwt/key/mapping/{verb}", permit=permit, allows_any_key=True, body=body)}


@post("/jwt/key/mapping/new", status_code=200, opt=_rule("new", Action.CREATE, NewMappingRequest))
async def make_mapping(request: _Request, caller: _Caller, services: _Services) -> Answer:
    """Map a claim to a key."""
    body = await _NEW.read_from(request)
    return answer(await services.mappings.create(caller, body.value), body)


@post("/jwt/key/mapping/update", status_code=200, opt=_rule("update", Action.UPDATE, UpdateMappingRequest))
async def change_mapping(request: _Request, caller: _Caller, services: _Services) -> Answer:
    """Change a mapping, or switch it off."""
    body = await _UPDATE.read_from(request)
    return answer(await services.mappings.update(caller, body.sent), body)


@post("/jwt/key/mapping/delete", status_code=200, opt=_rule("delete", Action.DELETE, DeleteMappingRequest))
async def delete_mapping(request: _Request, caller: _Caller, services: _Services) -> Answer:
    """Remove a mapping."""
    body = await _DELETE.read_from(request)
    return answer(await services.mappings.delete(caller, body.value.id), body)


@get("/jwt/key/mapping/info", opt=_rule("info", Action.READ))
async def show_mapping(
    caller: _Caller,
    services: _Services,
    id: FromQuery[str],  # noqa: A002  the contract's name
) -> Response[dict[str, Any]]:
    """Show a mapping."""
    return Response(await services.mappings.info(caller, id))


@get("/jwt/key/mapping/list", opt=_rule("list", Action.READ))
async def list_mappings(
    caller: _Caller, services: _Services, page: FromQuery[int] = 1, size: FromQuery[int] = 50
) -> Response[dict[str, Any]]:
    """List mappings page by page, the latest first."""
    return Response(await services.mappings.list(caller, page, size))


ROUTE_HANDLERS: tuple[HTTPRouteHandler, ...] = (
    make_mapping,
    change_mapping,
    delete_mapping,
    show_mapping,
    list_mappings,
)
