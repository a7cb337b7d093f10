"""The routes of policies and their versions."""

from typing import Any

from litestar import Request, Response, delete, get, post, put
from litestar.di import NamedDependency
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath, FromQuery

from gateway.access.rules import RouteRule
from gateway.domain import Principal
from gateway.inventory.policies.request import (
    NewPolicyRequest,
    NewVersionRequest,
    StatusRequest,
    UpdatePolicyRequest,
)
from gateway.inventory.policies.writing import Surroundings
from gateway.inventory.services import Inventory
from gateway.manage.answers import Answer, answer
from gateway.manage.body import BodyReader
from gateway.manage.paging import listed_in, page_of
from gateway.manage.parameters import need
from gateway.manage.stored_settings import refuse_unread
from gateway.permits.permit import allow
from gateway.permits.terms import Action, Resource
from gateway.runtime import Gateway

__all__ = ["ROUTE_HANDLERS", "surroundings_of"]

_NEW = BodyReader(NewPolicyRequest)
_UPDATE = BodyReader(UpdatePolicyRequest)
_VERSION = BodyReader(NewVersionRequest)
_STATUS = BodyReader(StatusRequest)
_ONE, _VERSIONS = "/policies/{policy_id}", "/policies/name/{policy_name}/versions"
_READ = allow(Resource.POLICY, Action.READ)
_Request = Request[Any, Any, Any]
_Caller = NamedDependency[Principal]
_Gateway = NamedDependency[Gateway]
_Inventory = NamedDependency[Inventory]


def surroundings_of(gateway: Gateway) -> Surroundings:
    """What the configuration and the running gateway have, beside the policies of the database."""
    guardrails = {item.entry.name for item in gateway.snapshot.core.guardrails}
    return Surroundings(gateway.snapshot.settings.policies, guardrails)


@post(
    "/policies",
    status_code=200,
    opt={
        "rule": RouteRule(
            name="/policies", permit=allow(Resource.POLICY, Action.CREATE), body=NewPolicyRequest
        )
    },
)
async def make_policy(request: _Request, caller: _Caller, gateway: _Gateway, inventory: _Inventory) -> Answer:
    """Make a policy; its first version is in production, and every worker follows it within a second."""
    refuse_unread(gateway)
    body = await _NEW.read_from(request)
    service = inventory.policies.policies
    return answer(await service.create(caller, body.value, surroundings_of(gateway)), body)


@get("/policies/list", opt={"rule": RouteRule(name="/policies/list", permit=_READ)})
async def list_policies(
    gateway: _Gateway,
    inventory: _Inventory,
    *,
    version_status: FromQuery[str | None] = None,
    after: FromQuery[str | None] = None,
    limit: FromQuery[int | None] = None,
) -> Response[dict[str, Any]]:
    """List versions of policies, those of the configuration first."""
    page, around = page_of(after, limit), surroundings_of(gateway)
    found, count = await inventory.policies.policies.list_all(version_status, page, around)
    return listed_in({"policies": found.rows, "total_count": count}, found)


@get("/policies/compare", opt={"rule": RouteRule(name="/policies/compare", permit=_READ)})
async def compare_versions(
    inventory: _Inventory,
    *,
    version_a: FromQuery[str | None] = None,
    version_b: FromQuery[str | None] = None,
) -> dict[str, Any]:
    """Show in what two versions differ."""
    first, second = need("version_a", version_a), need("version_b", version_b)
    return await inventory.policies.versions.compare(first, second)


@get(
    "/policies/name/{policy_name:str}/versions",
    opt={"rule": RouteRule(name=_VERSIONS, permit=_READ)},
)
async def list_versions(inventory: _Inventory, policy_name: FromPath[str]) -> dict[str, Any]:
    """List the versions of a policy, the newest first."""
    found = await inventory.policies.versions.list_all(policy_name)
    return {"policy_name": policy_name, "versions": found, "total_count": len(found)}


