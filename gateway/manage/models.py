"""The routes that make, change, block and delete models."""

from collections.abc import Mapping
from typing import Any

from litestar import Request, patch, post
from litestar.di import NamedDependency
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath

from gateway.access.rules import RouteRule
from gateway.domain import Principal
from gateway.errors import BadRequest, GatewayError
from gateway.inventory.models.permits import CHANGE_MODEL, DELETE_MODEL, MAKE_MODEL
from gateway.inventory.models.request import (
    BlockModelRequest,
    DeleteModelRequest,
    NewModelRequest,
    UpdateModelRequest,
)
from gateway.inventory.services import Inventory
from gateway.inventory.ui.flags import NO_MODELS, refuse_to_others
from gateway.manage.answers import Answer, answer
from gateway.manage.body import BodyReader, ReadBody
from gateway.manage.trials import trial_of
from gateway.permits.permit import allow
from gateway.permits.terms import Action, Resource
from gateway.runtime import Gateway
from gateway.settings.references import list_references

__all__ = ["ROUTE_HANDLERS"]

_NEW = BodyReader(NewModelRequest)
_UPDATE = BodyReader(UpdateModelRequest)
_BLOCK = BodyReader(BlockModelRequest)
_DELETE = BodyReader(DeleteModelRequest)
_Request = Request[Any, Any, Any]
_Caller = NamedDependency[Principal]
_Gateway = NamedDependency[Gateway]
_Inventory = NamedDependency[Inventory]


@post(
    "/model/new",
    status_code=200,
    opt={
        "rule": RouteRule(
            name="/model/new",
            permit=MAKE_MODEL,
            allows_any_key=True,
            body=NewModelRequest,
        )
    },
)
async def make_model(request: _Request, caller: _Caller, gateway: _Gateway, inventory: _Inventory) -> Answer:
    """Store a model, which is served within a second."""
    _check_is_enabled(gateway)
    refuse_to_others(gateway.parts.added.current.ui, NO_MODELS, caller)
    body = await _NEW.read_from(request)
    await _learn(gateway, caller, body.value.litellm_params)
    return answer(await inventory.models.create(caller, body.value, trial_of(gateway)), body)


@post(
    "/model/update",
    status_code=200,
    opt={
        "rule": RouteRule(
            name="/model/update",
            permit=CHANGE_MODEL,
            allows_any_key=True,
            body=UpdateModelRequest,
        )
    },
)
async def update_model(
    request: _Request, caller: _Caller, gateway: _Gateway, inventory: _Inventory
) -> Answer:
    """Change what is sent of the model that `model_info.id` names."""
    body = await _read_update(request, gateway)
    await _learn(gateway, caller, body.value.litellm_params)
    model_id = (body.value.model_info or {}).get("id")
    if not isinstance(model_id, str) or not model_id:
        message = "Name the model to change in model_info.id."
        raise BadRequest(message, param="model_info.id", type="bad_request_error")
    return answer(await inventory.models.update(caller, model_id, body.value, trial_of(gateway)), body)


@patch(
    "/model/{model_id:str}/update",
    status_code=200,
    opt={
        "rule": RouteRule(
            name="/model/{model_id}/update",
            permit=CHANGE_MODEL,
            allows_any_key=True,
            body=UpdateModelRequest,
        )
    },
)
async def patch_model(
    request: _Request, caller: _Caller, gateway: _Gateway, inventory: _Inventory, model_id: FromPath[str]
) -> Answer:
    """Change what is sent of a model; null takes a member away."""
    body = await _read_update(request, gateway)
    await _learn(gateway, caller, body.value.litellm_params)
    return answer(await inventory.models.update(caller, model_id, body.value, trial_of(gateway)), body)


@post(
    "/model/delete",
    status_code=200,
    opt={
        "rule": RouteRule(
            name="/model/delete",
            permit=DELETE_MODEL,
            allows_any_key=True,
            body=DeleteModelRequest,
        )
    },
)
async def delete_model(
    request: _Request, caller: _Caller, gateway: _Gateway, inventory: _Inventory
) -> Answer:
    """Delete a model."""
    _check_is_enabled(gateway)
    body = await _DELETE.read_from(request)
    return answer(await inventory.models.delete(caller, body.value.id), body)


@post(
    "/model/block",
    status_code=200,
    opt={
        "rule": RouteRule(
            name="/model/block", permit=allow(Resource.MODEL, Action.BLOCK), body=BlockModelRequest
        )
    },
)
async def block_model(request: _Request, caller: _Caller, gateway: _Gateway, inventory: _Inventory) -> Answer:
    """Stop serving a model."""
    return await _set_blocked(request, caller, gateway, inventory, is_blocked=True)


@post(
    "/model/unblock",
    status_code=200,
    opt={
        "rule": RouteRule(
            name="/model/unblock", permit=allow(Resource.MODEL, Action.BLOCK), body=BlockModelRequest
        )
    },
)
async def unblock_model(
    request: _Request, caller: _Caller, gateway: _Gateway, inventory: _Inventory
) -> Answer:
    """Serve a model again."""
    return await _set_blocked(request, caller, gateway, inventory, is_blocked=False)


async def _set_blocked(
    request: _Request, caller: Principal, gateway: Gateway, inventory: Inventory, *, is_blocked: bool
) -> Answer:
    _check_is_enabled(gateway)
    body = await _BLOCK.read_from(request)
    model_id, trial = body.value.model_id, trial_of(gateway)
    return answer(await inventory.models.set_blocked(caller, model_id, trial, is_blocked=is_blocked), body)


async def _read_update(request: _Request, gateway: Gateway) -> ReadBody[UpdateModelRequest]:
    _check_is_enabled(gateway)
    return await _UPDATE.read_from(request)


async def _learn(gateway: Gateway, caller: Principal, params: Mapping[str, object] | None) -> None:
    """Have the secrets that an operator's model refers to; a tenant's refers to none."""
    if caller.is_admin and params:
        await gateway.parts.added.learn(list_references(params))


def _check_is_enabled(gateway: Gateway) -> None:
    """The contract answers 500 where the operator keeps models in the configuration only."""
    if not gateway.snapshot.settings.general.store_model_in_db:
        raise GatewayError(
            "Models are not stored in the database: general_settings.store_model_in_db is false."
        )


ROUTE_HANDLERS: tuple[HTTPRouteHandler, ...] = (
    make_model,
    update_model,
    patch_model,
    delete_model,
    block_model,
    unblock_model,
)
