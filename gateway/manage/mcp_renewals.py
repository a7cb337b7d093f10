"""Refresh tokens of programs that hold the tokens of a login at an MCP server (RFC 6749, 6; RFC 9700, 4.14).

They are the gateway's own: that of the server is of use to nobody but the gateway, and stays here.
"""

import hmac
import secrets
from collections.abc import Mapping
from datetime import datetime

import msgspec

from gateway.clock import datetime_from_nanos
from gateway.domain import McpRenewal, McpServerRecord
from gateway.errors import GatewayError
from gateway.identity.grants.refusals import OAuthRefusal
from gateway.ids import hash_token
from gateway.runtime import Gateway

__all__ = ["begin_renewals", "hand_back", "renew"]

_PURPOSE, _SECONDS = "mcp-renewal", 30 * 86_400.0
_OVER = "The refresh token is unknown, was used before, or is over. Log in again."


class _Tokens(msgspec.Struct, frozen=True, kw_only=True):
    """What of a login's credential is a client's to know."""

    access_token: str
    refresh_token: str | None = None
    expires_at: str | None = None
    scopes: list[str] | None = None

    __repr__ = object.__repr__


class _Line(msgspec.Struct, frozen=True, kw_only=True):
    """A login that goes on: `current` is the hash of the only refresh token that holds now."""

    current: str
    credential: str
    server_id: str
    user_id: str

    __repr__ = object.__repr__

    def write(self) -> str:
        return msgspec.json.encode(self).decode()


class _Turn:
    """Puts the next refresh token in the place of one; another one than the current ends the line.

    So does one that comes a second time: somebody has stolen it.
    """

    def __init__(self, secret: str, user_id: str, server_id: str) -> None:
        self._digest = hash_token(secret)
        self._owner = (user_id, server_id)
        self.next = secrets.token_urlsafe(32)
        self.found: _Line | None = None

    def __call__(self, text: str) -> str | None:
        line = msgspec.json.decode(text, type=_Line)
        if (line.user_id, line.server_id) != self._owner:
            return text
        if not hmac.compare_digest(line.current, self._digest):
            return None
        self.found = line
        return msgspec.structs.replace(line, current=hash_token(self.next)).write()


class _End:
    """Ends a line for whoever holds its current refresh token; another one ends it too, and finds nothing."""

    def __init__(self, secret: str, user_id: str) -> None:
        self._digest = hash_token(secret)
        self._user_id = user_id
        self.found: _Line | None = None

    def __call__(self, text: str) -> str | None:
        line = msgspec.json.decode(text, type=_Line)
        if line.user_id != self._user_id:
            return text
        if hmac.compare_digest(line.current, self._digest):
            self.found = line
        return None


class _Settle:
    """Puts down how a line goes on, unless somebody has ended it meanwhile."""

    def __init__(self, line: _Line) -> None:
        self._line = line
        self.is_done = False

    def __call__(self, text: str) -> str:
        del text
        self.is_done = True
        return self._line.write()


async def begin_renewals(
    gateway: Gateway, credential: str, server_id: str, user_id: str
) -> dict[str, object]:
    """The answer to a code: the tokens of a login, with a refresh token if they can be renewed."""
    tokens = msgspec.json.decode(credential, type=_Tokens)
    told = _tell(tokens, datetime_from_nanos(gateway.clock.now_nanos()))
    if not tokens.refresh_token:
        return told
    secret = secrets.token_urlsafe(32)
    line = _Line(current=hash_token(secret), credential=credential, server_id=server_id, user_id=user_id)
    name = await gateway.parts.vouchers.issue(_PURPOSE, line.write(), _SECONDS)
    return {**told, "refresh_token": f"{name}.{secret}"}


async def renew(
    gateway: Gateway,
    fields: Mapping[str, str],
    user_id: str,
    server_id: str,
    server: McpServerRecord | None,
) -> dict[str, object]:
    """Tokens in the place of others, for their user. Raises OAuthRefusal, and UpstreamError."""
    name, _, secret = fields.get("refresh_token", "").partition(".")
    turn, vouchers = _Turn(secret, user_id, server_id), gateway.parts.vouchers
    await vouchers.change(_PURPOSE, name, turn)
    line = turn.found
    if line is None:
        raise OAuthRefusal("invalid_grant", _OVER)
    asked = McpRenewal(server_id=server_id, credential=line.credential, server=server)
    try:
        renewed = await gateway.snapshot.hooks.renew_mcp_login(asked)
    except GatewayError:
        # Nobody has got another one, so that this one holds on.
        await vouchers.change(_PURPOSE, name, _Settle(line))
        raise
    if not renewed:
        await vouchers.redeem(_PURPOSE, name)
        raise OAuthRefusal("invalid_grant", _OVER)
    after = msgspec.structs.replace(line, current=hash_token(turn.next), credential=renewed)
    settle = _Settle(after)
    await vouchers.change(_PURPOSE, name, settle)
    if not settle.is_done:
        raise OAuthRefusal("invalid_grant", _OVER)
    told = _tell(msgspec.json.decode(renewed, type=_Tokens), datetime_from_nanos(gateway.clock.now_nanos()))
    return {**told, "refresh_token": f"{name}.{turn.next}"}


async def hand_back(gateway: Gateway, token: str, user_id: str) -> str | None:
    """The credential for which a refresh token stands, which holds no more; None for one of others."""
    name, _, secret = token.partition(".")
    end = _End(secret, user_id)
    if secret:
        await gateway.parts.vouchers.change(_PURPOSE, name, end)
    return None if end.found is None else end.found.credential


def _tell(tokens: _Tokens, now: datetime) -> dict[str, object]:
    """The answer of a token endpoint (RFC 6749, 5.1), but for the refresh token."""
    told: dict[str, object] = {"access_token": tokens.access_token, "token_type": "Bearer"}
    if tokens.expires_at:
        ends = datetime.fromisoformat(tokens.expires_at)
        told["expires_in"] = max(0, int((ends - now).total_seconds()))
    if tokens.scopes:
        told["scope"] = " ".join(tokens.scopes)
    return told