@post(
    "/policies/name/{policy_name:str}/versions",
    status_code=200,
    opt={
        "rule": RouteRule(
            name=_VERSIONS, permit=allow(Resource.POLICY, Action.CREATE), body=NewVersionRequest
        )
    },
)
async def make_version(
    request: _Request, caller: _Caller, inventory: _Inventory, policy_name: FromPath[str]
) -> Answer:
    """Make a draft as a copy of another version."""
    body = await _VERSION.read_from(request)
    source = body.value.source_policy_id
    return answer(await inventory.policies.versions.create(caller, policy_name, source), body)


@delete(
    "/policies/name/{policy_name:str}/all-versions",
    status_code=200,
    opt={
        "rule": RouteRule(
            name="/policies/name/{policy_name}/all-versions", permit=allow(Resource.POLICY, Action.DELETE)
        )
    },
)
async def delete_all_versions(
    caller: _Caller, gateway: _Gateway, inventory: _Inventory, policy_name: FromPath[str]
) -> dict[str, str]:
    """Delete a policy with all its versions and attachments."""
    around = surroundings_of(gateway)
    count = await inventory.policies.policies.delete_all(caller, policy_name, around)
    return {"message": f"All {count} versions of policy '{policy_name}' deleted."}


@get("/policies/{policy_id:str}", opt={"rule": RouteRule(name=_ONE, permit=_READ)})
async def show_policy(gateway: _Gateway, inventory: _Inventory, policy_id: FromPath[str]) -> dict[str, Any]:
    """Show a version of a policy."""
    return await inventory.policies.policies.find(policy_id, surroundings_of(gateway))


@get(
    "/policies/{policy_id:str}/resolved-guardrails",
    opt={"rule": RouteRule(name="/policies/{policy_id}/resolved-guardrails", permit=_READ)},
)
async def show_guardrails(
    gateway: _Gateway, inventory: _Inventory, policy_id: FromPath[str]
) -> dict[str, Any]:
    """Show the guardrails of a version, with those of its parents."""
    found = await inventory.policies.policies.resolve(policy_id, surroundings_of(gateway))
    return {
        "policy_id": policy_id,
        "policy_name": found.name,
        "resolved_guardrails": list(found.guardrails),
    }


@put(
    "/policies/{policy_id:str}",
    status_code=200,
    opt={
        "rule": RouteRule(name=_ONE, permit=allow(Resource.POLICY, Action.UPDATE), body=UpdatePolicyRequest)
    },
)
async def update_policy(
    request: _Request,
    caller: _Caller,
    gateway: _Gateway,
    inventory: _Inventory,
    policy_id: FromPath[str],
) -> Answer:
    """Change what is sent of a draft; null clears."""
    body = await _UPDATE.read_from(request)
    service = inventory.policies.policies
    return answer(await service.update(caller, policy_id, body.sent, surroundings_of(gateway)), body)


@put(
    "/policies/{policy_id:str}/status",
    status_code=200,
    opt={
        "rule": RouteRule(
            name="/policies/{policy_id}/status",
            permit=allow(Resource.POLICY, Action.UPDATE),
            body=StatusRequest,
        )
    },
)
async def set_status(
    request: _Request,
    caller: _Caller,
    gateway: _Gateway,
    inventory: _Inventory,
    policy_id: FromPath[str],
) -> Answer:
    """Publish a draft, or put a published version into production."""
    refuse_unread(gateway)
    body = await _STATUS.read_from(request)
    status, around = body.value.version_status, surroundings_of(gateway)
    return answer(await inventory.policies.versions.set_status(caller, policy_id, status, around), body)


@delete(
    "/policies/{policy_id:str}",
    status_code=200,
    opt={"rule": RouteRule(name=_ONE, permit=allow(Resource.POLICY, Action.DELETE))},
)
async def delete_policy(
    caller: _Caller, gateway: _Gateway, inventory: _Inventory, policy_id: FromPath[str]
) -> dict[str, str]:
    """Delete a version of a policy."""
    name = await inventory.policies.policies.delete(caller, policy_id, surroundings_of(gateway))
    return {"message": f"Policy {policy_id} deleted successfully", "policy_name": name}


ROUTE_HANDLERS: tuple[HTTPRouteHandler, ...] = (
    make_policy,
    list_policies,
    compare_versions,
    list_versions,
    make_version,
    delete_all_versions,
    show_policy,
    show_guardrails,
    update_policy,
    set_status,
    delete_policy,
)
