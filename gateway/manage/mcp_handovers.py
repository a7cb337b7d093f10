"""Tokens of a login at an MCP server that a program gets for a code (RFC 6749, 4.1)."""

import base64
import hashlib
import hmac
from collections.abc import Mapping
from urllib.parse import urlencode, urlsplit

import msgspec
from litestar.response import Redirect

from gateway.domain import McpArrival, McpLoginClient
from gateway.identity.grants.refusals import OAuthRefusal
from gateway.manage.mcp_renewals import begin_renewals
from gateway.runtime import Gateway

__all__ = ["hand_over", "redeem"]

_PURPOSE, _SECONDS = "mcp-handover", 60.0


class _Handover(msgspec.Struct, frozen=True, kw_only=True):
    """Tokens that wait for their client, as a login has brought them."""

    credential: str
    client: McpLoginClient
    server_id: str
    user_id: str

    __repr__ = object.__repr__


async def hand_over(gateway: Gateway, arrival: McpArrival, client: McpLoginClient) -> Redirect:
    """Send the browser to where the client waits, with a code for the tokens."""
    waiting = _Handover(
        credential=arrival.credential,
        client=client,
        server_id=arrival.server_id,
        user_id=arrival.user_id,
    )
    text = msgspec.json.encode(waiting).decode()
    code = await gateway.parts.vouchers.issue(_PURPOSE, text, _SECONDS)
    told = {"code": code, **({"state": client.state} if client.state else {})}
    joint = "&" if urlsplit(client.redirect_uri).query else "?"
    address = client.redirect_uri + joint + urlencode(told)
    return Redirect(address, status_code=303, headers={"cache-control": "no-store"})


async def redeem(gateway: Gateway, fields: Mapping[str, str], user_id: str) -> dict[str, object]:
    """The tokens for a code, once, for the user who has logged in. Raises OAuthRefusal."""
    text = await gateway.parts.vouchers.redeem(_PURPOSE, fields.get("code", ""))
    waiting = None if text is None else msgspec.json.decode(text, type=_Handover)
    if waiting is None or waiting.user_id != user_id:
        raise OAuthRefusal("invalid_grant", "The code is unknown, used, too old, or another user's.")
    client, digest = waiting.client, hashlib.sha256(fields.get("code_verifier", "").encode()).digest()
    challenge = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
    is_same = hmac.compare_digest(challenge, client.challenge)
    if not is_same or fields.get("redirect_uri", client.redirect_uri) != client.redirect_uri:
        raise OAuthRefusal("invalid_grant", "'code_verifier' or 'redirect_uri' is not that of the code.")
    return await begin_renewals(gateway, waiting.credential, waiting.server_id, user_id)
