"""What is stored of a login at an MCP server: the tokens, and how they are renewed."""

from datetime import UTC, datetime, timedelta

import msgspec

from gateway_mcp.oauth.grants import Client, Granted
from gateway_mcp.server_terms import McpServer

__all__ = ["Renewal", "StoredTokens", "build_stored", "read_stored"]

_NANOS = 1_000_000_000
_KIND = "oauth2"
_EARLY_SECONDS = 60.0


class Renewal(msgspec.Struct, frozen=True, kw_only=True):
    """Where tokens are renewed, as whom, and for which resource."""

    issuer: str
    token_endpoint: str
    client: Client
    resource: str

    __repr__ = object.__repr__


class StoredTokens(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A user's tokens for a server; the first members are LiteLLM's.

    `granted_at` is in seconds since 1970, `server` the address for which they are.
    """

    type: str
    access_token: str = ""
    refresh_token: str | None = None
    expires_at: str | None = None
    scopes: list[str] | None = None
    connected_at: str | None = None
    granted_at: float = 0.0
    server: str = ""
    renewal: Renewal | None = None

    __repr__ = object.__repr__

    def lasts(self, now_nanos: int) -> bool:
        """Whether there is a token that is still good, as far as that is known."""
        if not self.access_token or self.expires_at is None:
            return bool(self.access_token)
        return _read_time(self.expires_at) > now_nanos / _NANOS

    def is_due(self, now_nanos: int) -> bool:
        """Whether it is time for another token: a minute before its end, or after half of a short time."""
        if not self.access_token or self.expires_at is None:
            return not self.access_token
        end = _read_time(self.expires_at)
        return end - min(_EARLY_SECONDS, (end - self.granted_at) / 2) <= now_nanos / _NANOS

    def age(self, now_nanos: int) -> float:
        """Seconds since the token was granted."""
        return now_nanos / _NANOS - self.granted_at

    def write(self) -> str:
        """One text."""
        return msgspec.json.encode(self).decode()


def build_stored(
    granted: Granted,
    settings: McpServer,
    now_nanos: int,
    renewal: Renewal,
    former: StoredTokens | None = None,
) -> StoredTokens:
    """What is stored of a grant; where a renewal brings no new refresh token, the former one stays."""
    now = datetime.fromtimestamp(now_nanos / _NANOS, UTC)
    bounds = (granted.expires_in, settings.token_storage_ttl_seconds)
    seconds = min((one for one in bounds if one is not None), default=None)
    former_scopes = former.scopes if former else None
    return StoredTokens(
        type=_KIND,
        access_token=granted.access_token,
        refresh_token=granted.refresh_token or (former.refresh_token if former else None),
        expires_at=None if seconds is None else (now + timedelta(seconds=seconds)).isoformat(),
        scopes=granted.scope.split() or former_scopes,
        connected_at=former.connected_at if former else now.isoformat(),
        granted_at=now_nanos / _NANOS,
        server=settings.url,
        renewal=renewal,
    )


def read_stored(text: str, settings: McpServer) -> StoredTokens | None:
    """The tokens of a text; None for what is something else, or was granted for another address."""
    try:
        stored = msgspec.json.decode(text, type=StoredTokens)
    except msgspec.DecodeError:
        return None
    return stored if stored.type == _KIND and stored.server in ("", settings.url) else None


def _read_time(text: str) -> float:
    """A time in seconds since 1970; what cannot be read is over."""
    try:
        read = datetime.fromisoformat(text)
    except ValueError:
        return 0.0
    return (read if read.tzinfo else read.replace(tzinfo=UTC)).timestamp()
