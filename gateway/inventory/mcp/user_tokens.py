"""The rules of tokens with which MCP servers are asked in the name of a user."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, cast

import msgspec

from gateway.audit.changes import Audited, created
from gateway.audit.trail import Actor
from gateway.catalog.mcp_stock import McpStock
from gateway.db.engine import Database
from gateway.db.rows import Columns
from gateway.db.sealing import Seal
from gateway.domain import McpArrival, Principal
from gateway.errors import BadRequest, NotFound
from gateway.identity.records import Records
from gateway.inventory.mcp.notices import announce_credential
from gateway.inventory.mcp.request import OAuthCredentialRequest
from gateway.inventory.mcp.service import McpServerService
from gateway.inventory.mcp.surroundings import McpSurroundings
from gateway.inventory.mcp.user_credential_store import UserCredentialRecords
from gateway.inventory.mcp.user_credentials import check_sendable, user_of

__all__ = ["OAUTH", "UserTokenService"]

OAUTH = "oauth2"
_LONGEST = 8_192


class _Kept(msgspec.Struct, frozen=True, omit_defaults=True):
    """What is stored, by LiteLLM's names; the plugin that serves MCP stores more beside it."""

    type: str
    access_token: str = ""
    refresh_token: str | None = None
    expires_at: str | None = None
    scopes: list[str] | None = None
    connected_at: str | None = None

    __repr__ = object.__repr__


class _Held(msgspec.Struct, frozen=True):
    """For which address tokens are."""

    server: str = ""


class UserTokenService:
    """Stores tokens encrypted, and tells of them only that they are there. Raises DatabaseUnavailable."""

    def __init__(self, database: Database, records: Records, seal: Seal, servers: McpServerService) -> None:
        self._database = database
        self._records = records
        self._seal = seal
        self._servers = servers
        self._credentials = UserCredentialRecords(database)

    async def find_server(self, caller: Principal, name: str, around: McpSurroundings) -> Columns:
        """The server of an id, a name or an alias at which the caller may log in. Raises NotFound."""
        return await self._servers.find_named(caller, name, around)

    async def find_login(
        self, caller: Principal, name: str, stock: McpStock, around: McpSurroundings
    ) -> str | None:
        """The server of a name at which a caller who lets a client in must log in too (`dcr_bridge`).

        None where that is not so, or has been done.
        """
        stated = (*around.configured.values(), *(one.settings for one in around.shelf.servers))
        if not any(one.get("dcr_bridge") for one in stated):
            return None
        try:
            server = await self.find_server(caller, name, around)
        except NotFound:
            return None
        identifier = str(server["server_id"])
        settings = _settings_of(identifier, around)
        if not settings.get("dcr_bridge") or not _logs_users_in(server, settings):
            return None
        text = await stock.find_credential(user_of(caller), identifier)
        kept = None if text is None else _read(text)
        now = self._records.now()
        return identifier if kept is None or not (kept.refresh_token or not _is_over(kept, now)) else None

    async def save(
        self, caller: Principal, server_id: str, sent: OAuthCredentialRequest, around: McpSurroundings
    ) -> Columns:
        """Store tokens that the caller has brought. Raises BadRequest for what cannot be sent."""
        user_id = user_of(caller)
        server = await self.find_server(caller, server_id, around)
        identifier = str(server["server_id"])
        _check_takes_tokens(server, _settings_of(identifier, around))
        for name, token in (
            ("access_token", sent.access_token),
            ("refresh_token", sent.refresh_token or "-"),
        ):
            check_sendable(token, name, _LONGEST)
        now = self._records.now()
        expires = None if sent.expires_in is None else (now + timedelta(seconds=sent.expires_in)).isoformat()
        kept = _Kept(OAUTH, sent.access_token, sent.refresh_token, expires, sent.scopes, now.isoformat())
        await self._store(caller, user_id, identifier, msgspec.json.encode(kept).decode())
        return _show(identifier, kept, now)

    async def take_over(self, user_id: str, server_id: str, credential: str, around: McpSurroundings) -> None:
        """Store what a program held of a login, if that was at this server: so it can be renewed."""
        held = msgspec.json.decode(credential, type=_Held)
        if held.server and held.server == _settings_of(server_id, around).get("url"):
            await self._store(Actor(user_id), user_id, server_id, credential)

    async def keep(self, arrival: McpArrival, remark: str) -> None:
        """Store what a login has brought, with what is to be remarked of who has logged in."""
        actor = Actor(arrival.user_id)
        await self._store(actor, arrival.user_id, arrival.server_id, arrival.credential, remark)

    async def status(
        self, caller: Principal, server_id: str, stock: McpStock, around: McpSurroundings
    ) -> Columns:
        """Whether the caller has logged in at a server, and until when that holds."""
        server = await self.find_server(caller, server_id, around)
        identifier = str(server["server_id"])
        text = await stock.find_credential(user_of(caller), identifier)
        kept = None if text is None else _read(text)
        return _show(identifier, kept, self._records.now())

    async def _store(
        self, actor: Principal | Actor, user_id: str, server_id: str, text: str, remark: str = ""
    ) -> None:
        row = {"server_id": server_id, **({"identity_binding": remark} if remark else {})}
        async with self._records.transaction():
            await self._credentials.save(user_id, server_id, self._seal.close(text))
            change = created(Audited.MCP_USER_CREDENTIAL, f"{user_id}:{server_id}", row)
            await self._records.audit.record(actor, change)
            await announce_credential(self._database, user_id, server_id)


