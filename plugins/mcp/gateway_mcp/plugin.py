"""The plugin: a request reaches only the MCP servers that the operator allows.

A model provider calls the MCP servers that a request names, from its own network and on the account of the
company whose key the gateway sends. Without a rule any client could make it call any server.
"""

from collections.abc import Awaitable, Mapping
from contextlib import AbstractAsyncContextManager
from typing import Annotated, cast

import msgspec

from gateway.domain import Endpoint
from gateway.errors import PermissionDenied
from gateway.hooks import Forwarder, HookUse, PluginServices, RequestContext, UpstreamStream, hookimpl
from gateway.sdk import read_member
from gateway_mcp.access import Access, AccessSettings
from gateway_mcp.bases import Bases
from gateway_mcp.chat.entries import read_entries
from gateway_mcp.chat.rounds import answer_with_tools
from gateway_mcp.directory import Directory
from gateway_mcp.finder import Finder
from gateway_mcp.meaning import Meanings
from gateway_mcp.pages import Pages
from gateway_mcp.relay import Relay
from gateway_mcp.server_terms import McpServer
from gateway_mcp.servers import AllowedServer, is_inside

__all__ = ["RemoteServers", "Settings", "build"]

_SECTION = "gatewright.plugins.settings.mcp"
_CREDENTIALS = ("authorization", "authorization_token", "headers")
_PLACES = ("server_url", "url", "connector_id")
_NAMING = frozenset({"tools", "mcp_servers"})
"""The members of a body that name servers; most requests have none, and are passed over at once."""
_WITH_TOOLS = frozenset({Endpoint.CHAT, Endpoint.RESPONSES})
_OF_MODELS = frozenset({"answer_request"})
_OF_PASS_THROUGHS = frozenset(
    {"answer_openly", "collect_claims", "find_pass_through", "open_guards", "open_transport"}
)
_OF_BOTH = frozenset({"authorize"})


class Settings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The section `gatewright.plugins.settings.mcp`; nothing is allowed unless it is listed.

    `allowed_connectors` are ids of connectors that the provider itself hosts (`connector_dropbox`).
    `allow_inline_credentials` lets a request carry headers or a token for the MCP server.
    Unless it `checks_requests` these three mean nothing, and requests of models name what they like.
    `stdio_commands` are the programs, as they are written in `command`, that servers may be.
    `allowed_hosts` are names of the gateway, under which callers without a key reach it, `allowed_origins`
    the origins of web pages that may speak with servers.
    `tool_rounds` is how often a model that calls tools of type `mcp` is asked again with what they came to.
    `servers` are those that the gateway relays to, by their names: the section `mcp_servers` lands here, and
    in `access` those of `general_settings` that say who may reach them.
    """

    allowed_servers: tuple[AllowedServer, ...] = ()
    allowed_connectors: frozenset[str] = frozenset()
    allow_inline_credentials: bool = False
    checks_requests: bool = True
    servers: dict[str, McpServer] | None = None
    tool_rounds: Annotated[int, msgspec.Meta(ge=0, le=100)] = 10
    stdio_commands: frozenset[str] = frozenset()
    allowed_hosts: frozenset[str] = frozenset()
    allowed_origins: frozenset[str] = frozenset()
    access: AccessSettings = AccessSettings()


class RemoteServers:
    """Checks the MCP servers that a request names in `tools` and `mcp_servers`."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    @hookimpl
    def authorize(self, context: RequestContext) -> Awaitable[None] | None:
        """Refuse servers that a request may not name."""
        self.check_named(context)

    def check_named(self, context: RequestContext) -> None:
        """Raise PermissionDenied for the first entry that names a server which is not allowed."""
        members = context.body.members
        if not self._settings.checks_requests or _NAMING.isdisjoint(members):
            return
        for index, tool in _list_objects(context, "tools"):
            if _names_a_server(tool):
                self._check(tool, f"tools[{index}]")
        for index, server in _list_objects(context, "mcp_servers"):
            self._check(server, f"mcp_servers[{index}]")

    def _check(self, entry: Mapping[str, object], path: str) -> None:
        named = [place for place in _PLACES if entry.get(place) is not None]
        if not named:
            raise _refusal(path, "names an MCP server by neither 'server_url' nor 'connector_id'")
        for place in named:
            self._check_place(entry, place, path)
        self._check_credentials(entry, path)

    def _check_place(self, entry: Mapping[str, object], place: str, path: str) -> None:
        value, settings = entry[place], self._settings
        if place == "connector_id":
            if not isinstance(value, str) or value not in settings.allowed_connectors:
                problem = "names a connector that is not allowed"
                raise _refusal(f"{path}.{place}", problem, "allowed_connectors")
            return
        label = entry.get("server_label", entry.get("name"))
        is_allowed = isinstance(value, str) and any(
            is_inside(value, server) and (server.label is None or server.label == label)
            for server in settings.allowed_servers
        )
        if not is_allowed:
            raise _refusal(f"{path}.{place}", "names an MCP server that is not allowed", "allowed_servers")

    def _check_credentials(self, entry: Mapping[str, object], path: str) -> None:
        if self._settings.allow_inline_credentials:
            return
        for name in _CREDENTIALS:
            if entry.get(name):
                message = "carries credentials for an MCP server; leave them out"
                raise _refusal(f"{path}.{name}", message, "allow_inline_credentials")


