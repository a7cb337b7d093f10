"""The rules of making, changing, showing and deleting credentials."""

from collections.abc import Mapping
from importlib import import_module
from typing import Any

from gateway.audit.changes import Audited, created, deleted, updated
from gateway.db.engine import Database
from gateway.db.rows import Columns
from gateway.db.sealing import Seal
from gateway.domain import Principal
from gateway.errors import BadRequest, Conflict, NotFound
from gateway.identity.faults import Faults
from gateway.identity.records import Records
from gateway.identity.rights import actor_of
from gateway.identity.values import check_text
from gateway.inventory.credentials.request import NewCredentialRequest, UpdateCredentialRequest
from gateway.inventory.credentials.store import CredentialRecords
from gateway.inventory.masking import mask_all
from gateway.inventory.models.store import ModelRecords
from gateway.inventory.notices import announce_models
from gateway.inventory.sealed import SealedMembers, merge_members
from gateway.settings import Credential

__all__ = ["CredentialService"]

_VALUES_OF_A_MODEL = frozenset(
    {
        *("api_key", "api_base", "base_url", "api_version", "organization", "azure_ad_token", "region_name"),
        *("client_id", "client_secret", "tenant_id"),
    }
)
_PUBLIC_KEYS = "gateway.inventory.credentials.public_keys"
_FAMILIES = ("aws_", "vertex_", "watsonx_", "azure_")
_LISTED = ("credential_name", "display_name", "credential_info", "credential_values", "source")
_Configured = Mapping[str, Credential]


