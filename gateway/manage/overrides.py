"""The routes of secret managers: HashiCorp Vault and CyberArk Conjur."""

from typing import Any

import msgspec
from litestar import Request, delete, get, post
from litestar.di import NamedDependency
from litestar.handlers import HTTPRouteHandler

from gateway.access.rules import RouteRule
from gateway.domain import Principal
from gateway.errors import ConfigError, ServiceUnavailable
from gateway.inventory.overrides.fields import describe_manager, show_manager
from gateway.inventory.overrides.request import ConjurRequest, VaultRequest
from gateway.inventory.services import Inventory
from gateway.manage.answers import Answer, answer
from gateway.manage.body import BodyReader, ReadBody
from gateway.manage.stored_settings import refuse_unread
from gateway.permits.permit import allow
from gateway.permits.terms import Action, Resource
from gateway.runtime import Gateway
from gateway.settings.secret_managers import CYBERARK, VAULT
from gateway.upstream.secrets.lookups import build_manager

__all__ = ["ROUTE_HANDLERS"]

_VAULT_BODY = BodyReader(VaultRequest)
_CONJUR_BODY = BodyReader(ConjurRequest)
_Request = Request[Any, Any, Any]
_Caller = NamedDependency[Principal]
_Gateway = NamedDependency[Gateway]
_Inventory = NamedDependency[Inventory]
_VAULT, _CONJUR = f"/config_overrides/{VAULT}", f"/config_overrides/{CYBERARK}"
_TITLES = {VAULT: "HashiCorp Vault", CYBERARK: "CyberArk"}
_SUCCESS = "success"


def _rule(path: str, action: Action, body: type[msgspec.Struct] | None = None) -> dict[str, RouteRule]:
    return {"rule": RouteRule(name=path, permit=allow(Resource.CONFIG, action), body=body)}


@get(_VAULT, opt=_rule(_VAULT, Action.READ))
async def show_vault(inventory: _Inventory) -> dict[str, object]:
    """Show where secrets are read in Vault, without secrets."""
    return await _show(inventory, VAULT)


@get(_CONJUR, opt=_rule(_CONJUR, Action.READ))
async def show_conjur(inventory: _Inventory) -> dict[str, object]:
    """Show where secrets are read in Conjur, without secrets."""
    return await _show(inventory, CYBERARK)


@post(_VAULT, status_code=200, opt=_rule(_VAULT, Action.UPDATE, VaultRequest))
async def update_vault(
    request: _Request, caller: _Caller, gateway: _Gateway, inventory: _Inventory
) -> Answer:
    """Read secrets in Vault, from the next second on, on every worker."""
    body = await _VAULT_BODY.read_from(request)
    return await _update(caller, gateway, inventory, VAULT, body)


@post(_CONJUR, status_code=200, opt=_rule(_CONJUR, Action.UPDATE, ConjurRequest))
async def update_conjur(
    request: _Request, caller: _Caller, gateway: _Gateway, inventory: _Inventory
) -> Answer:
    """Read secrets in Conjur, from the next second on, on every worker."""
    body = await _CONJUR_BODY.read_from(request)
    return await _update(caller, gateway, inventory, CYBERARK, body)


@delete(_VAULT, status_code=200, opt=_rule(_VAULT, Action.DELETE))
async def delete_vault(caller: _Caller, inventory: _Inventory) -> dict[str, str]:
    """Read no secrets in Vault any more."""
    return await _delete(caller, inventory, VAULT)


@delete(_CONJUR, status_code=200, opt=_rule(_CONJUR, Action.DELETE))
async def delete_conjur(caller: _Caller, inventory: _Inventory) -> dict[str, str]:
    """Read no secrets in Conjur any more."""
    return await _delete(caller, inventory, CYBERARK)


@post(f"{_VAULT}/test_connection", status_code=200, opt=_rule(f"{_VAULT}/test_connection", Action.RUN))
async def try_vault(gateway: _Gateway, inventory: _Inventory) -> dict[str, str]:
    """Find out whether Vault lets this gateway in."""
    return await _try(gateway, inventory, VAULT)


@post(f"{_CONJUR}/test_connection", status_code=200, opt=_rule(f"{_CONJUR}/test_connection", Action.RUN))
async def try_conjur(gateway: _Gateway, inventory: _Inventory) -> dict[str, str]:
    """Find out whether Conjur lets this gateway in."""
    return await _try(gateway, inventory, CYBERARK)


async def _show(inventory: Inventory, kind: str) -> dict[str, object]:
    values = show_manager(kind, await inventory.overrides.stored(kind))
    return {"config_type": kind, "values": values, "field_schema": describe_manager(kind)}


async def _update(
    caller: Principal, gateway: Gateway, inventory: Inventory, kind: str, body: ReadBody[Any]
) -> Answer:
    refuse_unread(gateway)
    fetcher = gateway.parts.clients.fetcher
    await inventory.overrides.update(
        caller, kind, body.sent, lambda members: build_manager(kind, members, fetcher)
    )
    message = f"{_TITLES[kind]} configuration updated successfully"
    return answer({"message": message, "status": _SUCCESS}, body)


async def _delete(caller: Principal, inventory: Inventory, kind: str) -> dict[str, str]:
    await inventory.overrides.delete(caller, kind)
    return {"message": f"{_TITLES[kind]} configuration deleted successfully", "status": _SUCCESS}


async def _try(gateway: Gateway, inventory: Inventory, kind: str) -> dict[str, str]:
    """What keeps the gateway out is told, with no address."""
    stored = await inventory.overrides.stored(kind)
    if not stored:
        return {"status": "error", "message": f"There are no settings of '{kind}'."}
    try:
        await build_manager(kind, stored, gateway.parts.clients.fetcher).check()
    except (ConfigError, ServiceUnavailable) as error:
        return {"status": "error", "message": error.message}
    return {"status": _SUCCESS, "message": f"Successfully connected to {_TITLES[kind]}"}


ROUTE_HANDLERS: tuple[HTTPRouteHandler, ...] = (
    show_vault,
    show_conjur,
    update_vault,
    update_conjur,
    delete_vault,
    delete_conjur,
    try_vault,
    try_conjur,
)