class McpPlugin(RemoteServers, Relay):
    """Both: what requests of models may name, and the relay to the operator's own servers."""

    def __init__(self, settings: Settings, services: PluginServices) -> None:
        """Raises ValueError for names that no path can have or two servers have, and for commands."""
        RemoteServers.__init__(self, settings)
        access = Access(settings.access)
        directory = Directory(settings.servers, settings.stdio_commands, services.mcp, access)
        pages = Pages(settings.allowed_hosts, settings.allowed_origins, services.public)
        bases = Bases(services.public, access, settings.allowed_hosts)
        meanings = Meanings(services.models, services.clock)
        finder = Finder(meanings, services.mcp)
        Relay.__init__(self, directory, pages, bases, finder, services)
        self._rounds = settings.tool_rounds
        self._is_configured = bool(settings.servers)
        self._source = services.mcp

    def idle_hooks(self, use: HookUse) -> frozenset[str]:
        """The hooks that nobody needs: requests to models do without most, those without servers without all.

        Where the operator has said something of the plugin, `/mcp` is there even without servers.
        """
        checks = self._settings.checks_requests
        has_servers = self._is_configured or bool(self._source.current.servers)
        if use is HookUse.PATHS:
            return _OF_MODELS if has_servers or checks else _OF_MODELS | _OF_PASS_THROUGHS | _OF_BOTH
        idle = _OF_PASS_THROUGHS if has_servers else _OF_PASS_THROUGHS | _OF_MODELS
        return idle if checks else idle | _OF_BOTH

    @hookimpl
    def answer_request(
        self, context: RequestContext, gateway: Forwarder
    ) -> AbstractAsyncContextManager[UpstreamStream] | None:
        """Answer a model's request with tools of the gateway's own servers. Raises BadRequest, NotFound."""
        if context.endpoint not in _WITH_TOOLS or "tools" not in context.body.members:
            return None
        entries = read_entries(context.body, self._directory.current)
        if not entries:
            return None
        return answer_with_tools(context, entries, gateway, self._finder, self._rounds)

    @hookimpl
    def authorize(self, context: RequestContext) -> Awaitable[None] | None:
        """Refuse servers that a request may not name, or may not reach."""
        self.check_named(context)
        # No coroutine for requests of models, which are not awaited then.
        return self.read(context) if context.endpoint is Endpoint.MCP else None


def build(settings: Settings, services: PluginServices) -> RemoteServers:
    """The plugin for its settings; without the section `mcp_servers`, empty or not, there is no relay."""
    return RemoteServers(settings) if settings.servers is None else McpPlugin(settings, services)


def _list_objects(context: RequestContext, name: str) -> list[tuple[int, Mapping[str, object]]]:
    """The objects in an array of the body, with their indexes; other shapes are the provider's to refuse."""
    value = read_member(context, name)
    items = cast("list[object]", value) if isinstance(value, list) else []  # decoded JSON
    return [
        (index, cast("Mapping[str, object]", item))  # decoded JSON
        for index, item in enumerate(items)
        if isinstance(item, dict)
    ]


def _names_a_server(tool: Mapping[str, object]) -> bool:
    """Whether a tool is one of an MCP server, however leniently a provider may read the type."""
    kind = tool.get("type")
    is_mcp = isinstance(kind, str) and kind.strip().lower() == "mcp"
    return is_mcp or "server_url" in tool or "connector_id" in tool


def _refusal(path: str, problem: str, setting: str = "allowed_servers") -> PermissionDenied:
    remedy = f"An administrator can allow it with the setting '{setting}' of the plugin 'mcp'."
    return PermissionDenied(
        f"'{path}' {problem}. {remedy}",
        param=path,
        details={"plugin": "mcp", "setting": f"{_SECTION}.{setting}"},
    )
