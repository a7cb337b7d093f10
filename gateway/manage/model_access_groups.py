"""The routes of models' access groups."""

from typing import Any

from litestar import Request, Response, delete, get, post, put
from litestar.di import NamedDependency
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath

from gateway.access.rules import RouteRule
from gateway.domain import Principal
from gateway.errors import GatewayError
from gateway.inventory.access_groups.request import NewModelGroupRequest, UpdateModelGroupRequest
from gateway.inventory.access_groups.service import ConfiguredModel, configured_models
from gateway.inventory.services import Inventory
from gateway.manage.answers import Answer, answer
from gateway.manage.body import BodyReader
from gateway.manage.model_group_budgets import forget_budget, show_budget
from gateway.manage.raw_errors import RAW_ERRORS, raw_errors
from gateway.permits.permit import allow
from gateway.permits.terms import Action, Resource
from gateway.pipeline.place_budgets import list_group_budgets
from gateway.runtime import Gateway

__all__ = ["ROUTE_HANDLERS"]

_NEW = BodyReader(NewModelGroupRequest)
_UPDATE = BodyReader(UpdateModelGroupRequest)
_Request = Request[Any, Any, Any]
_Caller = NamedDependency[Principal]
_Gateway = NamedDependency[Gateway]
_Inventory = NamedDependency[Inventory]
_Shown = Response[dict[str, Any]]


@post(
    "/access_group/new",
    status_code=200,
    opt={
        "rule": RouteRule(
            name="/access_group/new",
            permit=allow(Resource.ACCESS_GROUP, Action.CREATE),
            body=NewModelGroupRequest,
        )
    },
    exception_handlers=RAW_ERRORS,
)
async def make_group(request: _Request, caller: _Caller, gateway: _Gateway, inventory: _Inventory) -> Answer:
    """Make a group of models of the database."""
    body = await _NEW.read_from(request)
    with raw_errors():
        _check_is_enabled(gateway)
        group, models = body.value.access_group, _configured(gateway)
        return answer(await inventory.model_access_groups.create(caller, group, body.value, models), body)


@get(
    "/access_group/list",
    opt={"rule": RouteRule(name="/access_group/list", permit=allow(Resource.ACCESS_GROUP, Action.READ))},
    exception_handlers=RAW_ERRORS,
)
async def list_groups(gateway: _Gateway, inventory: _Inventory) -> _Shown:
    """List the groups of models, by name."""
    with raw_errors():
        found = await inventory.model_access_groups.list_all(_configured(gateway))
        standings = await list_group_budgets(gateway)
    groups = [{**one, **show_budget(standings.get(one["access_group"]))} for one in found["access_groups"]]
    return Response({"access_groups": groups})


@get(
    "/access_group/{access_group:str}/info",
    opt={
        "rule": RouteRule(
            name="/access_group/{access_group}/info", permit=allow(Resource.ACCESS_GROUP, Action.READ)
        )
    },
    exception_handlers=RAW_ERRORS,
)
async def show_group(gateway: _Gateway, inventory: _Inventory, access_group: FromPath[str]) -> _Shown:
    """Show a group of models."""
    with raw_errors():
        found = await inventory.model_access_groups.info(access_group, _configured(gateway))
        standing = (await list_group_budgets(gateway)).get(access_group)
    return Response({**found, **show_budget(standing)})


@put(
    "/access_group/{access_group:str}/update",
    opt={
        "rule": RouteRule(
            name="/access_group/{access_group}/update",
            permit=allow(Resource.ACCESS_GROUP, Action.UPDATE),
            body=UpdateModelGroupRequest,
        )
    },
    exception_handlers=RAW_ERRORS,
)
async def update_group(
    request: _Request, caller: _Caller, gateway: _Gateway, inventory: _Inventory, access_group: FromPath[str]
) -> Answer:
    """Let a group have exactly the models that are sent."""
    body = await _UPDATE.read_from(request)
    with raw_errors():
        _check_is_enabled(gateway)
        groups, models = inventory.model_access_groups, _configured(gateway)
        return answer(await groups.update(caller, access_group, body.value, models), body)


@delete(
    "/access_group/{access_group:str}/delete",
    status_code=200,
    opt={
        "rule": RouteRule(
            name="/access_group/{access_group}/delete", permit=allow(Resource.ACCESS_GROUP, Action.DELETE)
        )
    },
    exception_handlers=RAW_ERRORS,
)
async def delete_group(
    caller: _Caller, gateway: _Gateway, inventory: _Inventory, access_group: FromPath[str]
) -> _Shown:
    """Take a group from all models."""
    with raw_errors():
        _check_is_enabled(gateway)
        gone = await inventory.model_access_groups.delete(caller, access_group, _configured(gateway))
        if access_group in gateway.snapshot.settings.router.access_group_budgets:
            await forget_budget(caller, gateway, inventory, access_group)
    return Response(gone)


def _configured(gateway: Gateway) -> list[ConfiguredModel]:
    return configured_models(gateway.snapshot.catalog.listings())


def _check_is_enabled(gateway: Gateway) -> None:
    """The contract answers 500 where the operator keeps models in the configuration only."""
    if not gateway.snapshot.settings.general.store_model_in_db:
        message = "Models are not stored in the database: general_settings.store_model_in_db is false."
        raise GatewayError(message)


ROUTE_HANDLERS: tuple[HTTPRouteHandler, ...] = (
    make_group,
    list_groups,
    show_group,
    update_group,
    delete_group,
)
