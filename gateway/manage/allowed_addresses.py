"""The routes of the addresses that clients may come from."""

from ipaddress import ip_network
from typing import Any

import msgspec
from litestar import Request, get, post
from litestar.di import NamedDependency
from litestar.handlers import HTTPRouteHandler

from gateway.access.rules import RouteRule
from gateway.domain import Principal
from gateway.errors import BadRequest, NotFound
from gateway.inventory.config.fields import GENERAL
from gateway.inventory.config.service import Field
from gateway.inventory.services import Inventory
from gateway.manage.answers import Answer, answer
from gateway.manage.body import BodyReader
from gateway.manage.stored_settings import refuse_unread
from gateway.permits.permit import allow
from gateway.permits.terms import Action, Resource
from gateway.runtime import Gateway

__all__ = ["ROUTE_HANDLERS"]


class AddressRequest(msgspec.Struct, frozen=True, kw_only=True):
    """`POST /add/allowed_ip` and `/delete/allowed_ip`: an address or a network."""

    ip: str


_ADDRESS = BodyReader(AddressRequest)
_Request = Request[Any, Any, Any]
_Caller = NamedDependency[Principal]
_Gateway = NamedDependency[Gateway]
_Inventory = NamedDependency[Inventory]
_CHANGE = allow(Resource.CONFIG, Action.UPDATE)


@get(
    "/get/allowed_ips",
    opt={"rule": RouteRule(name="/get/allowed_ips", permit=allow(Resource.CONFIG, Action.READ))},
)
async def list_addresses(gateway: _Gateway) -> dict[str, list[str]]:
    """List the addresses that clients may come from; none means any."""
    return {"data": [_read(name) for name in gateway.snapshot.settings.access.allowed_ips]}


@post(
    "/add/allowed_ip",
    status_code=200,
    opt={"rule": RouteRule(name="/add/allowed_ip", permit=_CHANGE, body=AddressRequest)},
)
async def add_address(request: _Request, caller: _Caller, gateway: _Gateway, inventory: _Inventory) -> Answer:
    """Let clients come from an address. The first one closes the gateway to all others."""
    refuse_unread(gateway)
    body = await _ADDRESS.read_from(request)
    address = _read(body.value.ip)

    def add(names: list[str]) -> list[str]:
        return names if address in map(_read, names) else [*names, address]

    await inventory.config.edit(caller, _field(gateway), add, gateway.check_overlay)
    return answer({"message": f"IP {body.value.ip} address added successfully", "status": "success"}, body)


@post(
    "/delete/allowed_ip",
    status_code=200,
    opt={"rule": RouteRule(name="/delete/allowed_ip", permit=_CHANGE, body=AddressRequest)},
)
async def delete_address(
    request: _Request, caller: _Caller, gateway: _Gateway, inventory: _Inventory
) -> Answer:
    """Let clients come from an address no more. Without the last one they come from everywhere."""
    refuse_unread(gateway)
    body = await _ADDRESS.read_from(request)
    address = _read(body.value.ip)

    def remove(names: list[str]) -> list[str]:
        left = [name for name in names if _read(name) != address]
        if len(left) == len(names):
            raise NotFound(f"{address} is not among the allowed addresses.", param="ip")
        return left

    await inventory.config.edit(caller, _field(gateway), remove, gateway.check_overlay)
    return answer({"message": f"IP {body.value.ip} deleted successfully", "status": "success"}, body)


def _field(gateway: Gateway) -> Field:
    return Field(GENERAL, "allowed_ips", list(gateway.snapshot.settings.access.allowed_ips))


def _read(text: str) -> str:
    """The address as it is stored. Raises BadRequest for a text that is none."""
    try:
        return _plain(str(ip_network(text.strip(), strict=False)))
    except ValueError:
        message = f"'{text[:100]}' is no address or network."
        raise BadRequest(message, param="ip", type="bad_request_error") from None


def _plain(network: str) -> str:
    return network.removesuffix("/32") if "." in network else network.removesuffix("/128")


ROUTE_HANDLERS: tuple[HTTPRouteHandler, ...] = (list_addresses, add_address, delete_address)
