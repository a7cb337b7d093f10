"""The routes of invitations, and of claiming one."""

from typing import Any

from litestar import Request, Response, get, post
from litestar.di import NamedDependency
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromQuery

from gateway.access.rules import RouteRule
from gateway.domain import Principal
from gateway.identity.invitations.request import (
    ClaimInvitation,
    DeleteInvitation,
    NewInvitation,
    UpdateInvitation,
)
from gateway.identity.login.build import Logins
from gateway.identity.rights import without_secrets
from gateway.manage.answers import Answer, answer
from gateway.manage.body import BodyReader
from gateway.manage.login import admit, is_secure
from gateway.manage.login_pages import keep_session
from gateway.permits.permit import allow
from gateway.permits.terms import Action, Party, Resource
from gateway.runtime import Gateway

__all__ = ["ROUTE_HANDLERS"]

_NEW = BodyReader(NewInvitation)
_UPDATE = BodyReader(UpdateInvitation)
_DELETE = BodyReader(DeleteInvitation)
_CLAIM = BodyReader(ClaimInvitation)
_Request = Request[Any, Any, Any]
_Gateway = NamedDependency[Gateway]
_Caller = NamedDependency[Principal]
_Logins = NamedDependency[Logins]
_ADMINISTRATOR = Party.ORGANIZATION_ADMIN


@post(
    "/invitation/new",
    status_code=200,
    opt={
        "rule": RouteRule(
            name="/invitation/new",
            permit=allow(Resource.INVITATION, Action.CREATE, _ADMINISTRATOR),
            allows_any_key=True,
            body=NewInvitation,
        )
    },
)
async def invite(request: _Request, caller: _Caller, logins: _Logins) -> Answer:
    """Invite a user to choose a password."""
    body = await _NEW.read_from(request)
    return answer(await logins.invitations.create(caller, body.value.user_id), body)


@get(
    "/invitation/info",
    opt={
        "rule": RouteRule(
            name="/invitation/info",
            permit=allow(Resource.INVITATION, Action.READ, _ADMINISTRATOR),
            allows_any_key=True,
        )
    },
)
async def show_invitation(
    caller: _Caller, logins: _Logins, invitation_id: FromQuery[str]
) -> Response[dict[str, Any]]:
    """Show an invitation."""
    return Response(await logins.invitations.info(caller, invitation_id))


@post(
    "/invitation/update",
    status_code=200,
    opt={
        "rule": RouteRule(
            name="/invitation/update",
            permit=allow(Resource.INVITATION, Action.UPDATE),
            body=UpdateInvitation,
        )
    },
)
async def change_invitation(request: _Request, caller: _Caller, logins: _Logins) -> Answer:
    """Mark an invitation as claimed, or as open."""
    body = await _UPDATE.read_from(request)
    wanted = body.value
    changed = await logins.invitations.update(caller, wanted.invitation_id, is_accepted=wanted.is_accepted)
    return answer(changed, body)


@post(
    "/invitation/delete",
    status_code=200,
    opt={
        "rule": RouteRule(
            name="/invitation/delete",
            permit=allow(Resource.INVITATION, Action.DELETE, _ADMINISTRATOR),
            allows_any_key=True,
            body=DeleteInvitation,
        )
    },
)
async def withdraw_invitation(request: _Request, caller: _Caller, logins: _Logins) -> Answer:
    """Withdraw an invitation."""
    body = await _DELETE.read_from(request)
    return answer(await logins.invitations.delete(caller, body.value.invitation_id), body)


@get(
    "/onboarding/get_token",
    opt={
        "rule": RouteRule(
            name="/onboarding/get_token", permit=allow(Resource.INVITATION, Action.READ, Party.ANYBODY)
        )
    },
)
async def open_invitation(
    request: _Request, gateway: _Gateway, logins: _Logins, invite_link: FromQuery[str]
) -> Response[dict[str, Any]]:
    """Tell whom an invitation is for."""
    admit(gateway, request)
    user, ticket = await logins.invitations.open(invite_link)
    told = {"login_url": _login_url(logins), "token": ticket, "user_email": user.get("user_email")}
    return Response(told, headers={"cache-control": "no-store"})


@post(
    "/onboarding/claim_token",
    status_code=200,
    opt={
        "rule": RouteRule(
            name="/onboarding/claim_token",
            permit=allow(Resource.INVITATION, Action.UPDATE, Party.ANYBODY),
            body=ClaimInvitation,
        )
    },
)
async def claim_invitation(request: _Request, gateway: _Gateway, logins: _Logins) -> Response[Any]:
    """Choose a password, and log in."""
    admit(gateway, request)
    body = await _CLAIM.read_from(request)
    claim = body.value
    user, session = await logins.invitations.claim(claim.invitation_link, claim.user_id, claim.password)
    told = {
        "login_url": _login_url(logins),
        "token": session.ticket,
        "user_email": user.get("user_email"),
        "user": without_secrets(user),
    }
    return keep_session(answer(told, body), session, is_secure=is_secure(logins))


def _login_url(logins: Logins) -> str:
    return f"{logins.base_url}/ui/"


ROUTE_HANDLERS: tuple[HTTPRouteHandler, ...] = (
    invite,
    show_invitation,
    change_invitation,
    withdraw_invitation,
    open_invitation,
    claim_invitation,
)
