"""Turns rows of the database into models, credentials and settings, decrypted; each wrong one by itself."""

from collections.abc import Mapping
from typing import cast

import msgspec

from gateway.catalog.added import AddedGuardrail, AddedModel, AddedModels, GuardrailRow, ModelRow
from gateway.catalog.model_store import PRICES_ROW, SSO_ROW, UI_ROW, CredentialRow, StoredRows
from gateway.catalog.price_schedule import read_schedule
from gateway.catalog.stored_mcp import read_mcp
from gateway.catalog.stored_policies import read_attachment_row, read_policy_row
from gateway.db.sealing import Seal, UnsealableError
from gateway.domain import Secret
from gateway.errors import ConfigError
from gateway.settings import Credential
from gateway.settings.guardrails import GuardrailEntry, GuardrailMode
from gateway.settings.node import build_node, is_credential_path
from gateway.settings.overlay import VARIABLES
from gateway.settings.own_variables import refuse_own_secrets
from gateway.settings.references import REFERENCE_PREFIX
from gateway.settings.secret_managers import MANAGERS
from gateway.settings.stored import read_stored_guardrail, read_stored_model

__all__ = [
    "AUTHOR",
    "OPERATOR",
    "TENANT",
    "is_of_tenant",
    "open_members",
    "open_secrets",
    "read_rows",
    "row_path",
]

AUTHOR = "gatewright_author"
"""The member of `model_info` that says whether the operator or a tenant wrote a model's parameters."""
OPERATOR, TENANT = "operator", "tenant"

_TABLES = {
    SSO_ROW: "LiteLLM_SSOConfig",
    UI_ROW: "LiteLLM_UISettings",
    **dict.fromkeys(MANAGERS, "LiteLLM_ConfigOverrides"),
}
_Members = dict[str, object]
_decode = msgspec.json.Decoder().decode


def read_rows(rows: StoredRows, seal: Seal, environ: Mapping[str, str], former: AddedModels) -> AddedModels:
    """Read all rows; what is wrong with one is said beside it, and the others are read.

    Rows that are the same in `former` are taken over from there: decrypting is what costs. So is what could
    be decrypted there and can be no more. References to variables are looked up in `environ`, those of the
    operator's models alone.
    """
    known = {model.row.model_id: model for model in former.models}
    models: list[AddedModel] = []
    for row in rows.models:
        same = known.get(row.model_id)
        models.append(same if same is not None and same.row == row else _read_model(row, seal, environ, same))
    credentials: dict[str, Credential] = {}
    faults: dict[str, str] = {}
    for row in rows.credentials:
        name = row.credential_name
        try:
            credentials[name] = _read_credential(row, seal, environ)
        except UnsealableError as error:
            faults[name] = str(error)
            if name in former.credentials:
                credentials[name] = former.credentials[name]
        except ConfigError as error:
            faults[name] = str(error)
    known_sections: dict[str, Mapping[str, object]] = {
        **former.overlay,
        SSO_ROW: former.sso,
        UI_ROW: former.ui,
        **former.managers,
    }
    overlay: dict[str, _Members] = {}
    for section, text in rows.config:
        try:
            overlay[section] = _read_section(section, text, seal)
        except (UnsealableError, ConfigError) as error:
            faults[section] = str(error)
            overlay[section] = dict(known_sections.get(section, {}))
    sso, ui = overlay.pop(SSO_ROW, {}), overlay.pop(UI_ROW, {})
    prices = read_schedule(overlay.pop(PRICES_ROW, {}))
    mcp_servers, mcp = read_mcp(
        rows.mcp_servers, rows.toolsets, seal, environ, (former.mcp_servers, former.mcp)
    )
    managers = {name: overlay.pop(name) for name in MANAGERS if name in overlay}
    return AddedModels(
        models=tuple(models),
        credentials=credentials,
        guardrails=tuple(_read_guardrail(row, seal, environ) for row in rows.guardrails),
        policies=tuple(read_policy_row(row) for row in rows.policies),
        attachments=tuple(read_attachment_row(row) for row in rows.attachments),
        tools=rows.tools,
        mcp_servers=mcp_servers,
        mcp=mcp,
        faults=faults,
        overlay=overlay,
        sso=sso,
        ui=ui,
        managers=managers,
        prices=prices,
    )


def row_path(table: str, identifier: str) -> str:
    """How a row is called in messages."""
    return f'{table}["{identifier}"]'


def is_of_tenant(info: Mapping[str, object]) -> bool:
    """Whether a tenant wrote a model with this `model_info`; of a team's nobody knows unless it says so."""
    author = info.get(AUTHOR)
    return author == TENANT or (info.get("team_id") is not None and author != OPERATOR)


def open_members(members: Mapping[str, object], seal: Seal, path: str) -> _Members:
    """Decrypt the texts of an object, one level deep as LiteLLM encrypts them.

    Raises UnsealableError naming the member.
    """
    return {name: _open(value, seal, f"{path}.{name}") for name, value in members.items()}


