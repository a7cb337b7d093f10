"""Tokens for what people have granted: an access token is a key of its user that is good for MCP only."""

import base64
import hashlib
import hmac
import secrets
from collections.abc import Container, Mapping
from datetime import timedelta
from typing import Any

import msgspec

from gateway.audit.changes import Audited, created, deleted
from gateway.audit.trail import Actor
from gateway.db.rows import Columns
from gateway.db.vouchers import Vouchers
from gateway.domain import Principal, Scope, ScopeKind
from gateway.identity.credentials import abbreviate
from gateway.identity.grants.authorizing import CODE_PURPOSE, Code
from gateway.identity.grants.clients import Client
from gateway.identity.grants.minting import Mint, Minted
from gateway.identity.grants.refusals import OAuthRefusal
from gateway.identity.grants.store import Grant, GrantStore
from gateway.identity.login.sessions import MCP_METHOD
from gateway.identity.login.terminal_store import TerminalStore
from gateway.identity.records import Records
from gateway.identity.special_models import NO_DEFAULT_MODELS
from gateway.ids import hash_token

__all__ = ["Granting"]

_ACCESS_SECONDS, _REFRESH_SECONDS = 3_600, 30 * 86_400
_EVERYTHING = "mcp_routes"
_ANOTHER = "'resource' is another one than was granted."


