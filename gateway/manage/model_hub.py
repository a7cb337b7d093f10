"""The routes of the public list of models."""

from typing import Any, cast

import msgspec
from litestar import Request, Response, get, post
from litestar.di import NamedDependency
from litestar.handlers import HTTPRouteHandler

from gateway.access.rules import RouteRule
from gateway.domain import Principal
from gateway.errors import BadRequest, ValidationFailed
from gateway.identity.rights import actor_of
from gateway.inventory.model_groups import build_groups
from gateway.inventory.services import Inventory
from gateway.inventory.ui.flags import NO_PUBLIC_HUB
from gateway.manage.answers import Answer, answer
from gateway.manage.body import BodyReader
from gateway.manage.stored_settings import refuse_unread
from gateway.permits.permit import ALL, Permit, allow
from gateway.permits.terms import Action, Party, Resource
from gateway.runtime import Gateway
from gateway.wire.faults import fault_at

__all__ = ["FOR_ANYBODY", "ROUTE_HANDLERS", "list_public", "public_names"]

_SECTION, _PUBLIC_NAMES, _LINKS = "litellm_settings", "public_model_groups", "public_model_groups_links"
_MOST_NAMES, _LONGEST_LINK = 2_000, 2_048


class PublicModelsRequest(msgspec.Struct, frozen=True, kw_only=True):
    """`POST /model_group/make_public`: all names that are public from now on."""

    model_groups: list[str]


class LinksRequest(msgspec.Struct, frozen=True, kw_only=True):
    """`POST /model_hub/update_useful_links`: addresses by their titles."""

    useful_links: dict[str, str]


_MAKE_PUBLIC = BodyReader(PublicModelsRequest)
_SET_LINKS = BodyReader(LinksRequest)
_Request = Request[Any, Any, Any]
_Caller = NamedDependency[Principal]
_Gateway = NamedDependency[Gateway]
_Inventory = NamedDependency[Inventory]
FOR_ANYBODY = Permit(resource=Resource.MODEL, action=Action.READ, fields={Party.ANYBODY: ALL})


@post(
    "/model_group/make_public",
    status_code=200,
    opt={
        "rule": RouteRule(
            name="/model_group/make_public",
            permit=allow(Resource.MODEL, Action.UPDATE),
            body=PublicModelsRequest,
        )
    },
)
async def make_public(request: _Request, caller: _Caller, gateway: _Gateway, inventory: _Inventory) -> Answer:
    """Say which models everybody may see in the public list; the others are in it no more."""
    refuse_unread(gateway)
    body = await _MAKE_PUBLIC.read_from(request)
    names = list(dict.fromkeys(body.value.model_groups))
    known = {*gateway.snapshot.catalog.names(), *gateway.snapshot.catalog.wildcard_names()}
    unknown = next((name for name in names[:_MOST_NAMES] if name not in known), None)
    if unknown is not None or len(names) > _MOST_NAMES:
        message = f"'{(unknown or '')[:200]}' is no model that everybody may ask for."
        raise BadRequest(message, param="model_groups", type="bad_request_error")
    await inventory.config.set_noted(caller, _SECTION, _PUBLIC_NAMES, names)
    message = "Successfully updated public model groups"
    return answer({"message": message, _PUBLIC_NAMES: names, "updated_by": actor_of(caller)}, body)


@post(
    "/model_hub/update_useful_links",
    status_code=200,
    opt={
        "rule": RouteRule(
            name="/model_hub/update_useful_links",
            permit=allow(Resource.MODEL, Action.UPDATE),
            body=LinksRequest,
        )
    },
)
async def set_links(request: _Request, caller: _Caller, gateway: _Gateway, inventory: _Inventory) -> Answer:
    """Set the links beside the public list."""
    refuse_unread(gateway)
    body = await _SET_LINKS.read_from(request)
    links = body.value.useful_links
    for title, address in links.items():
        if not address.startswith(("https://", "http://")) or len(address) > _LONGEST_LINK:
            place, message = ["body", "useful_links", title[:100]], "Must begin with https:// or http://."
            raise ValidationFailed(message, details={"detail": [fault_at(place, message)]})
    await inventory.config.set_noted(caller, _SECTION, _LINKS, links)
    message = "Successfully updated useful links"
    return answer({"message": message, "useful_links": links, "updated_by": actor_of(caller)}, body)


@get(
    "/public/model_hub",
    opt={"rule": RouteRule(name="/public/model_hub", permit=FOR_ANYBODY, closed_by=NO_PUBLIC_HUB)},
)
async def show_public(gateway: _Gateway) -> Response[list[dict[str, object]]]:
    """Show the models that are public, with their prices and limits."""
    return Response(list_public(gateway))


@get(
    "/public/model_hub/info",
    opt={"rule": RouteRule(name="/public/model_hub/info", permit=FOR_ANYBODY, closed_by=NO_PUBLIC_HUB)},
)
async def show_public_info(gateway: _Gateway) -> dict[str, object]:
    """Show what stands beside the public list."""
    links = _noted(gateway, _LINKS)
    return {
        "docs_title": "Gatewright",
        "custom_docs_description": None,
        "litellm_version": None,
        "useful_links": links if isinstance(links, dict) else {},
    }


def list_public(gateway: Gateway) -> list[dict[str, object]]:
    """The models that are public, with their prices and limits, in the order of their names."""
    names, catalog = public_names(gateway), gateway.snapshot.catalog
    listed = (one for one in catalog.listings() if one.team_id is None and one.name in names)
    return build_groups(catalog, listed, gateway.clock.now_nanos(), names)


def public_names(gateway: Gateway) -> frozenset[str]:
    """The names that are public."""
    names = _noted(gateway, _PUBLIC_NAMES)
    return frozenset(map(str, cast("list[object]", names))) if isinstance(names, list) else frozenset()


def _noted(gateway: Gateway, name: str) -> object:
    return gateway.parts.added.current.overlay.get(_SECTION, {}).get(name)


ROUTE_HANDLERS: tuple[HTTPRouteHandler, ...] = (make_public, set_links, show_public, show_public_info)
