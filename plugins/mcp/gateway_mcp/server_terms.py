"""What the operator says of an MCP server: where it is, who reaches it, and which tools it has."""

from collections.abc import Mapping
from functools import cached_property
from typing import Annotated, Any, Literal

import msgspec

from gateway.money import nanos_from_usd
from gateway_mcp.arguments import hide_arguments
from gateway_mcp.header_terms import HeaderTerms
from gateway_mcp.terms import McpInfo
from gateway_mcp.token_terms import check_address
from gateway_mcp.wire import MODERN

__all__ = ["McpServer", "PinnedTool"]

_Count = Annotated[int, msgspec.Meta(ge=0)]
_Period = Annotated[str, msgspec.Meta(pattern="^[1-9][0-9]{0,3}(s|m|h|d|w|mo)$")]


class PinnedTool(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a tool was when somebody approved of it."""

    description: str | None = None
    input_schema: dict[str, object] | None = None


class McpServer(
    HeaderTerms, msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, dict=True
):
    """One item of `mcp_servers`, by LiteLLM's names; `timeout` is in seconds.

    `transport` None is found out: `http`, else `sse`. With `stdio` it is `command` with `args` and the
    environment `env`, run by the gateway. With `spec_path`, the address or the file of an OpenAPI document,
    it is the service that this describes.
    `server_id` and `alias` are further names. `instructions` are told to clients in the place of the server's
    own. `allowed_tools` empty allows all that `disallowed_tools` do not take away; `allowed_params` are the
    only arguments that a tool takes.
    `extra_headers` are headers of clients that go along, where nothing else sets them.
    `allow_all_keys` opens the server to keys whose permissions do not name it, `allow_anonymous` its own path
    to everybody. Unless it is `available_on_public_internet` only clients within the operator's networks
    reach it. With `oauth_passthrough`, without a credential of its own and with `Authorization` among the
    `extra_headers`, clients log in at the server's issuer; so they do with `auth_type: true_passthrough`,
    which lets in whoever brings nothing as well, and with `oauth_delegate`, which asks for a key besides.
    `delegate_auth_to_upstream` is read and changes nothing. With `per_server_oauth_discovery` the gateway is
    an authorization server of its own for it; with `dcr_bridge` who lets a client in there logs in at the
    server as well. With `is_byok` it is asked with what each user
    has stored for it. With `pinned_tools` its tools are those that are described as they are there, and no
    others. With `protocol_version` it is asked by this revision and no other one, which is found out without
    it. Without `allow_sampling`, or `allow_elicitation`, it asks clients for nothing of the kind. `mcp_info`
    says what calls cost. All
    callers share `rpm`, requests a minute, `max_concurrent_requests`, and `max_budget`, USD in each
    `budget_duration` or, without one, in all. Where arguments of calls are recorded, the `redacted_arguments`
    are masked. The values of `env_vars` stand in the `static_headers`: users give them, or the operator, also
    in `env`.
    """

    url: str = ""
    transport: Literal["http", "sse", "stdio"] | None = None
    command: str = ""
    args: tuple[str, ...] = ()
    spec_path: str = ""
    server_id: str | None = None
    alias: str | None = None
    description: str | None = None
    instructions: str = ""
    access_groups: tuple[str, ...] = ()
    allowed_tools: tuple[str, ...] = ()
    disallowed_tools: tuple[str, ...] = ()
    allowed_params: dict[str, frozenset[str]] = {}
    allow_all_keys: bool = False
    allow_anonymous: bool = False
    available_on_public_internet: bool = True
    is_byok: bool = False
    oauth_passthrough: bool = False
    delegate_auth_to_upstream: bool = False
    per_server_oauth_discovery: bool = False
    dcr_bridge: bool = False
    timeout: float = 60.0
    protocol_version: Literal["2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25", "2026-07-28"] | None = (
        None
    )
    allow_sampling: bool = True
    allow_elicitation: bool = True
    tool_name_to_display_name: dict[str, str] = {}
    tool_name_to_description: dict[str, str] = {}
    pinned_tools: dict[str, PinnedTool] | None = None
    mcp_info: McpInfo | None = None
    rpm: _Count | None = None
    max_concurrent_requests: _Count | None = None
    max_budget: float | None = None
    budget_duration: _Period | None = None
    redacted_arguments: tuple[str, ...] = ()

    __repr__ = object.__repr__

    def __post_init__(self) -> None:
        self._check_budget()
        self._check_revision()
        if self.transport == "stdio":
            self._check_command()
            return
        if self.url or not self.spec_path:
            check_address("url", self.url or "-")
        if self.is_byok and self.credential:
            raise ValueError("with 'is_byok' users bring the credential, so there is no 'auth_value'")
        self.check_tokens(has_credential=bool(self.credential) or self.is_byok)
        self._check_signed()
        self.check_token_header()
        self._check_forwarding()
        self.check_variables()
        is_told = self.auth_type == "none" or self.takes_no_others or self.forwards_tokens
        if not is_told and not (self.credential or self.is_byok):
            raise ValueError(f"auth_type '{self.auth_type}' needs 'auth_value'")
        if self.timeout <= 0:
            raise ValueError("'timeout' is more than 0 seconds")
        self.check_headers()

    def _check_signed(self) -> None:
        has_other = bool(self.credential) or self.is_byok or "authorization" in self.lower_static_headers()
        self.check_signature(self.auth_type, has_credential=has_other)
        if self.signs_requests and not self.url:
            raise ValueError(f"auth_type '{self.auth_type}' needs 'url': requests to its host are signed")

    def _check_budget(self) -> None:
        if self.max_budget is not None and nanos_from_usd(self.max_budget) < 0:
            raise ValueError("'max_budget' is at least 0")
        if self.budget_duration is not None and self.max_budget is None:
            raise ValueError("'budget_duration' needs 'max_budget'")

    def _check_revision(self) -> None:
        if self.protocol_version is None:
            return
        if self.spec_path:
            raise ValueError("a service with 'spec_path' speaks no MCP: leave 'protocol_version' out")
        if self.protocol_version == MODERN and self.transport in {"sse", "stdio"}:
            raise ValueError(f"transport '{self.transport}' has no 'protocol_version' {MODERN}")

    def _check_forwarding(self) -> None:
        """Raise ValueError for a credential beside those of clients."""
        if not self.forwards_tokens:
            return
        has_own = self.credential or self.is_byok or "authorization" in self.lower_static_headers()
        if has_own or self.spec_path:
            others = "no 'auth_value', no 'is_byok', no 'spec_path' and no static 'Authorization'"
            raise ValueError(f"with auth_type '{self.auth_type}' there is {others}: clients bring it")

    @property
    def addresses(self) -> tuple[str, ...]:
        """The addresses to which requests for it may lead, wherever they are: they are the operator's."""
        return tuple(filter(None, (self.url, *self.token_addresses)))

    def _check_command(self) -> None:
        if not self.command:
            raise ValueError("transport 'stdio' needs 'command'")
        has_headers = self.static_headers or self.extra_headers or self.auth_type != "none" or self.is_byok
        if self.env_vars:
            raise ValueError("'env_vars' are for the headers of servers behind HTTP")
        if self.url or self.spec_path or has_headers or self.upstream_token_header:
            message = "has no 'url', no 'spec_path', no 'auth_type' and no headers; it has 'env'"
            raise ValueError(f"a server that is run {message}")
        if self.timeout <= 0:
            raise ValueError("'timeout' is more than 0 seconds")
        for text in (self.command, *self.args, *self.env, *self.env.values()):
            if "\0" in text:
                raise ValueError("'command', 'args' and 'env' have no NUL")

    @property
    def resource(self) -> str:
        """The resource that tokens are for, as far as the operator says it (RFC 8707)."""
        return self.url if self.upstream_resource == "auto" else self.upstream_resource

    @cached_property
    def is_behind_http(self) -> bool:
        """Whether it may speak streamable HTTP."""
        return self.transport in {None, "http"} and not self.spec_path

    @cached_property
    def forbidden_questions(self) -> frozenset[str]:
        """What it may not ask clients for; over some transports servers ask for nothing in any case."""
        asked = {"sampling": self.allow_sampling, "elicitation": self.allow_elicitation}
        return frozenset(kind for kind, is_allowed in asked.items() if not is_allowed and self.is_behind_http)

    @property
    def relayed_revision(self) -> str | None:
        """The only revision of clients whose messages pass through to it, if it has one."""
        return self.protocol_version if self.is_behind_http else None

    @cached_property
    def takes_no_others(self) -> bool:
        """Whether what it is asked with is the gateway's to get, and no client's to bring."""
        return self.is_asked_with_tokens or self.signs_requests

    @property
    def admits_anybody(self) -> bool:
        """Whether callers without any credential reach it under its own path."""
        return self.allow_anonymous or self.auth_type == "true_passthrough"

    @cached_property
    def takes_client_tokens(self) -> bool:
        """Whether clients bring tokens of the server's own issuer, with a key of the gateway or without."""
        return self.forwards_tokens or self.is_passed_through

    @cached_property
    def is_passed_through(self) -> bool:
        """Whether a token that the server's own issuer has granted stands for a key of the gateway."""
        if self.auth_type == "true_passthrough":
            return True
        is_declared = self.oauth_passthrough and self.auth_type == "none" and bool(self.url)
        return (
            is_declared
            and not self.spec_path
            and not self.is_byok
            and any(name.lower() == "authorization" for name in self.extra_headers)
        )

    def holds(self, said: Mapping[str, object]) -> bool:
        """Whether a tool is as it was when it was approved of, if that matters."""
        if self.pinned_tools is None:
            return True
        pin = self.pinned_tools.get(str(said.get("name")))
        now = (said.get("description"), said.get("inputSchema"))
        return pin is not None and now == (pin.description, pin.input_schema)

    def dress(self, said: dict[str, Any]) -> dict[str, Any]:
        """A tool with the title, the description and the arguments that the operator gives it."""
        name = str(said.get("name"))
        given = {
            "title": self.tool_name_to_display_name.get(name),
            "description": self.tool_name_to_description.get(name),
        }
        changes = {key: text for key, text in given.items() if text}
        shown = {**said, **changes} if changes else said
        allowed = self.allowed_params.get(name)
        return shown if allowed is None else hide_arguments(shown, allowed)
