"""The routes that change many users, and delete them."""

from collections.abc import Mapping
from typing import Any

import msgspec
from litestar import Request, post
from litestar.di import NamedDependency
from litestar.handlers import HTTPRouteHandler

from gateway.access.rules import RouteRule
from gateway.domain import Principal, Role
from gateway.errors import BadRequest, DatabaseUnavailable, GatewayError, PermissionDenied
from gateway.identity.named_ids import MOST_NAMED
from gateway.identity.services import Services
from gateway.identity.users.permits import CHANGE_USERS
from gateway.identity.users.request import BulkUpdateUsersRequest, DeleteUsersRequest, UpdateUserRequest
from gateway.manage.answers import Answer, answer
from gateway.manage.body import BodyReader
from gateway.manage.raw_errors import RAW_ERRORS, raw_errors
from gateway.permits.permit import allow
from gateway.permits.terms import Action, Party, Resource

__all__ = ["ROUTE_HANDLERS"]

_ORGANIZERS = frozenset({Role.INTERNAL_USER, Role.ORG_ADMIN})
_DELETE = BodyReader(DeleteUsersRequest)
_BULK = BodyReader(BulkUpdateUsersRequest)
_UPDATE = BodyReader(UpdateUserRequest)
_Request = Request[Any, Any, Any]
_Caller = NamedDependency[Principal]
_Services = NamedDependency[Services]
_Result = dict[str, Any]


@post(
    "/user/delete",
    status_code=200,
    exception_handlers=RAW_ERRORS,
    opt={
        "rule": RouteRule(
            name="/user/delete",
            permit=allow(Resource.USER, Action.DELETE, Party.ORGANIZATION_ADMIN),
            roles=_ORGANIZERS,
            body=DeleteUsersRequest,
        )
    },
)
async def delete_users(request: _Request, caller: _Caller, services: _Services) -> Answer:
    """Delete users with their keys, memberships and invitations; answers how many."""
    body = await _DELETE.read_from(request)
    with raw_errors():
        return answer(await services.people.user_removal.delete(caller, body.value.user_ids), body)


@post(
    "/user/bulk_update",
    status_code=200,
    exception_handlers=RAW_ERRORS,
    opt={
        "rule": RouteRule(
            name="/user/bulk_update", permit=CHANGE_USERS, roles=_ORGANIZERS, body=BulkUpdateUsersRequest
        )
    },
)
async def update_users(request: _Request, caller: _Caller, services: _Services) -> Answer:
    """Change many users, each by itself: what is wrong with one does not stop the others."""
    body = await _BULK.read_from(request)
    with raw_errors():
        if not caller.is_admin:
            raise PermissionDenied("Only proxy admins change many users.")
        items = await _items_of(services, body.value)
        results = [await _update(caller, services, item) for item in items]
    done = sum(result["success"] for result in results)
    counts = {"successful_updates": done, "failed_updates": len(results) - done}
    return answer({"results": results, "total_requested": len(results), **counts}, body)


async def _items_of(services: Services, request: BulkUpdateUsersRequest) -> list[dict[str, msgspec.Raw]]:
    """The changes, each with whom it is about; raises BadRequest for none, too many, or both forms."""
    if request.all_users and request.user_updates is not None and request.users is None:
        ids = await services.people.user_lists.first_ids(MOST_NAMED + 1)
        items = [
            {**request.user_updates, "user_id": msgspec.Raw(msgspec.json.encode(user_id))} for user_id in ids
        ]
    elif request.users is not None and not request.all_users and request.user_updates is None:
        items = request.users
    else:
        raise _refuse("users", "send either users, or all_users with user_updates.")
    if not 1 <= len(items) <= MOST_NAMED:
        raise _refuse("users", f"between 1 and {MOST_NAMED} users can be changed at once.")
    return items


async def _update(caller: Principal, services: Services, item: Mapping[str, msgspec.Raw]) -> _Result:
    named: dict[str, Any] = {"user_id": None, "user_email": None}
    try:
        sent = _UPDATE.read(msgspec.json.encode(item)).sent
        named |= {name: sent[name] for name in named if name in sent}
        updated = await services.users.update(caller, sent)
    except DatabaseUnavailable:
        raise
    except GatewayError as error:
        return {**named, "success": False, "error": error.message, "updated_user": None}
    row = updated["data"]
    names = {"user_id": row["user_id"], "user_email": row["user_email"]}
    return {**names, "success": True, "error": None, "updated_user": row}


def _refuse(path: str, message: str) -> BadRequest:
    return BadRequest(f"{path}: {message}", param=path, type="bad_request_error")


ROUTE_HANDLERS: tuple[HTTPRouteHandler, ...] = (delete_users, update_users)
