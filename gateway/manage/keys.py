"""The routes of virtual keys."""

from typing import Any

import msgspec
from litestar import Request, Response, get, post
from litestar.di import NamedDependency
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromQuery

from gateway.access.rules import RouteRule
from gateway.domain import Principal, Role
from gateway.identity.keys.bulk import BulkUpdateRequest, update_keys
from gateway.identity.keys.permits import (
    BLOCK_KEY,
    CHANGE_KEY,
    CHANGE_KEYS,
    DELETE_KEY,
    MAKE_KEY,
    MAKE_SERVICE_ACCOUNT,
    SEE_KEY,
)
from gateway.identity.keys.request import (
    BlockKeyRequest,
    DeleteKeysRequest,
    GenerateKeyRequest,
    UpdateKeyRequest,
)
from gateway.identity.keys.service import KeyService
from gateway.identity.services import Services
from gateway.inventory.ui.flags import refuse_chosen
from gateway.manage.body import BodyReader, ReadBody
from gateway.manage.letters import check_can_mail, mail_key, no_user
from gateway.runtime import Gateway

__all__ = ["ROUTE_HANDLERS"]

_MANAGERS = frozenset({Role.INTERNAL_USER, Role.ORG_ADMIN})
_GENERATE = BodyReader(GenerateKeyRequest)
_UPDATE = BodyReader(UpdateKeyRequest)
_BULK = BodyReader(BulkUpdateRequest)
_DELETE = BodyReader(DeleteKeysRequest)
_BLOCK = BodyReader(BlockKeyRequest)
_Request = Request[Any, Any, Any]
_Caller = NamedDependency[Principal]
_Service = NamedDependency[KeyService]
_Services = NamedDependency[Services]
_Gateway = NamedDependency[Gateway]
_Answer = Response[dict[str, object]]


@post(
    "/key/generate",
    status_code=200,
    opt={"rule": RouteRule(name="/key/generate", permit=MAKE_KEY, roles=_MANAGERS, body=GenerateKeyRequest)},
)
async def generate_key(
    request: _Request, caller: _Caller, key_service: _Service, gateway: _Gateway
) -> _Answer:
    """Make a virtual key; its secret is shown in this answer only."""
    body = await _GENERATE.read_from(request)
    refuse_chosen(gateway.parts.added.current.ui, "key", body.value.key)
    if body.value.send_invite_email:
        await check_can_mail(gateway, caller, body.value.user_id)
    made = await key_service.generate(caller, body.value)
    if body.value.send_invite_email:
        await mail_key(gateway, made)
    return _answer(made, body)


@post(
    "/key/service-account/generate",
    status_code=200,
    opt={
        "rule": RouteRule(
            name="/key/service-account/generate",
            permit=MAKE_SERVICE_ACCOUNT,
            roles=_MANAGERS,
            body=GenerateKeyRequest,
        )
    },
)
async def generate_service_account(
    request: _Request, caller: _Caller, key_service: _Service, gateway: _Gateway
) -> _Answer:
    """Make a key of a team that belongs to no user."""
    body = await _GENERATE.read_from(request)
    refuse_chosen(gateway.parts.added.current.ui, "key", body.value.key)
    if body.value.user_id is not None:
        body = msgspec.structs.replace(body, ignored=(*body.ignored, "user_id"))
    if body.value.send_invite_email:
        raise no_user()
    return _answer(await key_service.generate_service_account(caller, body.value), body)


@post(
    "/key/update",
    status_code=200,
    opt={"rule": RouteRule(name="/key/update", permit=CHANGE_KEY, roles=_MANAGERS, body=UpdateKeyRequest)},
)
async def update_key(request: _Request, caller: _Caller, services: _Services) -> _Answer:
    """Change what is sent of a key; null clears."""
    body = await _UPDATE.read_from(request)
    return _answer(await services.key_updates.update(caller, body.sent), body)


@post(
    "/key/bulk_update",
    status_code=200,
    opt={
        "rule": RouteRule(
            name="/key/bulk_update", permit=CHANGE_KEYS, roles=_MANAGERS, body=BulkUpdateRequest
        )
    },
)
async def update_many_keys(request: _Request, caller: _Caller, services: _Services) -> _Answer:
    """Change many keys, each by itself; the answer says which could not be changed."""
    body = await _BULK.read_from(request)
    return _answer(await update_keys(services.key_updates, caller, body.value), body)


@get("/key/info", opt={"rule": RouteRule(name="/key/info", permit=SEE_KEY, allows_any_key=True)})
async def show_key(
    caller: _Caller, key_service: _Service, key: FromQuery[str | None] = None
) -> dict[str, object]:
    """Show a key without its secret; the caller's own by default."""
    return await key_service.info(caller, key or None)


@post(
    "/key/delete",
    status_code=200,
    opt={"rule": RouteRule(name="/key/delete", permit=DELETE_KEY, roles=_MANAGERS, body=DeleteKeysRequest)},
)
async def delete_keys(request: _Request, caller: _Caller, services: _Services) -> _Answer:
    """Delete keys, all or none."""
    body = await _DELETE.read_from(request)
    return _answer(await services.key_control.delete(caller, body.value), body)


@post(
    "/key/block",
    status_code=200,
    opt={"rule": RouteRule(name="/key/block", permit=BLOCK_KEY, roles=_MANAGERS, body=BlockKeyRequest)},
)
async def block_key(request: _Request, caller: _Caller, services: _Services) -> _Answer:
    """Block a key: it is refused until it is unblocked."""
    body = await _BLOCK.read_from(request)
    return _answer(await services.key_control.set_blocked(caller, body.value.key, is_blocked=True), body)


@post(
    "/key/unblock",
    status_code=200,
    opt={"rule": RouteRule(name="/key/unblock", permit=BLOCK_KEY, roles=_MANAGERS, body=BlockKeyRequest)},
)
async def unblock_key(request: _Request, caller: _Caller, services: _Services) -> _Answer:
    """Unblock a key."""
    body = await _BLOCK.read_from(request)
    return _answer(await services.key_control.set_blocked(caller, body.value.key, is_blocked=False), body)


def _answer(content: dict[str, object], body: ReadBody[Any]) -> _Answer:
    return Response(content, headers=body.headers)


ROUTE_HANDLERS: tuple[HTTPRouteHandler, ...] = (
    generate_key,
    generate_service_account,
    update_key,
    update_many_keys,
    show_key,
    delete_keys,
    block_key,
    unblock_key,
)
