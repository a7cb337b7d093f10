"""The relay: messages to MCP servers, one or several, under their paths."""

from contextlib import suppress
from functools import partial
from typing import cast

import msgspec

from gateway.domain import (
    Claim,
    Endpoint,
    McpArrival,
    McpFindings,
    McpLogin,
    McpLoginAnswer,
    McpRenewal,
    McpServerRecord,
    PassThrough,
)
from gateway.errors import BadRequest, NotFound
from gateway.hooks import (
    CallGuard,
    Forwarder,
    ForwardRequest,
    OpenAnswer,
    PluginServices,
    ReadBody,
    RequestContext,
    RequestHead,
    hookimpl,
)
from gateway_mcp.aggregate.asked import Asked
from gateway_mcp.aggregate.roof import Roof
from gateway_mcp.aggregate.search_guard import SearchGuard
from gateway_mcp.aggregate.tools import RoofTools
from gateway_mcp.bases import Bases
from gateway_mcp.charging import list_claims
from gateway_mcp.clients import Clients
from gateway_mcp.conversation import RefusedError
from gateway_mcp.credentials import Credentials
from gateway_mcp.directory import Directory
from gateway_mcp.documents import Documents
from gateway_mcp.finder import Finder
from gateway_mcp.listings import Listings
from gateway_mcp.messages import MessageGuard
from gateway_mcp.oauth.exchanges import Exchanges
from gateway_mcp.oauth.logins import Logins
from gateway_mcp.oauth.moved import find_moved
from gateway_mcp.oauth.network import Network
from gateway_mcp.oauth.registration import Registrations
from gateway_mcp.oauth.user_tokens import UserTokens
from gateway_mcp.older.calls import CALL, Call
from gateway_mcp.older.opening import OlderServer
from gateway_mcp.older.paths import find_older, mount_of
from gateway_mcp.older.posts import Posts
from gateway_mcp.older.revisions import check_stream
from gateway_mcp.older.streams import Streams
from gateway_mcp.pages import Pages
from gateway_mcp.places import Place, Places, is_plain, list_named, narrow_place
from gateway_mcp.probing import probe, refuse_settings
from gateway_mcp.reach import Reach
from gateway_mcp.rest import PlainGuard, PlainServers, lead_plain
from gateway_mcp.rights import check_server, check_toolset, refuse_server, refuse_toolset
from gateway_mcp.sessions import Sessions
from gateway_mcp.single import CALLED_TOOL, SingleServer, SingleTools
from gateway_mcp.tokens import Tokens
from gateway_mcp.transports.asking import ask_users
from gateway_mcp.transports.cancelling import stop_refused
from gateway_mcp.transports.choose import Transports
from gateway_mcp.transports.refusing import StatingForwarder
from gateway_mcp.transports.repeating import Repeating, is_modern_call, is_rewritten
from gateway_mcp.upstreams import Upstream, Upstreams
from gateway_mcp.ways import Ways

__all__ = ["Relay"]

_GUARD = "gateway_mcp.guard"
"""In the state of the request: what has read its message, and watches over its answer."""
_PLACE = "gateway_mcp.place"
"""In the state of the request: where its path leads."""
_LIST_SECONDS = 60.0
_NO_REQUEST = ForwardRequest("", "", (), None, _LIST_SECONDS, _LIST_SECONDS, 0)


class _Found(msgspec.Struct, frozen=True):
    """The place of a request among the servers of one moment."""

    upstreams: Upstreams
    place: Place


