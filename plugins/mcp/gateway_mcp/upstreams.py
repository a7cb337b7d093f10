"""The MCP servers that the gateway relays to, under their names."""

import re
from collections.abc import Iterable, Mapping
from functools import cached_property

import msgspec

from gateway.domain import McpToolset
from gateway.hooks import RequestHead
from gateway.money import nanos_from_usd
from gateway.sdk.limits import McpServerLimits
from gateway_mcp.access import OPEN, Access
from gateway_mcp.server_terms import McpServer

__all__ = ["Upstream", "Upstreams"]

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.]{0,99}(?:/[A-Za-z0-9][A-Za-z0-9_.]{0,99})?")
_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,99}")


class Upstream(msgspec.Struct, frozen=True, eq=False, dict=True):
    """A server under its name; the address of one that `is_tenants` is a user's, the `submitter`'s.

    Calls ask for much of it, so what follows from its settings is found once.
    """

    name: str
    settings: McpServer
    is_tenants: bool = False
    submitter: str | None = None

    @cached_property
    def id(self) -> str:
        """What object permissions call it."""
        return self.settings.server_id or self.name

    @cached_property
    def names(self) -> tuple[str, ...]:
        """Everything that it is called."""
        settings = self.settings
        return tuple(dict.fromkeys(filter(None, (self.id, self.name, settings.alias))))

    @cached_property
    def has_limits(self) -> bool:
        """Whether there is anything in `limits`."""
        stated = self.settings
        return not (stated.rpm is stated.max_concurrent_requests is stated.max_budget is None)

    @cached_property
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

    @cached_property
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
        self.extra_headers = self.extra_headers | upstream.settings.client_headers
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
