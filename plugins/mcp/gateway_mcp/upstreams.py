"""The MCP servers that the gateway relays to: where they are, and what they are asked with."""

import base64
import re
from collections.abc import Iterable, Mapping
from typing import Annotated, Any, Literal

import msgspec

from gateway.domain import McpToolset
from gateway.hooks import RequestHead
from gateway.money import nanos_from_usd
from gateway.sdk.limits import McpServerLimits
from gateway_mcp.access import OPEN, Access
from gateway_mcp.arguments import hide_arguments
from gateway_mcp.brought import is_free
from gateway_mcp.terms import McpInfo
from gateway_mcp.token_terms import TokenTerms, check_address

__all__ = ["McpServer", "PinnedTool", "Upstream", "Upstreams"]

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.]{0,99}(?:/[A-Za-z0-9][A-Za-z0-9_.]{0,99})?")
_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,99}")
_HEADER = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_SCHEMES = {
    "bearer_token": "Bearer {}",
    "oauth2": "Bearer {}",
    "oauth2_token_exchange": "Bearer {}",
    "basic": "Basic {}",
    "token": "token {}",
    "authorization": "{}",
}

_Count = Annotated[int, msgspec.Meta(ge=0)]
_Period = Annotated[str, msgspec.Meta(pattern="^[1-9][0-9]{0,3}(s|m|h|d|w|mo)$")]