class Relay:
    """Leads messages to the servers that the operator has declared, as far as the caller may.

    To one server bodies pass through byte for byte; of a message its method and the name of a tool are read,
    of an answer the lists of tools. What several servers list is put together.
    """

    def __init__(
        self, directory: Directory, pages: Pages, bases: Bases, finder: Finder, services: PluginServices
    ) -> None:
        self._directory = directory
        self._places = Places()
        self._pages = pages
        self._clients = Clients(services.mcp)
        network = Network(services.forwarder, services.guarded_forwarder)
        self._tokens = Tokens(network, services.clock)
        self._exchanges = Exchanges(network, services.clock)
        self._user_tokens = user_tokens = UserTokens(network, services.mcp, services.clock)
        registrations = Registrations(services.mcp, network)
        self._logins = Logins(network, registrations, services.vouchers, services.clock)
        self._transports = Transports(services, self._tokens, user_tokens, self._exchanges)
        self._sessions = Sessions(services.sealing)
        self._bases = bases
        self._ways = Ways(self._places, bases)
        self._credentials = Credentials(
            services.mcp, directory, bases, self._tokens, user_tokens, self._exchanges
        )
        self._finder = finder
        self._listings = Listings(self._transports, self._credentials, services.clock)
        self._repeating = Repeating(self._listings, self._transports)
        self._documents = Documents(directory, bases, services)
        self._streams = services.keeping.keep(Streams, Streams)
        self._posts = Posts(services, self._streams, directory.access.revisions)
        directory.note_gone = self._forget

    @hookimpl
    def check_mcp_server(self, server: McpServerRecord) -> bool:
        """Say that a server of the database can be served. Raises BadRequest."""
        try:
            self._directory.check(server)
        except ValueError as error:
            raise refuse_settings(error) from None
        return True

    @hookimpl
    async def ask_mcp_server(self, server_id: str) -> McpFindings | None:
        """What a server answers now."""
        upstream = self._directory.current.by_name(server_id)
        return None if upstream is None else await probe(upstream, self._transports, self._credentials)

    @hookimpl
    async def try_mcp_server(self, server: McpServerRecord) -> McpFindings:
        """What a server answers that is not served. Raises BadRequest."""
        upstream = self._build(server)
        try:
            return await probe(upstream, self._transports, self._credentials)
        finally:
            await self._transports.end(upstream)
            self._forget(upstream)

    @hookimpl
    async def begin_mcp_login(self, login: McpLogin) -> str | None:
        """Where a browser goes so that a server may be asked in a user's name."""
        upstream = self._directory.current.by_name(login.server_id)
        if login.server is not None:
            upstream = self._build(login.server)
        if upstream is None:
            return None
        if not upstream.settings.logs_users_in:
            message = f"At the MCP server '{upstream.name}' nobody logs in ('auth_type: oauth2')."
            raise BadRequest(message, param="server_id")
        return await self._logins.begin(upstream, login)

    @hookimpl
    async def finish_mcp_login(self, answer: McpLoginAnswer) -> McpArrival:
        """The tokens of a user who has logged in."""
        return await self._logins.finish(self._directory, answer)

    @hookimpl
    async def renew_mcp_login(self, renewal: McpRenewal) -> str | None:
        """The tokens of such a login in the place of others."""
        upstream = self._directory.current.by_name(renewal.server_id)
        if renewal.server is not None:
            upstream = self._build(renewal.server)
        return None if upstream is None else await self._user_tokens.renew_apart(upstream, renewal.credential)

    @hookimpl
    def find_pass_through(self, head: RequestHead) -> PassThrough | None:
        """The way to the servers that the path names."""
        one = lead_plain(head) if is_plain(head.path) else self._ways.find(head, self._directory.current)
        if one is None:
            return None
        brought = self._credentials.names_brought(head)
        return msgspec.structs.replace(one, brought=brought) if brought else one

    async def read(self, context: RequestContext) -> None:
        """Refuse who may not reach the server, and what the message may not say.

        Raises PermissionDenied, NotFound for a server that is gone, BadRequest.
        """
        found = self._check_servers(context)
        if find_older(context.head.path, found.upstreams) is not None:
            check_stream(context.head, self._directory.access.revisions)
            return
        call = context.state.get(CALL)
        if isinstance(call, Call):
            call.check(context.principal.token_hash)
        context.listens = context.head.method == "GET" and not is_plain(context.head.path)
        guard = self._build_guard(context, found)
        await guard.read_request()
        context.state[_GUARD] = guard

    @hookimpl
    async def answer_openly(self, head: RequestHead, read_body: ReadBody) -> OpenAnswer | None:
        """The documents about servers that are passed through; messages of the older transport."""
        older = find_older(head.path, self._directory.current)
        if older is not None and not older.is_stream:
            return await self._posts.answer(older.mount, head, read_body)
        return find_moved(head, self._directory.current) or await self._documents.answer(head)

    @hookimpl
    def collect_claims(self, context: RequestContext) -> list[Claim] | None:
        """Claim what a request takes of the limits of its server."""
        return list_claims(context) if context.endpoint is Endpoint.MCP else None

    def _check_servers(self, context: RequestContext) -> _Found:
        self._pages.check(context)
        self._clients.check(context)
        found = self._find(context)
        place, upstreams = found.place, found.upstreams
        if is_plain(context.head.path):
            return found
        for one in (*(place.upstreams if place.is_single else ()), *list_named(context.head, upstreams)):
            check_server(context, one, upstreams)
        if place.is_single:
            return found
        check_toolset(context, place)
        if place.tools is not None and not Reach(context, place, upstreams).upstreams:
            raise refuse_toolset()
        return found

    @hookimpl(tryfirst=True)
    def open_guards(self, context: RequestContext) -> list[CallGuard] | None:
        """Watch over messages: before guardrails do, which look at calls of tools only."""
        guard = context.state.get(_GUARD)
        return [guard] if isinstance(guard, MessageGuard) else None

    @hookimpl
    async def open_transport(self, context: RequestContext) -> Forwarder | None:
        """Send messages with the servers' own session ids in the place of those that clients know."""
        if context.endpoint is not Endpoint.MCP:
            return None
        found = self._find(context)
        place, upstreams = found.place, found.upstreams
        forwarder = await self._open(context, found)
        if place.upstreams and is_modern_call(context):
            forwarder = await self._repeating.lead(forwarder, context, place)
        if any(one.settings.takes_client_tokens for one in place.upstreams):
            # What servers say of a client's token is told in the answer to its post, too.
            head = msgspec.structs.replace(context.head, path=mount_of(context.head.path, upstreams))
            return StatingForwarder(forwarder, head, self._bases, upstreams)
        call = context.state.get(CALL)
        if isinstance(call, Call):
            call.note_admitted()
        return forwarder

    async def _open(self, context: RequestContext, found: _Found) -> Forwarder:
        owner = context.principal.token_hash
        place, upstreams = found.place, found.upstreams
        older = find_older(context.head.path, upstreams)
        if older is not None:
            probe_place = partial(self._probe, context, place)
            return OlderServer(self._streams, self._posts, owner, older.mount, probe_place)
        if place.is_single:
            one = place.upstreams[0]
            credentials = await self._credentials.list_headers(one, context)
            forwarder = ask_users(
                stop_refused(self._transports.of(one), context), one, context, self._credentials
            )
            called = context.state.get(CALLED_TOOL) if is_rewritten(context) else None
            checked = cast("str | None", called)  # the guard writes nothing else
            return SingleServer(forwarder, self._sessions, owner, place.key, credentials, checked)
        reach = Reach(context, place, upstreams)
        if is_plain(context.head.path):
            return PlainServers(context, reach, self._listings, upstreams)
        blank = Asked(
            context=context,
            request=_NO_REQUEST,
            message={},
            reach=reach,
            listings=self._listings,
            credentials=self._credentials,
            transports=self._transports,
            finder=self._finder,
            parts=None,
        )
        return Roof(blank, self._sessions, owner, place.key, are_searched=place.are_searched)

    async def _probe(self, context: RequestContext, place: Place) -> None:
        """Raise what a server says of a client's token, where that is for the server to judge."""
        for one in place.upstreams:
            if place.is_single and one.settings.takes_client_tokens:
                conversation = await self._listings.converse(one, context)
                with suppress(RefusedError):
                    await conversation.ask("ping", {})

    def _build_guard(self, context: RequestContext, found: _Found) -> MessageGuard:
        place, upstreams = found.place, found.upstreams
        reach = Reach(context, place, upstreams)
        if is_plain(context.head.path):
            return PlainGuard(context, reach, self._listings, upstreams)
        revisions = self._directory.access.revisions
        if place.is_single:
            one = place.upstreams[0]
            tools = SingleTools(context, reach, one, self._listings)
            return MessageGuard(context, tools, revisions.narrowed(one.settings.relayed_revision))
        guard = SearchGuard if place.are_searched else MessageGuard
        return guard(context, RoofTools(context, reach, self._listings), revisions)

    def _build(self, server: McpServerRecord) -> Upstream:
        """A server that is not served. Raises BadRequest."""
        try:
            return self._directory.build(server)
        except ValueError as error:
            raise refuse_settings(error) from None

    def _forget(self, upstream: Upstream) -> None:
        """Keep nothing of a server that was taken away or changed."""
        self._listings.forget(upstream)
        self._listings.eras.forget(upstream)
        self._transports.forget(upstream)
        self._tokens.forget(upstream)
        self._exchanges.forget(upstream)
        self._documents.metadata.forget(upstream)

    def _find(self, context: RequestContext) -> _Found:
        upstreams, known = self._directory.current, context.state.get(_PLACE)
        if isinstance(known, _Found) and known.upstreams is upstreams:
            return known
        place = self._places.find(mount_of(context.head.path, upstreams), upstreams)
        if place is None:
            raise NotFound("There is no such MCP server.", param="mcp_server")
        narrowed = narrow_place(place, context.head.headers, upstreams)
        if place.is_single and not narrowed.upstreams:
            raise refuse_server(place.upstreams[0])
        found = context.state[_PLACE] = _Found(upstreams, narrowed)
        return found
