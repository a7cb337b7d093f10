"""MCP servers and toolsets of the database, as a plugin gets them."""

from typing import Literal

import msgspec

__all__ = [
    "MCP_REVISIONS",
    "MCP_SUBMITTED",
    "MCP_VARIABLES",
    "McpArrival",
    "McpCall",
    "McpClients",
    "McpFinding",
    "McpFindings",
    "McpIdentity",
    "McpLogin",
    "McpLoginAnswer",
    "McpLoginClient",
    "McpNarrowing",
    "McpRenewal",
    "McpServerRecord",
    "McpShelf",
    "McpToolSearch",
    "McpToolset",
]

MCP_REVISIONS = ("2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25", "2026-07-28")
"""The revisions of the protocol that are known, the oldest first; the last one has no sessions."""
MCP_SUBMITTED = frozenset(
    {
        *("server_id", "server_name", "alias", "description", "url", "transport", "auth_type", "credentials"),
        *("static_headers", "mcp_info", "instructions", "allowed_tools", "source_url", "is_byok"),
        *("byok_description", "byok_api_key_help_url", "tool_name_to_display_name"),
        "tool_name_to_description",
    }
)
"""What users may say of a server that they submit."""
MCP_VARIABLES = "#env"
"""With this after a server's id, what a user has stored are the values of variables, as a JSON object."""


class McpServerRecord(msgspec.Struct, frozen=True, kw_only=True):
    """An MCP server; `settings` are those of an item of `mcp_servers`, secrets decrypted: never shown.

    One that `is_tenants` was submitted by a user, the `submitter` where that is known: its address may lead
    to public networks only.
    """

    server_id: str
    name: str
    settings: dict[str, object]
    is_tenants: bool = False
    submitter: str | None = None

    __repr__ = object.__repr__


class McpToolset(msgspec.Struct, frozen=True, kw_only=True):
    """A named set of tools: their names, by the ids of their servers."""

    toolset_id: str
    name: str
    tools: dict[str, tuple[str, ...]]


class McpShelf(msgspec.Struct, frozen=True, kw_only=True):
    """Everything of the kind that the database has."""

    servers: tuple[McpServerRecord, ...] = ()
    toolsets: tuple[McpToolset, ...] = ()


class McpClients(msgspec.Struct, frozen=True, kw_only=True):
    """The applications that may speak with MCP servers, by what they are called; None for all of them.

    Unless their tokens name them they do so in the header `id_header`, where there is one.
    """

    allowed: frozenset[str] | None = None
    id_header: str = ""


class McpNarrowing(msgspec.Struct, frozen=True, kw_only=True):
    """`litellm_settings.mcp_semantic_tool_filter`: lists have what a conversation needs."""

    enabled: bool = False
    embedding_model: str = "text-embedding-3-small"
    top_k: int = 10
    similarity_threshold: float = 0.3


class McpToolSearch(msgspec.Struct, frozen=True, kw_only=True):
    """`litellm_settings.mcp_tool_search`: what searches find, and the tools that need no search.

    Without an `embedding_model` words decide.
    """

    embedding_model: str | None = None
    top_k: int = 10
    similarity_threshold: float = 0.0
    core_tools: tuple[str, ...] = ()


class McpFinding(msgspec.Struct, frozen=True):
    """How tools of MCP servers are found among many."""

    narrowing: McpNarrowing = McpNarrowing()
    search: McpToolSearch = McpToolSearch()


class McpFindings(msgspec.Struct, frozen=True, kw_only=True):
    """What an MCP server answered: the tools that it has, as it describes them, or why it gave no answer."""

    tools: tuple[dict[str, object], ...] = ()
    error: str = ""


class McpCall(msgspec.Struct, frozen=True, kw_only=True):
    """A call of a tool, as records name it; `hides` are arguments, in lower case, that are in none."""

    name: str
    server: str
    logo_url: str | None = None
    hides: frozenset[str] = frozenset()


class McpLoginClient(msgspec.Struct, frozen=True, kw_only=True):
    """A program that gets the tokens of a login for a code: where it waits, and what proves it (PKCE)."""

    redirect_uri: str
    challenge: str
    state: str = ""


class McpLogin(msgspec.Struct, frozen=True, kw_only=True):
    """A user is about to let the gateway use an MCP server in the user's name.

    `base_url` is where browsers reach the gateway, `browser` a secret that this one keeps until it comes
    back. `scope` is what is asked for beside what the server says that it needs. `return_to` is where the
    browser goes in the end, unless the tokens are for a `client`. `server` is one that is not served.
    """

    server_id: str
    user_id: str
    base_url: str
    browser: str
    scope: str = ""
    return_to: str = ""
    client: McpLoginClient | None = None
    server: McpServerRecord | None = None

    __repr__ = object.__repr__


class McpRenewal(msgspec.Struct, frozen=True, kw_only=True):
    """A program holds what a login has brought, a `credential`, and wants it renewed.

    `server` is one that is not served.
    """

    server_id: str
    credential: str
    server: McpServerRecord | None = None

    __repr__ = object.__repr__


class McpLoginAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """What a browser brings back from the authorization server; `issuer` is who says so (RFC 9207)."""

    browser: str
    state: str
    code: str = ""
    error: str = ""
    issuer: str | None = None

    __repr__ = object.__repr__


class McpIdentity(msgspec.Struct, frozen=True, kw_only=True):
    """What an authorization server says of who has logged in, and what it must say of the gateway's user.

    The `id_token` is empty where it says nothing. It is the `issuer`'s, for the gateway under one of the
    `audiences`, signed with a key of `key_url` (a set of keys, or a discovery document that names one), and
    its `principal_claim` is what the user's `caller_field` is. Unless that `is_enforced` it is only noted.
    """

    id_token: str
    is_enforced: bool
    issuer: str
    key_url: str
    audiences: tuple[str, ...]
    client_id: str
    principal_claim: str
    caller_field: Literal["user_email", "user_id", "sso_user_id"]
    needs_verified_email: bool

    __repr__ = object.__repr__


class McpArrival(msgspec.Struct, frozen=True, kw_only=True):
    """A login that has succeeded: what is to be stored of it, secret, and where the browser goes.

    With a `client` nothing is stored: it gets the tokens. Neither may be before the `identity` is found to be
    that of the user.
    """

    server_id: str
    user_id: str
    credential: str
    return_to: str = ""
    client: McpLoginClient | None = None
    identity: McpIdentity | None = None

    __repr__ = object.__repr__