def _settings_of(server_id: str, around: McpSurroundings) -> Mapping[str, Any]:
    stored = next((one.settings for one in around.shelf.servers if one.server_id == server_id), None)
    if stored is not None:
        return stored
    for name, one in around.configured.items():
        if one.get("server_id", name) == server_id:
            return one
    return {}


def _check_takes_tokens(server: Columns, settings: Mapping[str, Any]) -> None:
    """Raise BadRequest for a server that is asked with nobody's tokens, or whose tokens are looked at."""
    reason = ""
    if not _logs_users_in(server, settings):
        reason = "takes no tokens of users ('auth_type: oauth2')"
    elif _binds_identities(settings):
        reason = "takes tokens of a login only, which says whose they are ('oauth_identity_binding')"
    elif settings.get("token_validation"):
        reason = "takes tokens of a login only, where they are looked at ('token_validation')"
    if reason:
        message = f"The MCP server '{str(server['server_id'])[:200]}' {reason}."
        raise BadRequest(message, param="server_id", type="bad_request_error")


def _logs_users_in(server: Columns, settings: Mapping[str, Any]) -> bool:
    return server["auth_type"] == OAUTH and settings.get("oauth2_flow") != "client_credentials"


def _is_over(kept: _Kept, now: datetime) -> bool:
    return kept.expires_at is not None and _read_time(kept.expires_at) <= now


def _binds_identities(settings: Mapping[str, Any]) -> bool:
    binding = settings.get("oauth_identity_binding")
    return isinstance(binding, dict) and cast("Mapping[str, Any]", binding).get("mode") == "enforce"


def _read(text: str) -> _Kept | None:
    try:
        kept = msgspec.json.decode(text, type=_Kept)
    except msgspec.DecodeError:
        return None
    return kept if kept.type == OAUTH and kept.access_token else None


def _show(server_id: str, kept: _Kept | None, now: datetime) -> Columns:
    expires = None if kept is None else kept.expires_at
    return {
        "server_id": server_id,
        "has_credential": kept is not None,
        "is_expired": kept is not None and _is_over(kept, now),
        "expires_at": expires,
        "connected_at": None if kept is None else kept.connected_at,
        "scopes": None if kept is None else kept.scopes,
    }


def _read_time(text: str) -> datetime:
    try:
        read = datetime.fromisoformat(text)
    except ValueError:
        return datetime.min.replace(tzinfo=UTC)
    return read if read.tzinfo else read.replace(tzinfo=UTC)
