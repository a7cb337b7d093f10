"""The routes that give a virtual key another secret, or set what it has spent."""

from typing import Any

import msgspec
from litestar import Request, post
from litestar.di import NamedDependency
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath, FromQuery

from gateway.access.rules import RouteRule
from gateway.domain import Principal, Role
from gateway.identity.credentials import hash_of
from gateway.identity.keys.permits import ROTATE_KEY
from gateway.identity.keys.request import RegenerateKeyRequest
from gateway.inventory.ui.flags import refuse_chosen
from gateway.inventory.ui.letters import KEY_ROTATED
from gateway.manage.answers import Answer, answer
from gateway.manage.body import BodyReader, is_strict
from gateway.manage.letters import check_server, mail_key
from gateway.manage.master_rotation import rotate_master
from gateway.permits.permit import allow
from gateway.permits.terms import Action, Party, Resource
from gateway.runtime import Gateway

__all__ = ["ROUTE_HANDLERS"]


class ResetSpendRequest(msgspec.Struct):
    """`reset_to` is USD."""

    reset_to: float


_MANAGERS = frozenset({Role.INTERNAL_USER, Role.ORG_ADMIN})
_REGENERATE = BodyReader(RegenerateKeyRequest)
_RESET = BodyReader(ResetSpendRequest)
_NOTHING = b"{}"
_Request = Request[Any, Any, Any]
_Caller = NamedDependency[Principal]
_Gateway = NamedDependency[Gateway]


@post(
    "/key/regenerate",
    status_code=200,
    opt={
        "rule": RouteRule(
            name="/key/regenerate", permit=ROTATE_KEY, roles=_MANAGERS, body=RegenerateKeyRequest
        )
    },
)
async def regenerate_key(
    request: _Request, caller: _Caller, gateway: _Gateway, key: FromQuery[str | None] = None
) -> Answer:
    """Give a key a new secret: the one that query or body name, else the caller's own."""
    return await _regenerate(request, caller, gateway, key)


@post(
    "/key/{key:str}/regenerate",
    status_code=200,
    opt={
        "rule": RouteRule(
            name="/key/{key}/regenerate", permit=ROTATE_KEY, roles=_MANAGERS, body=RegenerateKeyRequest
        )
    },
)
async def regenerate_named_key(
    request: _Request, caller: _Caller, gateway: _Gateway, key: FromPath[str]
) -> Answer:
    """Give a key, named plain or by its hash, a new secret."""
    return await _regenerate(request, caller, gateway, key)


@post(
    "/key/{key:str}/reset_spend",
    status_code=200,
    opt={
        "rule": RouteRule(
            name="/key/{key}/reset_spend",
            permit=allow(Resource.KEY, Action.UPDATE, Party.ORGANIZATION_ADMIN, Party.TEAM_ADMIN),
            roles=_MANAGERS,
            body=ResetSpendRequest,
        )
    },
)
async def reset_key(request: _Request, caller: _Caller, gateway: _Gateway, key: FromPath[str]) -> Answer:
    """Set the spend of a key, given plain or as its hash, down to an amount."""
    body = await _RESET.read_from(request)
    parts, token = gateway.parts, hash_of(key)
    await parts.management.key_control.check_may_reset(caller, token)
    await parts.drain.flush()
    reset = await parts.corrections.reset_key(token, body.value.reset_to, caller)
    return answer(reset, body)


async def _regenerate(request: _Request, caller: Principal, gateway: Gateway, named: str | None) -> Answer:
    body = _REGENERATE.read(await request.body() or _NOTHING, refuses_unknown=is_strict(request.headers))
    parts = gateway.parts
    if body.value.new_master_key is not None:
        master = body.value.new_master_key
        return answer(await rotate_master(caller, gateway, named or body.value.key, master), body)
    refuse_chosen(parts.added.current.ui, "new_key", body.value.new_key)
    # What was charged to the old hash is booked before it is the old one; the rest follows by itself.
    await parts.drain.flush()
    if body.value.send_invite_email:
        check_server(gateway, KEY_ROTATED)
    rotation = parts.management.key_rotation
    made = await rotation.regenerate(caller, named or body.value.key, body.sent)
    if body.value.send_invite_email:
        await mail_key(gateway, made)
    return answer(made, body)


ROUTE_HANDLERS: tuple[HTTPRouteHandler, ...] = (regenerate_key, regenerate_named_key, reset_key)
