"""The routes by which a person lets a client use an MCP server, and gives the credential that it wants."""

from typing import Any

import msgspec
from litestar import Request, Response, get, post
from litestar.di import NamedDependency
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromQuery
from litestar.response import Redirect

from gateway.access.rules import RouteRule
from gateway.domain import Principal
from gateway.errors import GatewayError
from gateway.identity.grants.authorizing import read_asked, read_resource
from gateway.identity.grants.build import Grants
from gateway.identity.grants.refusals import OAuthRefusal
from gateway.identity.login.build import Logins
from gateway.inventory.mcp.user_credentials import user_of
from gateway.inventory.services import Inventory
from gateway.manage.browsers import ask_to_log_in, find_session, mcp_base_of
from gateway.manage.login import admit, head_of
from gateway.manage.login_pages import message_page
from gateway.manage.mcp_surroundings import surroundings
from gateway.manage.oauth_answers import OAUTH_ERRORS, read_fields, read_once
from gateway.manage.oauth_authorize import AuthorizeQuery, path_of
from gateway.manage.oauth_pages import consent_page, credential_fields
from gateway.manage.oauth_tokens import grant, open_route
from gateway.permits.permit import allow
from gateway.permits.terms import Action, Party, Resource
from gateway.runtime import Gateway

__all__ = ["ROUTE_HANDLERS"]

_ISSUER = "/v1/mcp/oauth"
_AUTHORIZE, _TOKEN, _RESOURCE = f"{_ISSUER}/authorize", f"{_ISSUER}/token", f"{_ISSUER}/protected-resource"
_MOUNT = "/mcp"
_Request = Request[Any, Any, Any]
_Gateway = NamedDependency[Gateway]
_Grants = NamedDependency[Grants]
_Inventory = NamedDependency[Inventory]
_Logins = NamedDependency[Logins]


class CredentialQuery(AuthorizeQuery, frozen=True, kw_only=True):
    """What a client asks for; unless the `resource` is a server's, the `server_id` says for which."""

    server_id: str = ""


def _answer_refusal(request: _Request, error: GatewayError) -> Response[str]:
    """Tell the person."""
    del request
    return message_page(error.message, error.status)


_PAGES: dict[int | type[Exception], Any] = {GatewayError: _answer_refusal}


@get(
    _AUTHORIZE,
    opt={
        "rule": RouteRule(
            name=_AUTHORIZE,
            permit=allow(Resource.MCP_CREDENTIAL, Action.READ, Party.ANYBODY),
            query=CredentialQuery,
        )
    },
    exception_handlers=_PAGES,
)
async def ask_for_credential(
    request: _Request, gateway: _Gateway, grants: _Grants, inventory: _Inventory, logins: _Logins
) -> Response[Any]:
    """Ask a person for a credential, and whether a client may use the server; who is not known logs in."""
    admit(gateway, request)
    visitor = await find_session(gateway, request)
    if visitor is None:
        return ask_to_log_in(logins, path_of(request, _AUTHORIZE))
    # Parameters are read here, for `state` and `scope` are words of the framework's.
    query = read_once(list(request.query_params.multi_items()))
    client = await grants.clients.find(query.get("client_id", ""))
    base = mcp_base_of(gateway, logins, request)
    asked = read_asked(query, client, base)
    named = _name_in(asked.resource)
    server = await _find_server(gateway, inventory, visitor, named or query.get("server_id", ""))
    identifier, name = str(server["server_id"]), str(server["server_name"] or server["server_id"])
    if not named:
        asked = msgspec.structs.replace(asked, resource=f"/{name.replace(' ', '_')}{_MOUNT}")
    offer = await grants.authorizing.offer(asked, visitor)
    stored = await gateway.parts.mcp_stock.find_credential(user_of(visitor), identifier)
    fields = credential_fields(name, is_stored=stored is not None)
    return consent_page(base + _AUTHORIZE, offer, asked.redirect_uri, visitor.user_id or "", fields)


@post(
    _AUTHORIZE,
    status_code=200,
    opt={
        "rule": RouteRule(
            name=_AUTHORIZE, permit=allow(Resource.MCP_CREDENTIAL, Action.CREATE, Party.ANYBODY)
        )
    },
    exception_handlers=_PAGES,
)
async def take_credential(
    request: _Request, gateway: _Gateway, grants: _Grants, inventory: _Inventory, logins: _Logins
) -> Response[Any]:
    """Store the credential, and send the browser back to the client with what the person has said."""
    admit(gateway, request)
    visitor = await find_session(gateway, request)
    if visitor is None:
        raise OAuthRefusal("invalid_request", "You are not logged in any more. Begin it again.")
    fields = await read_fields(request)
    is_granted = fields.get("decision") == "grant"
    # First, for only who holds the page's secret was asked, and may answer.
    decision = await grants.authorizing.decide(
        fields.get("consent", ""),
        visitor,
        fields.get("team_id"),
        is_granted=is_granted,
    )
    credential = fields.get("api_key", "")
    if is_granted and credential:
        server = await _find_server(gateway, inventory, visitor, _name_in(decision.code.resource))
        identifier = str(server["server_id"])
        await inventory.mcp_credentials.save(visitor, identifier, credential, surroundings(gateway))
        gateway.parts.mcp_stock.forget_one(visitor.user_id, identifier)
    address = await grants.authorizing.answer(decision, mcp_base_of(gateway, logins, request), _ISSUER)
    return Redirect(address, status_code=303, headers={"cache-control": "no-store"})


@post(_TOKEN, status_code=200, **open_route(_TOKEN))
async def grant_tokens(
    request: _Request, gateway: _Gateway, grants: _Grants, logins: _Logins
) -> Response[bytes]:
    """Give a client tokens, as `/token` does."""
    return await grant(request, gateway, grants, logins, issuer=_ISSUER)


@get(
    _RESOURCE,
    opt={
        "rule": RouteRule(name=_RESOURCE, permit=allow(Resource.MCP_CREDENTIAL, Action.READ, Party.ANYBODY))
    },
    exception_handlers=OAUTH_ERRORS,
)
async def describe_resource(
    request: _Request, gateway: _Gateway, logins: _Logins, path: FromQuery[str] = _MOUNT
) -> dict[str, object]:
    """Say who grants tokens for the path of an MCP server, and asks for its credential (RFC 9728)."""
    gateway.snapshot.core.gate.authenticate(head_of(request))
    base = mcp_base_of(gateway, logins, request)
    return {
        "resource": base + read_resource(base + path, base),
        "authorization_servers": [base + _ISSUER],
        "scopes_supported": [],
        "bearer_methods_supported": ["header"],
    }


async def _find_server(
    gateway: Gateway, inventory: Inventory, visitor: Principal, name: str
) -> dict[str, Any]:
    """The server that asks users for credentials. Raises NotFound, BadRequest."""
    return await inventory.mcp_credentials.find_server(visitor, name, surroundings(gateway))


def _name_in(resource: str) -> str:
    """The name in `/{server}/mcp` or `/mcp/{server}`."""
    return resource.removeprefix(f"{_MOUNT}/").removesuffix(_MOUNT).strip("/")


ROUTE_HANDLERS: tuple[HTTPRouteHandler, ...] = (
    ask_for_credential,
    take_credential,
    grant_tokens,
    describe_resource,
)
