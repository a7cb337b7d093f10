"""The routes of credentials."""

from collections.abc import Mapping
from typing import Any

from litestar import Request, delete, get, patch, post
from litestar.di import NamedDependency
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath, FromQuery

from gateway.access.rules import RouteRule
from gateway.domain import Principal
from gateway.inventory.credentials.request import NewCredentialRequest, UpdateCredentialRequest
from gateway.inventory.services import Inventory
from gateway.manage.answers import Answer, answer
from gateway.manage.body import BodyReader
from gateway.manage.stored_settings import refuse_unread
from gateway.permits.permit import allow
from gateway.permits.terms import Action, Resource
from gateway.runtime import Gateway
from gateway.settings import Credential

__all__ = ["ROUTE_HANDLERS"]

_MOST = 10_000
_KEYS = "/jwks"
_NEW = BodyReader(NewCredentialRequest)
_UPDATE = BodyReader(UpdateCredentialRequest)
_SEE = allow(Resource.CREDENTIAL, Action.READ)
_Request = Request[Any, Any, Any]
_Caller = NamedDependency[Principal]
_Gateway = NamedDependency[Gateway]
_Inventory = NamedDependency[Inventory]


@get("/credentials", opt={"rule": RouteRule(name="/credentials", permit=_SEE)})
async def list_credentials(gateway: _Gateway, inventory: _Inventory) -> dict[str, Any]:
    """List the credentials of configuration and database, masked."""
    return await inventory.credentials.list_all(_configured(gateway), _MOST)


@post(
    "/credentials",
    status_code=200,
    opt={
        "rule": RouteRule(
            name="/credentials", permit=allow(Resource.CREDENTIAL, Action.CREATE), body=NewCredentialRequest
        )
    },
)
async def make_credential(
    request: _Request, caller: _Caller, gateway: _Gateway, inventory: _Inventory
) -> Answer:
    """Store a credential."""
    refuse_unread(gateway)
    body = await _NEW.read_from(request)
    return answer(await inventory.credentials.create(caller, body.value), body)


@get(
    "/credentials/by_name/{credential_name:path}",
    opt={"rule": RouteRule(name="/credentials/by_name/{credential_name}", permit=_SEE)},
)
async def show_credential(
    gateway: _Gateway, inventory: _Inventory, credential_name: FromPath[str]
) -> dict[str, Any]:
    """Show a credential, masked."""
    return await inventory.credentials.find(credential_name.removeprefix("/"), _configured(gateway))


@get(
    "/credentials/by_model/{model_id:path}",
    opt={"rule": RouteRule(name="/credentials/by_model/{model_id}", permit=_SEE)},
)
async def show_credential_of_model(inventory: _Inventory, model_id: FromPath[str]) -> dict[str, Any]:
    """Show the credential that a model of the database carries itself, masked."""
    return await inventory.credentials.find_of_model(model_id.removeprefix("/"))


@get(
    "/credentials/{credential_name:path}",
    opt={"rule": RouteRule(name="/credentials/{credential_name}", permit=_SEE)},
)
async def show_credential_or_keys(
    gateway: _Gateway, inventory: _Inventory, credential_name: FromPath[str]
) -> dict[str, Any]:
    """Show a credential, masked; with `/jwks` behind its name the public halves of its private keys."""
    name, configured = credential_name.removeprefix("/"), _configured(gateway)
    if name.endswith(_KEYS):
        return await inventory.credentials.list_public_keys(name.removesuffix(_KEYS), configured)
    return await inventory.credentials.find(name, configured)


@patch(
    "/credentials/{credential_name:path}",
    status_code=200,
    opt={
        "rule": RouteRule(
            name="/credentials/{credential_name}",
            permit=allow(Resource.CREDENTIAL, Action.UPDATE),
            body=UpdateCredentialRequest,
        )
    },
)
async def update_credential(
    request: _Request,
    caller: _Caller,
    gateway: _Gateway,
    inventory: _Inventory,
    credential_name: FromPath[str],
) -> Answer:
    """Change what is sent of a credential."""
    refuse_unread(gateway)
    body = await _UPDATE.read_from(request)
    name = credential_name.removeprefix("/")
    return answer(await inventory.credentials.update(caller, name, body.value), body)


@delete(
    "/credentials/{credential_name:path}",
    status_code=200,
    opt={
        "rule": RouteRule(
            name="/credentials/{credential_name}", permit=allow(Resource.CREDENTIAL, Action.DELETE)
        )
    },
)
async def delete_credential(
    caller: _Caller, inventory: _Inventory, credential_name: FromPath[str]
) -> dict[str, Any]:
    """Delete a credential."""
    return await inventory.credentials.delete(caller, credential_name.removeprefix("/"))


@get(
    "/credentials/migrate-encryption/check",
    opt={"rule": RouteRule(name="/credentials/migrate-encryption/check", permit=_SEE)},
)
async def check_encryption(inventory: _Inventory) -> dict[str, Any]:
    """Say how the secrets of the database are encrypted, and which cannot be read."""
    return {"status": "success", "report": await inventory.rotation.report()}


@post(
    "/credentials/migrate-encryption",
    status_code=200,
    opt={
        "rule": RouteRule(
            name="/credentials/migrate-encryption", permit=allow(Resource.CREDENTIAL, Action.RUN)
        )
    },
)
async def migrate_encryption(
    caller: _Caller,
    inventory: _Inventory,
    dry_run: FromQuery[bool] = False,  # noqa: FBT002  a query parameter
) -> dict[str, Any]:
    """Encrypt every secret of the database anew, in the one format that is written."""
    rotation = inventory.rotation
    report = await rotation.report() if dry_run else await rotation.renew(caller)
    return {"status": "success", "dry_run": dry_run, "report": report}


def _configured(gateway: Gateway) -> Mapping[str, Credential]:
    return gateway.snapshot.settings.credentials


ROUTE_HANDLERS: tuple[HTTPRouteHandler, ...] = (
    list_credentials,
    make_credential,
    show_credential,
    show_credential_of_model,
    show_credential_or_keys,
    update_credential,
    delete_credential,
    check_encryption,
    migrate_encryption,
)
