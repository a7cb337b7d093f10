"""The servers that there are now: those of the configuration, and those of the database beside them."""

from collections.abc import Callable, Mapping

import msgspec

from gateway.domain import McpServerRecord, McpShelf
from gateway.hooks import McpSource
from gateway.sdk import plugin_log
from gateway_mcp.access import OPEN, Access
from gateway_mcp.server_terms import McpServer
from gateway_mcp.upstreams import Upstream, Upstreams

__all__ = ["Directory"]

_LOG = plugin_log("mcp")
_SETTING = "gatewright.plugins.settings.mcp.stdio_commands"


class Directory:
    """Knows all servers; what the database says is taken over when it has changed, between two requests."""

    def __init__(
        self,
        servers: Mapping[str, McpServer] | None,
        commands: frozenset[str],
        source: McpSource,
        access: Access = OPEN,
    ) -> None:
        """Raises ValueError for names that no path can have or two servers have, and for commands."""
        self.access = access
        self._configured = dict(servers or {})
        self._commands = commands
        self._source = source
        for name, settings in self._configured.items():
            self._check_command(name, settings)
            _warn_if_open(name, settings)
        self._own = Upstreams(self._configured, access)
        self._shelf: McpShelf | None = None
        self._read: dict[str, tuple[McpServerRecord, Upstream]] = {}
        self._all = self._own
        self.note_gone: Callable[[Upstream], None] = _ignore
        """Called for each server that was taken away or changed."""

    @property
    def current(self) -> Upstreams:
        """The servers of now; the same object as long as nothing has changed."""
        shelf = self._source.current
        if shelf is not self._shelf:
            self._take_over(shelf)
        return self._all

    def check(self, record: McpServerRecord) -> None:
        """Raise ValueError for a server of the database that cannot be served."""
        self._own.copy().add(self.build(record))

    def _take_over(self, shelf: McpShelf) -> None:
        former, self._shelf = self._read, shelf
        self._read, self._all = {}, self._own.copy()
        for record in shelf.servers:
            known = former.get(record.server_id)
            try:
                is_same = known is not None and known[0] == record
                upstream = known[1] if known is not None and is_same else self.build(record)
                self._all.add(upstream)
            except ValueError as error:
                _LOG.warning("mcp_server_not_served", server_id=record.server_id, reason=str(error))
                continue
            self._read[record.server_id] = (record, upstream)
            if not is_same:
                _warn_if_open(upstream.name, upstream.settings)
        for toolset in shelf.toolsets:
            self._all.add_toolset(toolset)
        kept = {upstream for _, upstream in self._read.values()}
        for _, upstream in former.values():
            if upstream not in kept:
                self.note_gone(upstream)

    def build(self, record: McpServerRecord) -> Upstream:
        """What a server of the database comes to, whether it is served or not. Raises ValueError."""
        try:
            settings = msgspec.convert(record.settings, McpServer)
        except msgspec.ValidationError as error:
            raise ValueError(str(error).rstrip(".")) from None
        self._check_command(record.name, settings)
        if settings.spec_path and not settings.spec_path.startswith(("http://", "https://")):
            raise ValueError("'spec_path' is an address; only the configuration may name files")
        if settings.allow_anonymous:
            raise ValueError("only the configuration may say 'allow_anonymous'")
        if settings.exchanges_tokens and record.is_tenants:
            # Its address is a user's, and would be sent what other callers are known by.
            raise ValueError("a server that a user has submitted gets no tokens of callers")
        if settings.signs_requests and record.is_tenants:
            # Whatever it says of keys, those of the machine would be a step away.
            raise ValueError("requests to a server that a user has submitted are not signed")
        if settings.oauth_identity_binding is not None and record.is_tenants:
            # The keys of its issuer would be read wherever the user says.
            raise ValueError("a server that a user has submitted has no 'oauth_identity_binding'")
        return Upstream(record.name, settings, record.is_tenants, record.submitter)

    def _check_command(self, name: str, settings: McpServer) -> None:
        if settings.command and settings.command not in self._commands:
            raise ValueError(
                f"the MCP server '{name}' runs '{settings.command[:100]}' on the gateway's machine; "
                f"allow it in '{_SETTING}'"
            )


def _warn_if_open(name: str, settings: McpServer) -> None:
    if settings.admits_anybody:
        _LOG.warning("mcp_server_open_to_everybody", server=name)


def _ignore(upstream: Upstream) -> None:
    """Nobody remembers anything of it."""
    del upstream