class Granting:
    """Grants, renews and takes back. Raises DatabaseUnavailable.

    A grant lives as long as its key's row: who deletes or blocks the key ends it. Each refresh token holds
    once; one that comes a second time was stolen from somebody, so that the grant is over.
    """

    def __init__(
        self, records: Records, store: GrantStore, vouchers: Vouchers, people: TerminalStore
    ) -> None:
        self._records = records
        self._store = store
        self._vouchers = vouchers
        self._people = people

    async def redeem(
        self, client: Client, fields: Mapping[str, str], resources: Container[str] | None, mint: Mint
    ) -> Columns:
        """Tokens for a code, which is for one of the `resources`, if any are named; `mint` makes one.

        Raises OAuthRefusal; a code that comes again ends what it has granted.
        """
        secret = fields.get("code", "")
        text = await self._vouchers.redeem(CODE_PURPOSE, secret)
        identifier = hash_token(secret)
        if text is None:
            await self._end(identifier)
            raise _refuse("The code is unknown, used or too old.")
        code = msgspec.json.decode(text, type=Code)
        verifier = fields.get("code_verifier", "")
        digest = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
        is_clients = code.client_id == client.client_id
        if not is_clients or fields.get("redirect_uri", code.redirect_uri) != code.redirect_uri:
            raise _refuse("The code is another client's, or for another 'redirect_uri'.")
        if not hmac.compare_digest(digest, code.challenge):
            raise _refuse("'code_verifier' is not the one of the code.")
        if resources is not None and code.resource not in resources:
            raise OAuthRefusal("invalid_target", _ANOTHER)
        await self._check_person(code.user_id, code.team_id)
        key = mint(_minted(client, code.user_id, code.resource))
        async with self._records.transaction():
            row = await self._store.insert_key(self._build_key(key, code))
            grant, refresh = self._next(identifier, client, key)
            if not await self._store.begin(grant, self._records.now(), self._end_of(_REFRESH_SECONDS)):
                raise _refuse("The code was used.")
            await self._records.audit.record(Actor(code.user_id), created(Audited.KEY, grant.token, row))
        return _tell(key, refresh)

    async def refresh(
        self, client: Client, token: str, resources: Container[str] | None, mint: Mint
    ) -> Columns:
        """New tokens in the place of others; `mint` makes one. Raises OAuthRefusal."""
        identifier = token.partition(".")[0]
        async with self._records.transaction():
            found = await self._store.lock(identifier, self._records.now())
            if found is None or found.client_hash != hash_token(client.client_id):
                raise _refuse("The refresh token is unknown, over, or another client's.")
            row = await self._find_row(found, token)
            if row is not None:
                if resources is not None and row["metadata"].get("mcp_resource") not in resources:
                    raise OAuthRefusal("invalid_target", _ANOTHER)
                return await self._turn(found, client, row, mint)
        await self._end(identifier)
        raise _refuse("The refresh token was used before, or is over. Log in again.")

    async def revoke(self, token: str) -> None:
        """End what a token is of, whichever of the two it is (RFC 7009); an unknown one is no fault."""
        identifier = await self._store.find_of_token(hash_token(token))
        if identifier is None and "." in token:
            async with self._records.transaction():
                found = await self._store.lock(token.partition(".")[0], self._records.now())
            is_current = found is not None and hmac.compare_digest(found.refresh_hash, hash_token(token))
            identifier = found.id if found is not None and is_current else None
        if identifier is not None:
            await self._end(identifier)

    async def introspect(self, token: str, caller: Principal) -> Columns:
        """What an access token is (RFC 7662), for administrators and for its user."""
        row = await self._store.find_key(hash_token(token))
        is_seen = row is not None and (caller.is_admin or caller.user_id == row["user_id"])
        if row is None or not is_seen or row["metadata"].get("login_method") != MCP_METHOD:
            return {"active": False}
        if row["blocked"] or row["expires"] <= self._records.now():
            return {"active": False}
        return {
            "active": True,
            "token_type": "Bearer",
            "sub": row["user_id"],
            "exp": int(row["expires"].timestamp()),
            "client_name": row["metadata"].get("mcp_client"),
            "resource": row["metadata"].get("mcp_resource"),
            "team_id": row["team_id"],
        }

    async def _find_row(self, found: Grant, token: str) -> Columns | None:
        """The key of a grant, if the refresh token is the current one and its person may have it still."""
        if not hmac.compare_digest(found.refresh_hash, hash_token(token)):
            return None
        row = await self._store.find_key(found.token)
        if row is None or row["blocked"]:
            return None
        await self._check_person(row["user_id"], row["team_id"])
        return row

    async def _turn(self, found: Grant, client: Client, row: Columns, mint: Mint) -> Columns:
        """Put another key in the place of a grant's; in a transaction."""
        key = mint(_minted(client, str(row["user_id"]), str(row["metadata"].get("mcp_resource") or "")))
        grant, refresh = self._next(found.id, client, key)
        values = {**row, **self._secrets(key), "spend": 0, "updated_at": self._records.now()}
        await self._store.delete_key(found.token)
        made = await self._store.insert_key(values)
        await self._store.turn(grant, self._end_of(_REFRESH_SECONDS))
        await self._note(str(row["user_id"]), found.token, created(Audited.KEY, grant.token, made))
        return _tell(key, refresh)

    async def _end(self, identifier: str) -> None:
        async with self._records.transaction():
            found = await self._store.lock(identifier, self._records.now())
            if found is None:
                return
            row = await self._store.find_key(found.token)
            await self._store.delete(identifier)
            await self._store.delete_key(found.token)
            if row is not None:
                await self._note(str(row["user_id"]), found.token)

    async def _note(self, user_id: str, gone: str, *others: Any) -> None:
        """Tell every worker, and the trail, that a key is there no more."""
        await self._records.notices.announce((Scope(ScopeKind.KEY, gone),))
        change = deleted(Audited.KEY, gone, {"token": gone})
        await self._records.audit.record(Actor(user_id), change, *others)

    async def _check_person(self, user_id: str, team_id: str | None) -> None:
        is_there = await self._people.find_user(user_id) is not None
        if is_there and team_id is not None:
            is_there = team_id in [team["team_id"] for team in await self._people.list_teams(user_id)]
        if not is_there:
            raise _refuse("Who granted this is here no more, or no more in the team.")

    def _next(self, identifier: str, client: Client, key: str) -> tuple[Grant, str]:
        """The grant with new secrets, and the refresh token."""
        refresh = f"{identifier}.{secrets.token_urlsafe(32)}"
        grant = Grant(
            id=identifier,
            client_hash=hash_token(client.client_id),
            refresh_hash=hash_token(refresh),
            token=hash_token(key),
        )
        return grant, refresh

    def _build_key(self, key: str, code: Code) -> Columns:
        metadata = {
            "login_method": MCP_METHOD,
            "mcp_client": code.client_name,
            "mcp_resource": code.resource,
        }
        return {
            **self._secrets(key),
            "user_id": code.user_id,
            "team_id": code.team_id,
            "models": [NO_DEFAULT_MODELS],
            "allowed_routes": _routes_of(code.resource),
            "metadata": metadata,
            "created_by": code.user_id,
            "updated_by": code.user_id,
        }

    def _secrets(self, key: str) -> Columns:
        token = hash_token(key)
        return {
            "token": token,
            "key_name": abbreviate(key),
            "key_alias": f"{MCP_METHOD}-{token[:12]}",
            "expires": self._end_of(_ACCESS_SECONDS),
        }

    def _end_of(self, seconds: int) -> Any:
        return self._records.now() + timedelta(seconds=seconds)


def _routes_of(resource: str) -> list[str]:
    """The routes that a token for a resource opens."""
    if not resource:
        return [_EVERYTHING]
    return [resource, f"{resource}/*"]


def _minted(client: Client, user_id: str, resource: str) -> Minted:
    return Minted(user_id=user_id, client_id=client.client_id, resource=resource, seconds=_ACCESS_SECONDS)


def _tell(key: str, refresh: str) -> Columns:
    return {
        "access_token": key,
        "token_type": "Bearer",
        "expires_in": _ACCESS_SECONDS,
        "refresh_token": refresh,
    }


def _refuse(message: str) -> OAuthRefusal:
    return OAuthRefusal("invalid_grant", message)
