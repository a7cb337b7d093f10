"""The routes that clients of MCP call themselves: to register, and for tokens."""

from collections.abc import Sequence
from typing import Any

import msgspec
from litestar import Request, Response, post
from litestar.di import NamedDependency
from litestar.handlers import HTTPRouteHandler

from gateway.access.rules import RouteRule
from gateway.domain import Principal
from gateway.identity.grants.authorizing import read_resource
from gateway.identity.grants.build import Grants
from gateway.identity.grants.clients import Registration
from gateway.identity.grants.minting import mint_key
from gateway.identity.grants.refusals import OAuthRefusal
from gateway.identity.login.build import Logins
from gateway.manage.browsers import mcp_base_of
from gateway.manage.login import head_of
from gateway.manage.oauth_answers import OAUTH_ERRORS, oauth_answer, read_fields
from gateway.permits.permit import allow
from gateway.permits.terms import Action, Party, Resource
from gateway.runtime import Gateway

__all__ = ["ROUTE_HANDLERS", "grant", "open_route", "register_client"]

_ANYBODY = allow(Resource.MCP_CREDENTIAL, Action.CREATE, Party.ANYBODY)
_LONGEST = 16 * 1024
_decode = msgspec.json.Decoder(Registration).decode
_Request = Request[Any, Any, Any]
_Gateway = NamedDependency[Gateway]
_Grants = NamedDependency[Grants]
_Logins = NamedDependency[Logins]


def open_route(path: str, body: type[msgspec.Struct] | None = None) -> dict[str, Any]:
    """What is said of a route that clients call without a key."""
    rule = RouteRule(name=path, permit=_ANYBODY, body=body)
    return {"opt": {"rule": rule}, "exception_handlers": OAUTH_ERRORS}


@post("/register", status_code=201, **open_route("/register", Registration))
async def register(request: _Request, gateway: _Gateway, grants: _Grants) -> Response[bytes]:
    """Register a client of MCP (RFC 7591)."""
    return await register_client(request, gateway, grants)


async def register_client(request: _Request, gateway: Gateway, grants: Grants) -> Response[bytes]:
    """Register a client, under whichever path it asks. Raises OAuthRefusal."""
    gateway.snapshot.core.gate.authenticate(head_of(request))
    data = await request.body()
    try:
        registration = _decode(data) if len(data) <= _LONGEST else None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        registration = None
    if registration is None:
        message = "Expected a JSON object with 'redirect_uris', of 16 KiB at most."
        raise OAuthRefusal("invalid_client_metadata", message)
    return oauth_answer(grants.clients.register(registration), 201)


@post("/token", status_code=200, **open_route("/token"))
async def grant_tokens(
    request: _Request, gateway: _Gateway, grants: _Grants, logins: _Logins
) -> Response[bytes]:
    """Give a client tokens, for a code or in the place of others."""
    return await grant(request, gateway, grants, logins)


async def grant(
    request: _Request,
    gateway: Gateway,
    grants: Grants,
    logins: Logins,
    places: Sequence[str] = (),
    issuer: str = "",
) -> Response[bytes]:
    """Give a client tokens, under whichever path it asks; for `places` only, if any are named.

    They are the `issuer`'s, the usual one unless its path is named. Raises OAuthRefusal.
    """
    gateway.snapshot.core.gate.authenticate(head_of(request))
    fields = await read_fields(request)
    client = await grants.clients.find(fields.get("client_id", ""))
    grants.clients.check_secret(client, fields.get("client_secret", ""))
    said = fields.get("resource")
    allowed = None if said is None else (read_resource(said, mcp_base_of(gateway, logins, request)),)
    if places:
        allowed = [place for place in places if allowed is None or place in allowed]
    kind, signing = fields.get("grant_type"), gateway.snapshot.core.signing
    mint = mint_key
    if signing is not None:
        mint = signing.mint_for(mcp_base_of(gateway, logins, request), issuer)
    if kind == "authorization_code":
        return oauth_answer(await grants.granting.redeem(client, fields, allowed, mint))
    if kind == "refresh_token":
        token = fields.get("refresh_token", "")
        return oauth_answer(await grants.granting.refresh(client, token, allowed, mint))
    message = "'grant_type' is 'authorization_code' or 'refresh_token'."
    raise OAuthRefusal("unsupported_grant_type", message)


@post("/revoke", status_code=200, **open_route("/revoke"))
async def revoke_token(request: _Request, gateway: _Gateway, grants: _Grants) -> Response[bytes]:
    """Take back what a token was granted for (RFC 7009); whoever has it may."""
    gateway.snapshot.core.gate.authenticate(head_of(request))
    fields = await read_fields(request)
    await grants.granting.revoke(fields.get("token", ""))
    return oauth_answer({})


@post(
    "/introspect",
    status_code=200,
    opt={
        "rule": RouteRule(
            name="/introspect",
            permit=allow(Resource.MCP_CREDENTIAL, Action.READ, Party.CALLER),
            allows_any_key=True,
        )
    },
    exception_handlers=OAUTH_ERRORS,
)
async def introspect_token(
    request: _Request, caller: NamedDependency[Principal], grants: _Grants
) -> Response[bytes]:
    """Tell an administrator, or its user, what an access token is (RFC 7662)."""
    fields = await read_fields(request)
    return oauth_answer(await grants.granting.introspect(fields.get("token", ""), caller))


ROUTE_HANDLERS: tuple[HTTPRouteHandler, ...] = (register, grant_tokens, revoke_token, introspect_token)
