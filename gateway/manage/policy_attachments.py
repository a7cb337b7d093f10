"""The routes of attachments: which requests have a policy."""

from typing import Any

from litestar import Request, Response, delete, get, post
from litestar.di import NamedDependency
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath, FromQuery

from gateway.access.rules import RouteRule
from gateway.domain import Principal, Role
from gateway.inventory.policies.request import AttachmentRequest
from gateway.inventory.services import Inventory
from gateway.manage.answers import Answer, answer
from gateway.manage.body import BodyReader
from gateway.manage.paging import listed_in, page_of
from gateway.manage.policies import surroundings_of
from gateway.manage.stored_settings import refuse_unread
from gateway.permits.permit import allow
from gateway.permits.terms import Action, Party, Resource
from gateway.runtime import Gateway

__all__ = ["ROUTE_HANDLERS"]

_BODY = BodyReader(AttachmentRequest)
_ONE = "/policies/attachments/{attachment_id}"
_OVERSEERS = frozenset({Role.PROXY_ADMIN, Role.PROXY_ADMIN_VIEWER})
_Request = Request[Any, Any, Any]
_Caller = NamedDependency[Principal]
_Gateway = NamedDependency[Gateway]
_Inventory = NamedDependency[Inventory]


@post(
    "/policies/attachments",
    status_code=200,
    opt={
        "rule": RouteRule(
            name="/policies/attachments",
            permit=allow(Resource.POLICY, Action.CREATE),
            body=AttachmentRequest,
        )
    },
)
async def make_attachment(
    request: _Request, caller: _Caller, gateway: _Gateway, inventory: _Inventory
) -> Answer:
    """Say where a policy applies."""
    refuse_unread(gateway)
    body = await _BODY.read_from(request)
    service = inventory.policies.attachments
    return answer(await service.create(caller, body.value, surroundings_of(gateway)), body)


@post(
    "/policies/attachments/estimate-impact",
    status_code=200,
    opt={
        "rule": RouteRule(
            name="/policies/attachments/estimate-impact",
            permit=allow(Resource.POLICY, Action.RUN),
            body=AttachmentRequest,
        )
    },
)
async def estimate_impact(request: _Request, inventory: _Inventory) -> Answer:
    """Count the keys and teams that an attachment would concern."""
    body = await _BODY.read_from(request)
    return answer(await inventory.policies.attachments.estimate(body.value), body)


@get(
    "/policies/attachments/list",
    opt={
        "rule": RouteRule(
            name="/policies/attachments/list",
            permit=allow(Resource.POLICY, Action.READ, Party.ORGANIZATION_ADMIN),
            roles=frozenset({Role.ORG_ADMIN}),
        )
    },
)
async def list_attachments(
    caller: _Caller,
    gateway: _Gateway,
    inventory: _Inventory,
    *,
    after: FromQuery[str | None] = None,
    limit: FromQuery[int | None] = None,
) -> Response[dict[str, Any]]:
    """List attachments; who does not oversee the gateway sees those that name no teams and no keys."""
    page, configured = page_of(after, limit), gateway.snapshot.settings.policy_attachments
    shows_all = caller.role in _OVERSEERS
    service = inventory.policies.attachments
    found, count = await service.list_all(page, configured, shows_all=shows_all)
    return listed_in({"attachments": found.rows, "total_count": count}, found)


@get(
    "/policies/attachments/{attachment_id:str}",
    opt={"rule": RouteRule(name=_ONE, permit=allow(Resource.POLICY, Action.READ))},
)
async def show_attachment(inventory: _Inventory, attachment_id: FromPath[str]) -> dict[str, Any]:
    """Show an attachment."""
    return await inventory.policies.attachments.find(attachment_id)


@delete(
    "/policies/attachments/{attachment_id:str}",
    status_code=200,
    opt={"rule": RouteRule(name=_ONE, permit=allow(Resource.POLICY, Action.DELETE))},
)
async def delete_attachment(
    caller: _Caller, inventory: _Inventory, attachment_id: FromPath[str]
) -> dict[str, str]:
    """Take a policy off what an attachment covers."""
    await inventory.policies.attachments.delete(caller, attachment_id)
    return {"message": f"Attachment {attachment_id} deleted successfully"}


ROUTE_HANDLERS: tuple[HTTPRouteHandler, ...] = (
    make_attachment,
    estimate_impact,
    list_attachments,
    show_attachment,
    delete_attachment,
)
