"""Turns rows of MCP servers and toolsets into what a plugin serves."""

from collections.abc import Mapping
from typing import Any, cast

import msgspec

from gateway.catalog.added import AddedMcpServer, McpServerRow
from gateway.db.sealing import Seal, UnsealableError
from gateway.domain import McpServerRecord, McpShelf, McpToolset
from gateway.errors import ConfigError
from gateway.settings.stored import read_stored_settings

__all__ = [
    "AS_THEY_ARE",
    "OF_CREDENTIALS",
    "OWN",
    "OWN_MEMBERS",
    "PINS",
    "PLAIN",
    "SEALED",
    "SEALED_WHOLE",
    "build_record",
    "build_settings",
    "members_of",
    "name_of",
    "open_deep",
    "open_whole",
    "own_settings",
    "read_mcp",
]

SEALED = ("credentials", "env", "static_headers")
"""Columns with secrets."""
SEALED_WHOLE = frozenset({"env", "static_headers"})
"""Those of them that are encrypted as one text of JSON, by LiteLLM since 1.106 and by the gateway."""
PLAIN = frozenset(
    {
        *("scopes", "token_endpoint_auth_method", "audience", "upstream_resource", "upstream_token_header"),
        *("token_exchange_endpoint", "token_exchange_profile", "subject_token_type", "redirect_uris"),
        *("client_private_key_id", "client_assertion_signing_alg", "aws_region_name", "aws_service_name"),
        *("aws_role_name", "aws_session_name", "id_jag_resource_token_endpoint", "id_jag_resource"),
        *("id_jag_subject_source", "dcr_issuer", "dcr_server_url"),
    }
)
"""Members of `credentials` that are no secrets: LiteLLM reads them as they are stored."""
_NOTES = frozenset({"redirect_uris", "dcr_issuer", "dcr_server_url"})
"""Members of `credentials` in which LiteLLM notes how it registered itself."""
AS_THEY_ARE = (
    *("url", "transport", "alias", "description", "auth_type", "command", "args", "env", "static_headers"),
    *("extra_headers", "spec_path", "authorization_url", "registration_url", "token_url", "allowed_tools"),
    *("allow_all_keys", "delegate_auth_to_upstream", "oauth_passthrough", "is_byok", "instructions"),
    *("tool_name_to_display_name", "tool_name_to_description"),
)
"""Columns that are settings."""
PINS = "gatewright_pins"
"""The member of `mcp_info` that says what tools were when they were pinned."""
OWN = "gatewright_settings"
"""The member of `mcp_info` that has the settings for which the table has no column."""
OWN_MEMBERS = (
    *("timeout", "rpm", "max_concurrent_requests", "max_budget", "budget_duration", "disallowed_tools"),
    *("allowed_params", "issuer", "oauth2_flow", "audience", "token_endpoint_auth_method"),
    *("token_validation", "token_storage_ttl_seconds", "upstream_resource", "redacted_arguments"),
    *("token_exchange_endpoint", "token_exchange_profile", "subject_token_type", "env_vars"),
    *("oauth_identity_binding", "per_server_oauth_discovery", "dcr_bridge", "protocol_version"),
    *("allow_sampling", "allow_elicitation"),
)
"""These settings."""
OF_CREDENTIALS = frozenset(
    {
        *("auth_value", "authentication_token", "client_id", "client_secret", "scopes"),
        *("client_private_key", "client_private_key_id", "client_assertion_signing_alg"),
        *("aws_access_key_id", "aws_secret_access_key", "aws_session_token", "aws_region_name"),
        *("aws_service_name", "aws_role_name", "aws_session_name"),
        *("id_jag_resource_token_endpoint", "id_jag_resource", "id_jag_subject_source"),
        *("id_jag_resource_client_id", "id_jag_resource_client_secret"),
        # LiteLLM stores these here as well.
        *("upstream_resource", "token_endpoint_auth_method", "audience", "token_exchange_endpoint"),
        *("token_exchange_profile", "subject_token_type", "upstream_token_header"),
    }
)
"""The settings that are members of the column `credentials`."""
_COSTS, _LOGO = "mcp_server_cost_info", "logo_url"
_TABLE = "LiteLLM_MCPServerTable"
_decode = msgspec.json.Decoder().decode


def read_mcp(
    servers: tuple[McpServerRow, ...],
    toolsets: tuple[tuple[str, str, str], ...],
    seal: Seal,
    environ: Mapping[str, str],
    former: tuple[tuple[AddedMcpServer, ...], McpShelf],
) -> tuple[tuple[AddedMcpServer, ...], McpShelf]:
    """The servers, with what is wrong of each, and what is served of all: the former if nothing changed."""
    known = {one.row.server_id: one for one in former[0]}
    added = tuple(_read(row, seal, environ, known.get(row.server_id)) for row in servers)
    shelf = McpShelf(
        servers=tuple(one.record for one in added if one.record is not None),
        toolsets=tuple(_read_toolset(*row) for row in toolsets),
    )
    return added, former[1] if shelf == former[1] else shelf


def name_of(columns: Mapping[str, Any]) -> str:
    """What a server is called: its name, else its alias, else its id."""
    name = columns.get("server_name") or columns.get("alias") or columns["server_id"]
    return str(name).replace(" ", "_")


