"""The routes by which a directory learns what this SCIM provider can do."""

from typing import Any

from litestar import Request, get
from litestar.di import NamedDependency
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath

from gateway.access.rules import RouteRule
from gateway.domain import Principal
from gateway.errors import NotFound
from gateway.identity.login.build import Logins
from gateway.identity.scim.attributes import Document
from gateway.identity.scim.discovery import provider_config, resource_types, schemas
from gateway.identity.scim.permits import check_provisions, permit_for
from gateway.identity.scim.response import list_response
from gateway.manage.scim_answers import SCIM_ERRORS, ScimAnswer, scim_answer, scim_root
from gateway.permits.terms import Action

__all__ = ["ROUTE_HANDLERS"]

_READ = permit_for(Action.READ)
_Request = Request[Any, Any, Any]
_Caller = NamedDependency[Principal]
_Logins = NamedDependency[Logins]


def _route(path: str) -> dict[str, Any]:
    rule = RouteRule(name=path.replace(":str", ""), permit=_READ, allows_any_key=True)
    return {"path": path, "opt": {"rule": rule}, "exception_handlers": SCIM_ERRORS}


@get(**_route("/scim/v2"))
async def show_root(request: _Request, caller: _Caller, logins: _Logins) -> ScimAnswer:
    """Show the kinds of resources that there are."""
    check_provisions(caller, _READ)
    return _all(resource_types(scim_root(logins.base_url, request)))


@get(**_route("/scim/v2/ServiceProviderConfig"))
async def show_provider(request: _Request, caller: _Caller, logins: _Logins) -> ScimAnswer:
    """Show which features of SCIM there are."""
    check_provisions(caller, _READ)
    return scim_answer(provider_config(scim_root(logins.base_url, request)))


@get(**_route("/scim/v2/ResourceTypes"))
async def list_resource_types(request: _Request, caller: _Caller, logins: _Logins) -> ScimAnswer:
    """List the kinds of resources."""
    check_provisions(caller, _READ)
    return _all(resource_types(scim_root(logins.base_url, request)))


@get(**_route("/scim/v2/ResourceTypes/{resource_type_id:str}"))
async def show_resource_type(
    request: _Request, caller: _Caller, logins: _Logins, resource_type_id: FromPath[str]
) -> ScimAnswer:
    """Show a kind of resources."""
    check_provisions(caller, _READ)
    return _one(resource_types(scim_root(logins.base_url, request)), resource_type_id)


@get(**_route("/scim/v2/Schemas"))
async def list_schemas(request: _Request, caller: _Caller, logins: _Logins) -> ScimAnswer:
    """List the schemas with the attributes that are kept."""
    check_provisions(caller, _READ)
    return _all(schemas(scim_root(logins.base_url, request)))


@get(**_route("/scim/v2/Schemas/{schema_id:str}"))
async def show_schema(
    request: _Request, caller: _Caller, logins: _Logins, schema_id: FromPath[str]
) -> ScimAnswer:
    """Show a schema."""
    check_provisions(caller, _READ)
    return _one(schemas(scim_root(logins.base_url, request)), schema_id)


def _all(documents: dict[str, Document]) -> ScimAnswer:
    return scim_answer(list_response(len(documents), 1, list(documents.values())))


def _one(documents: dict[str, Document], name: str) -> ScimAnswer:
    found = documents.get(name)
    if found is None:
        raise NotFound(f"There is no {name[:200]}; there are: {', '.join(documents)}.")
    return scim_answer(found)


ROUTE_HANDLERS: tuple[HTTPRouteHandler, ...] = (
    show_root,
    show_provider,
    list_resource_types,
    show_resource_type,
    list_schemas,
    show_schema,
)