class PinnedTool(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a tool was when somebody approved of it."""

    description: str | None = None
    input_schema: dict[str, object] | None = None


class McpServer(TokenTerms, msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One item of `mcp_servers`, by LiteLLM's names; `timeout` is in seconds.

    `transport` None is found out: `http`, else `sse`. With `stdio` it is `command` with `args` and the
    environment `env`, run by the gateway. With `spec_path`, the address or the file of an OpenAPI document,
    it is the service that this describes.
    `server_id` and `alias` are further names. `allowed_tools` empty allows all that `disallowed_tools` do not
    take away; `allowed_params` are the only arguments that a tool takes.
    `extra_headers` are headers of clients that go along, where nothing else sets them.
    `allow_all_keys` opens the server to keys whose permissions do not name it, `allow_anonymous` its own path
    to everybody. Unless it is `available_on_public_internet` only clients within the operator's networks
    reach it. With `oauth_passthrough`, without a credential of its own and with `Authorization` among the
    `extra_headers`, clients log in at the server's issuer; `delegate_auth_to_upstream` is read and changes
    nothing. With `is_byok` it is asked with what each user has stored for it. With `pinned_tools` its
    tools are those that are described as they are there, and no others. `mcp_info` says what calls cost. All
    callers share `rpm`, requests a minute, `max_concurrent_requests`, and `max_budget`, USD in each
    `budget_duration` or, without one, in all. Where arguments of calls are recorded, the `redacted_arguments`
    are masked.
    """

    url: str = ""
    transport: Literal["http", "sse", "stdio"] | None = None
    command: str = ""
    args: tuple[str, ...] = ()
    env: dict[str, str] = {}
    spec_path: str = ""
    server_id: str | None = None
    alias: str | None = None
    description: str | None = None
    auth_value: str | None = None
    authentication_token: str | None = None
    static_headers: dict[str, str] = {}
    extra_headers: tuple[str, ...] = ()
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
    timeout: float = 60.0
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
        if self.transport == "stdio":
            self._check_command()
            return
        if self.url or not self.spec_path:
            check_address("url", self.url or "-")
        if self.is_byok and self.credential:
            raise ValueError("with 'is_byok' users bring the credential, so there is no 'auth_value'")
        self.check_tokens(has_credential=bool(self.credential) or self.is_byok)
        is_told = self.auth_type == "none" or self.is_asked_with_tokens
        if not is_told and not (self.credential or self.is_byok):
            raise ValueError(f"auth_type '{self.auth_type}' needs 'auth_value'")
        if self.timeout <= 0:
            raise ValueError("'timeout' is more than 0 seconds")
        for name in self.extra_headers:
            if not _HEADER.fullmatch(name) or not is_free(name.lower()):
                raise ValueError(f"'extra_headers': '{name[:100]}' is no header that a client may set")
        for name, value in self.headers().items():
            if not _HEADER.fullmatch(name) or not (value.isascii() and value.isprintable()):
                raise ValueError(f"the header '{name[:100]}' cannot be sent")

    def _check_budget(self) -> None:
        if self.max_budget is not None and nanos_from_usd(self.max_budget) < 0:
            raise ValueError("'max_budget' is at least 0")
        if self.budget_duration is not None and self.max_budget is None:
            raise ValueError("'budget_duration' needs 'max_budget'")

    @property
    def addresses(self) -> tuple[str, ...]:
        """The addresses to which requests for it may lead, wherever they are: they are the operator's."""
        return tuple(filter(None, (self.url, *self.token_addresses)))

    def _check_command(self) -> None:
        if not self.command:
            raise ValueError("transport 'stdio' needs 'command'")
        has_headers = self.static_headers or self.extra_headers or self.auth_type != "none" or self.is_byok
        if self.url or self.spec_path or has_headers:
            message = "has no 'url', no 'spec_path', no 'auth_type' and no headers; it has 'env'"
            raise ValueError(f"a server that is run {message}")
        if self.timeout <= 0:
            raise ValueError("'timeout' is more than 0 seconds")
        for text in (self.command, *self.args, *self.env, *self.env.values()):
            if "\0" in text:
                raise ValueError("'command', 'args' and 'env' have no NUL")

    @property
    def credential(self) -> str:
        """What the server is asked with."""
        return self.auth_value or self.authentication_token or ""

    @property
    def is_passed_through(self) -> bool:
        """Whether clients bring tokens that the server's own issuer has granted them."""
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

    def headers(self, given: str = "") -> dict[str, str]:
        """The headers for the server, in lower case; `given` is the credential that a user has brought."""
        value = given or (self.credential if self.auth_type != "none" else "")
        return {**self.lower_static_headers(), **self.present(value)}

    def lower_static_headers(self) -> dict[str, str]:
        """The headers that do not depend on any caller."""
        return {name.lower(): value for name, value in self.static_headers.items()}

    def present(self, value: str) -> dict[str, str]:
        """The header in which the server looks for a credential; a bearer token where nothing is said."""
        if not value:
            return {}
        kind = "bearer_token" if self.auth_type == "none" else self.auth_type
        if kind == "api_key":
            return {"x-api-key": value}
        if kind == "basic" and ":" in value:
            value = base64.b64encode(value.encode()).decode()
        return {"authorization": _SCHEMES[kind].format(value)}


class Upstream(msgspec.Struct, frozen=True, eq=False):
    """A server under its name; the address of one that `is_tenants` is a user's, the `submitter`'s."""

    name: str
    settings: McpServer
    is_tenants: bool = False
    submitter: str | None = None

    @property
    def id(self) -> str:
        """What object permissions call it."""
        return self.settings.server_id or self.name

    @property
    def names(self) -> tuple[str, ...]:
        """Everything that it is called."""
        settings = self.settings
        return tuple(dict.fromkeys(filter(None, (self.id, self.name, settings.alias))))

    @property
    def has_limits(self) -> bool:
        """Whether there is anything in `limits`."""
        stated = self.settings
        return not (stated.rpm is stated.max_concurrent_requests is stated.max_budget is None)

    @property
    def limits(self) -> McpServerLimits:
        """What all of its callers share."""
        stated, usd = self.settings, self.settings.max_budget
        return McpServerLimits(
            id=self.id,
            names=tuple(name for name in (self.name, stated.alias) if name),
            rpm=stated.rpm,
            max_concurrent_requests=stated.max_concurrent_requests,
            max_budget_nanos=None if usd is None else nanos_from_usd(usd),
            budget_period=stated.budget_duration or "",
        )

    @property
    def hidden_arguments(self) -> frozenset[str]:
        """The arguments whose values no record has."""
        return frozenset(name.lower() for name in self.settings.redacted_arguments)

    def params_of(self, tool: str) -> frozenset[str] | None:
        """The only arguments that a tool takes, where the operator says which."""
        return self.settings.allowed_params.get(tool)

    def offers(self, tool: str) -> bool:
        """Whether the operator lets anybody have a tool of it."""
        settings = self.settings
        if settings.pinned_tools is not None and tool not in settings.pinned_tools:
            return False
        return tool not in settings.disallowed_tools and (
            not settings.allowed_tools or tool in settings.allowed_tools
        )


class Upstreams:
    """All servers, by their names and groups."""

    def __init__(self, servers: Mapping[str, McpServer], access: Access = OPEN) -> None:
        """Raises ValueError for a name that no path can have, or that two servers have."""
        self.access = access
        self._by_name: dict[str, Upstream] = {}
        self._groups: dict[str, list[str]] = {}
        self._toolsets: dict[str, McpToolset] = {}
        self.extra_headers: frozenset[str] = frozenset()
        """The headers of clients, in lower case, that any of the servers has."""
        for name, settings in servers.items():
            self.add(Upstream(name, settings))

    def add(self, upstream: Upstream) -> None:
        """Another one. Raises ValueError as when they are made, and adds nothing then."""
        for one in upstream.names:
            if not (_NAME.fullmatch(one) or (one == upstream.settings.server_id and _ID.fullmatch(one))):
                message = "has 1 to 100 letters, digits, underscores and dots, and may have one slash"
                raise ValueError(f"'{one[:100]}': the name of an MCP server {message}")
            if one in self._by_name:
                raise ValueError(f"two MCP servers are called '{one}'")
        self._by_name |= dict.fromkeys(upstream.names, upstream)
        self.extra_headers = self.extra_headers.union(map(str.lower, upstream.settings.extra_headers))
        for group in upstream.settings.access_groups:
            self._groups.setdefault(group, []).append(upstream.id)

    def copy(self) -> "Upstreams":
        """The same servers, to add others to."""
        same = Upstreams({}, self.access)
        same._by_name = dict(self._by_name)
        same.extra_headers = self.extra_headers
        same._groups = {group: list(members) for group, members in self._groups.items()}
        return same

    def add_toolset(self, toolset: McpToolset) -> None:
        """Another set of tools, by its id and its name."""
        self._toolsets[toolset.toolset_id] = toolset
        self._toolsets.setdefault(toolset.name, toolset)

    def toolset(self, name: str) -> McpToolset | None:
        """The set of tools of an id or a name."""
        return self._toolsets.get(name)

    def tools_of_toolset(self, name: str) -> dict[str, tuple[str, ...]]:
        """The tools of a set, by the ids of their servers; nothing of a set that is not there."""
        toolset = self._toolsets.get(name)
        found: dict[str, tuple[str, ...]] = {}
        for server, tools in toolset.tools.items() if toolset is not None else ():
            identifier = self.id_of(server)
            found[identifier] = (*found.get(identifier, ()), *tools)
        return found

    def all(self) -> tuple[Upstream, ...]:
        """Every server, in the order in which they are declared."""
        return tuple(dict.fromkeys(self._by_name.values()))

    def by_name(self, name: str) -> Upstream | None:
        """The server of a name, an alias or an id."""
        return self._by_name.get(name)

    def lets_in(self, upstream: Upstream, head: RequestHead) -> bool:
        """Whether a server may be reached from where a request comes from, whoever asks."""
        return upstream.settings.available_on_public_internet or self.access.is_internal(head)

    def id_of(self, name: str) -> str:
        """The id of the server of a name; of a name that nobody has the name itself."""
        upstream = self._by_name.get(name)
        return name if upstream is None else upstream.id

    def of_group(self, group: str) -> Iterable[str]:
        """The ids of the servers of an access group."""
        return self._groups.get(group, ())