def build_settings(columns: Mapping[str, Any]) -> dict[str, object]:
    """The settings of an item of `mcp_servers` that the columns of a row say, decrypted.

    What says nothing is left out, so that a plugin sees only what it has to heed.
    """
    found: dict[str, object] = {name: columns[name] for name in AS_THEY_ARE if columns.get(name)}
    found["server_id"] = columns["server_id"]
    if "alias" in found:
        found["alias"] = str(found["alias"]).replace(" ", "_")
    if columns.get("mcp_access_groups"):
        found["access_groups"] = columns["mcp_access_groups"]
    if columns.get("available_on_public_internet") is False:
        found["available_on_public_internet"] = False
    info: Mapping[str, object] = columns.get("mcp_info") or {}
    told = {_COSTS: info.get(_COSTS), _LOGO: info[_LOGO] if isinstance(info.get(_LOGO), str) else None}
    if any(told.values()):
        found["mcp_info"] = {name: value for name, value in told.items() if value}
    pins = info[PINS] if PINS in info else columns.get("pinned_tools")
    if pins is not None:
        found["pinned_tools"] = pins
    credentials: Mapping[str, object] = columns.get("credentials") or {}
    given = {
        name: value
        for name, value in credentials.items()
        if value not in (None, "", []) and name not in _NOTES
    }
    # They say nothing else: what is none of them stands where no plugin looks, and is refused.
    found |= {name if name in OF_CREDENTIALS else f"credentials.{name}": given[name] for name in given}
    # Later releases of LiteLLM have columns for some of them.
    own = own_settings(info)
    emptied = {name for name, value in own.items() if value is None}
    found |= {name: columns[name] for name in OWN_MEMBERS if columns.get(name) is not None} | own
    return {name: value for name, value in found.items() if name not in emptied}


def own_settings(info: Mapping[str, object]) -> dict[str, object]:
    """The settings in `mcp_info`; None are those that were emptied."""
    stated = info.get(OWN)
    if not isinstance(stated, dict):
        return {}
    held = cast("Mapping[str, object]", stated)
    return {name: held[name] for name in OWN_MEMBERS if name in held}


def build_record(columns: Mapping[str, Any], environ: Mapping[str, str]) -> McpServerRecord:
    """A server of its columns, decrypted; references are looked up in `environ`. Raises ConfigError."""
    identifier: str = columns["server_id"]
    settings = read_stored_settings(build_settings(columns), f'{_TABLE}["{identifier}"]', environ)
    is_tenants = columns.get("submitted_at") is not None
    return McpServerRecord(
        server_id=identifier,
        name=name_of(columns),
        settings=settings,
        is_tenants=is_tenants,
        submitter=columns.get("submitted_by") if is_tenants else None,
    )


def open_whole(value: object, seal: Seal) -> dict[str, Any]:
    """The members of a column with secrets, also of one that is encrypted as a whole.

    Their own texts may be encrypted still. Raises UnsealableError, and DecodeError for what is no JSON.
    """
    return members_of(seal.open(value) if isinstance(value, str) else value)


def open_deep(value: object, seal: Seal) -> object:
    """Every text of a JSON value decrypted. Raises UnsealableError."""
    if isinstance(value, str):
        return seal.open(value)
    if isinstance(value, dict):
        members = cast("Mapping[str, object]", value)  # JSON objects have text keys
        return {name: open_deep(inner, seal) for name, inner in members.items()}
    if isinstance(value, list):
        return [open_deep(inner, seal) for inner in cast("list[object]", value)]
    return value


def _read(
    row: McpServerRow, seal: Seal, environ: Mapping[str, str], former: AddedMcpServer | None
) -> AddedMcpServer:
    if former is not None and former.row == row and former.record is not None:
        return former
    try:
        columns: dict[str, Any] = _decode(row.columns)
        columns |= {name: open_deep(open_whole(columns.get(name), seal), seal) for name in SEALED}
        columns["mcp_info"] = members_of(columns.get("mcp_info"))
        if "env_vars" in columns:
            columns["env_vars"] = open_deep(columns["env_vars"], seal)
        return AddedMcpServer(row=row, record=build_record(columns, environ))
    except UnsealableError as error:
        # The key was rotated elsewhere: until this process is given the new one, it goes on as before.
        return AddedMcpServer(row=row, record=former.record if former else None, fault=str(error))
    except ConfigError as error:
        return AddedMcpServer(row=row, record=None, fault=str(error))
    except msgspec.DecodeError as error:
        # A text of another writer's within JSON that is none.
        return AddedMcpServer(row=row, record=None, fault=f"a column is no JSON: {error}")


def _read_toolset(identifier: str, name: str, tools: str) -> McpToolset:
    """A toolset; an entry that names no server or no tool is none."""
    found: dict[str, list[str]] = {}
    listed: object = _decode(tools)
    if isinstance(listed, str):
        listed = _decode(listed)
    for entry in cast("list[object]", listed) if isinstance(listed, list) else []:
        one = members_of(entry)
        server, tool = one.get("server_id"), one.get("tool_name")
        if isinstance(server, str) and isinstance(tool, str):
            found.setdefault(server, []).append(tool)
    return McpToolset(
        toolset_id=identifier, name=name, tools={key: tuple(each) for key, each in found.items()}
    )


def members_of(value: object) -> dict[str, Any]:
    """The members of a JSON object; some releases stored the object as a JSON text within JSON."""
    if isinstance(value, str):
        value = _decode(value)
    return cast("dict[str, Any]", value) if isinstance(value, dict) else {}