def _read_model(
    row: ModelRow, seal: Seal, environ: Mapping[str, str], former: AddedModel | None
) -> AddedModel:
    path = row_path("LiteLLM_ProxyModelTable", row.model_id)
    try:
        info = _object(row.model_info, f"{path}.model_info")
        params_path = f"{path}.litellm_params"
        params = open_members(_object(row.litellm_params, params_path), seal, params_path)
        is_tenants = is_of_tenant(info)
        is_blocked = row.is_blocked or info.pop("blocked", False) is True
        members = {
            "model_name": row.model_name,
            "litellm_params": params,
            "model_info": {**info, "id": row.model_id},
        }
        entry = read_stored_model(members, path, None if is_tenants else environ)
    except UnsealableError as error:
        # The key was rotated elsewhere: until this process is given the new one, it goes on as before.
        if former is not None and former.entry is not None:
            return msgspec.structs.replace(former, row=row, fault=str(error), is_blocked=row.is_blocked)
        return AddedModel(row=row, entry=None, fault=str(error), is_blocked=row.is_blocked)
    except ConfigError as error:
        return AddedModel(row=row, entry=None, fault=str(error), is_blocked=row.is_blocked)
    return AddedModel(row=row, entry=entry, is_tenants=is_tenants, is_blocked=is_blocked)


def _read_credential(row: CredentialRow, seal: Seal, environ: Mapping[str, str]) -> Credential:
    path = row_path("LiteLLM_CredentialsTable", row.credential_name)
    values_path = f"{path}.credential_values"
    values = open_members(_object(row.credential_values, values_path), seal, values_path)
    return Credential(
        name=row.credential_name,
        values={
            name: Secret(_looked_up(str(value), environ, f"{path}.credential_values.{name}"))
            for name, value in values.items()
            if value is not None
        },
        info=_object(row.credential_info, f"{path}.credential_info"),
    )


def _read_guardrail(row: GuardrailRow, seal: Seal, environ: Mapping[str, str]) -> AddedGuardrail:
    """A guardrail; one that cannot be read is still known, so that it refuses what it should inspect."""
    path = row_path("LiteLLM_GuardrailsTable", row.guardrail_id)
    is_default = True
    try:
        params = _object(row.litellm_params, f"{path}.litellm_params")
        is_default = params.get("default_on") is True
        entry = read_stored_guardrail(
            {
                "guardrail_name": row.guardrail_name,
                "litellm_params": open_secrets(params, seal, f"{path}.litellm_params"),
                "guardrail_info": _object(row.guardrail_info, f"{path}.guardrail_info"),
            },
            path,
            environ,
        )
    except (UnsealableError, ConfigError) as error:
        entry = GuardrailEntry(
            name=row.guardrail_name, kind="", modes=frozenset({GuardrailMode.PRE_CALL}), is_default=is_default
        )
        return AddedGuardrail(row=row, entry=entry, fault=str(error))
    return AddedGuardrail(row=row, entry=entry)


def open_secrets(members: Mapping[str, object], seal: Seal, path: str) -> _Members:
    """Decrypt those texts of an object that are named like secrets. Raises UnsealableError."""
    secret = {name: value for name, value in members.items() if is_credential_path(name)}
    return {**members, **open_members(secret, seal, path)}


def _read_section(section: str, text: str | None, seal: Seal) -> _Members:
    """The members of a row of settings; null says nothing. Variables and who has secrets are encrypted."""
    path = row_path(_TABLES.get(section, "LiteLLM_Config"), section)
    members = _object(text, path)
    if section in {VARIABLES, SSO_ROW, *MANAGERS}:
        members = open_members(members, seal, path)
    return {name: value for name, value in members.items() if value is not None}


def _looked_up(value: str, environ: Mapping[str, str], path: str) -> str:
    if not value.startswith(REFERENCE_PREFIX):
        return value
    refuse_own_secrets(build_node(value, path))
    found = environ.get(value.removeprefix(REFERENCE_PREFIX))
    if found is None:
        raise ConfigError("This names a variable of the environment that is not set.", path=path)
    return found


def _open(value: object, seal: Seal, path: str) -> object:
    if not isinstance(value, str):
        return value
    try:
        return seal.open(value)
    except UnsealableError as error:
        raise UnsealableError(f"{path}: {error}") from error


def _object(text: str | None, path: str) -> _Members:
    """The members of a JSON object; some releases stored the object as a JSON text within a JSON text."""
    value: object = None if text is None else _decode(text)
    if isinstance(value, str):
        try:
            value = _decode(value)
        except msgspec.DecodeError:
            raise ConfigError("Expected an object.", path=path) from None
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise ConfigError("Expected an object.", path=path)
    return cast("_Members", value)  # JSON objects have text keys
