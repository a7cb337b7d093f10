"""The route that changes many keys of a team."""

from collections.abc import Mapping
from typing import Any

import msgspec
from litestar import Request, post
from litestar.di import NamedDependency
from litestar.handlers import HTTPRouteHandler

from gateway.access.rules import RouteRule
from gateway.domain import Principal, Role
from gateway.identity.keys.request import UpdateKeyRequest
from gateway.identity.services import Services
from gateway.identity.teams.key_bulk import BulkTeamKeysRequest
from gateway.identity.teams.permits import CHANGE_TEAM_KEYS
from gateway.manage.answers import Answer, answer
from gateway.manage.body import BodyReader

__all__ = ["ROUTE_HANDLERS"]

_MANAGERS = frozenset({Role.INTERNAL_USER, Role.ORG_ADMIN})
_MANY = BodyReader(BulkTeamKeysRequest)
_FIELDS = BodyReader(UpdateKeyRequest)


@post(
    "/team/key/bulk_update",
    status_code=200,
    opt={
        "rule": RouteRule(
            name="/team/key/bulk_update", permit=CHANGE_TEAM_KEYS, roles=_MANAGERS, body=BulkTeamKeysRequest
        )
    },
)
async def update_team_keys(
    request: Request[Any, Any, Any],
    caller: NamedDependency[Principal],
    services: NamedDependency[Services],
) -> Answer:
    """Change many keys of a team, each by itself; the answer says which could not be changed."""
    body = await _MANY.read_from(request)
    sent = _changes_of(body.value)
    return answer(await services.people.team_keys.update(caller, body.value, sent), body)


def _changes_of(request: BulkTeamKeysRequest) -> Mapping[str, Any]:
    """The members of `update_fields` that were sent, read as `/key/update` reads them."""
    return _FIELDS.read(msgspec.json.encode(request.update_fields)).sent


ROUTE_HANDLERS: tuple[HTTPRouteHandler, ...] = (update_team_keys,)