class CredentialService:
    """Credentials on behalf of proxy admins; every change is one transaction that announces itself.

    All methods raise DatabaseUnavailable, BadRequest for values that cannot be, NotFound for what is not
    there. Values are masked in whatever is returned. `configured` are the credentials of the configuration.
    """

    def __init__(self, database: Database, records: Records, seal: Seal) -> None:
        self._database = database
        self._records = records
        self._credentials = CredentialRecords(database)
        self._models = ModelRecords(database)
        self._values = SealedMembers(seal, "credential_values")
        self._params = SealedMembers(seal, "litellm_params")

    async def create(self, caller: Principal, request: NewCredentialRequest) -> Columns:
        """Store a credential. Raises Conflict for a name that is taken."""
        name, actor = request.credential_name, actor_of(caller)
        _check_name(name)
        async with self._records.transaction():
            values = await self._sent_values(request.credential_values, request.model_id)
            if not values:
                message = "Give credential_values, or the model_id whose values they are."
                raise BadRequest(message, param="credential_values", type="bad_request_error")
            identifier = await self._credentials.add(name, actor)
            if identifier is None:
                raise Conflict(f"There is a credential named '{name[:200]}'.", param="credential_name")
            columns = {
                "credential_values": self._values.close(values),
                "credential_info": request.credential_info,
                "display_name": request.display_name,
            }
            made = await self._credentials.update(identifier, columns)
            await self._records.audit.record(caller, created(Audited.CREDENTIAL, name, self._masked(made)))
            await announce_models(self._database)
        return _said("created")

    async def update(self, caller: Principal, name: str, request: UpdateCredentialRequest) -> Columns:
        """Change what was sent; a value that is null, or in `credential_values_to_delete`, is taken away.

        A secret that is sent as it was shown, masked, stays.
        """
        async with self._records.transaction():
            row = await self._lock(name)
            stored: Mapping[str, Any] = row["credential_values"]
            sent = await self._sent_values(request.credential_values, request.model_id, keeps_nulls=True)
            sent |= dict.fromkeys(request.credential_values_to_delete or (), None)
            masked = mask_all(self._values.open_readable(stored))
            sent = {key: value for key, value in sent.items() if key not in masked or value != masked[key]}
            changes: dict[str, Any] = {
                "credential_values": merge_members(stored, self._values.close(sent)),
                "credential_info": merge_members(row["credential_info"] or {}, request.credential_info),
                "updated_by": actor_of(caller),
            }
            if request.display_name is not None:
                changes["display_name"] = request.display_name
            if request.credential_name is not None and request.credential_name != name:
                changes["credential_name"] = await self._free_name(request.credential_name)
            changed = await self._credentials.update(row["credential_id"], changes)
            change = updated(Audited.CREDENTIAL, name, self._masked(row), self._masked(changed))
            await self._records.audit.record(caller, change)
            await announce_models(self._database)
        return _said("updated")

    async def delete(self, caller: Principal, name: str) -> Columns:
        """Remove a credential; models that name it are served no more."""
        async with self._records.transaction():
            row = await self._lock(name)
            await self._credentials.delete(row["credential_id"])
            await self._records.audit.record(caller, deleted(Audited.CREDENTIAL, name, self._masked(row)))
            await announce_models(self._database)
        return _said("deleted")

    async def list_all(self, configured: _Configured, most: int) -> Columns:
        """The configuration's credentials and at most so many of the database."""
        rows = [self._masked(row) for row in await self._credentials.list_first(most)]
        named = {row["credential_name"] for row in rows}
        own = [_configured(one) for name, one in configured.items() if name not in named]
        return {"success": True, "credentials": [*own, *rows]}

    async def find(self, name: str, configured: _Configured) -> Columns:
        """One credential by its name, the database's before the configuration's."""
        row = await self._credentials.find_named(name)
        if row is not None:
            return self._masked(row)
        if name in configured:
            return _configured(configured[name])
        raise _not_found(name)

    async def list_public_keys(self, name: str, configured: _Configured) -> Columns:
        """The public halves of the private keys in a credential, as a JWK set (RFC 7517)."""
        # joserfc takes a while to import: only who asks for keys waits for it.
        list_public_keys = import_module(_PUBLIC_KEYS).list_public_keys
        row = await self._credentials.find_named(name)
        if row is not None:
            return {"keys": list_public_keys(self._values.open_readable(row["credential_values"]).values())}
        if name not in configured:
            raise _not_found(name)
        values = configured[name].values.values()
        return {"keys": list_public_keys(one.reveal() for one in values)}

    async def find_of_model(self, model_id: str) -> Columns:
        """The credential that a model of the database carries itself."""
        row = await self._models.find(model_id)
        if row is None:
            raise _no_model(model_id)
        values = _credential_values(self._params.open_readable(row["litellm_params"]))
        return {
            "credential_name": f"{row['model_name']}-credential-{model_id}",
            "display_name": None,
            "credential_info": {},
            "credential_values": mask_all(values),
        }

    async def _sent_values(
        self, values: Mapping[str, object] | None, model_id: str | None, *, keeps_nulls: bool = False
    ) -> dict[str, object]:
        if model_id is None:
            return {name: value for name, value in (values or {}).items() if keeps_nulls or value is not None}
        row = await self._models.find(model_id)
        if row is None:
            raise _no_model(model_id)
        return _credential_values(self._params.open(row["litellm_params"], {}))

    async def _free_name(self, name: str) -> str:
        _check_name(name)
        if await self._credentials.find_named(name) is not None:
            raise Conflict(f"There is a credential named '{name[:200]}'.", param="credential_name")
        return name

    async def _lock(self, name: str) -> Columns:
        row = await self._credentials.lock_named(name)
        if row is None:
            raise _not_found(name)
        return row

    def _masked(self, row: Columns) -> Columns:
        values = mask_all(self._values.open_readable(row["credential_values"]))
        lost = {name: "cannot be decrypted" for name in row["credential_values"] if name not in values}
        shown = {**row, "credential_values": {**values, **lost}, "source": "database"}
        return {name: shown[name] for name in _LISTED}


def _configured(credential: Credential) -> Columns:
    values = {name: value.reveal() for name, value in credential.values.items()}
    return {
        "credential_name": credential.name,
        "display_name": None,
        "credential_info": credential.info,
        "credential_values": mask_all(values),
        "source": "config",
    }


def _credential_values(params: Mapping[str, object]) -> dict[str, object]:
    return {
        name: value
        for name, value in params.items()
        if name in _VALUES_OF_A_MODEL or name.startswith(_FAMILIES)
    }


def _check_name(name: str) -> None:
    faults = Faults()
    check_text(faults, "credential_name", name)
    faults.refuse()


def _not_found(name: str) -> NotFound:
    return NotFound(f"Credential not found. Got credential name: {name[:200]}", param="credential_name")


def _no_model(model_id: str) -> NotFound:
    return NotFound(f"There is no model with the id '{model_id[:200]}' in the database.", param="model_id")


def _said(what: str) -> Columns:
    return {"success": True, "message": f"Credential {what} successfully"}
