"""The rules of mapping claims of tokens to virtual keys."""

import hashlib
from collections.abc import Mapping
from typing import Any

import msgspec

from gateway.audit.changes import Audited, created, deleted, updated
from gateway.db.engine import Database
from gateway.db.rows import Columns
from gateway.domain import Principal, Role, Scope, ScopeKind
from gateway.errors import Conflict, NotFound
from gateway.identity.credentials import KEY_PREFIX
from gateway.identity.faults import Faults
from gateway.identity.keys.request import GenerateKeyRequest
from gateway.identity.keys.service import KeyService
from gateway.identity.records import Records
from gateway.identity.rights import actor_of, check_is_no_viewer, refuse_role
from gateway.identity.tokens.mappings.request import NewMappingRequest
from gateway.identity.tokens.mappings.store import MappingRecords
from gateway.identity.values import check_text
from gateway.ids import hash_token, new_id

__all__ = ["MappingService", "mapping_scope"]

_SEE_ALL = frozenset({Role.PROXY_ADMIN, Role.PROXY_ADMIN_VIEWER})
_DEEPEST = 1_000_000
"""Rows that may be skipped: PostgreSQL reads them all."""
_LONGEST_PAGE = 100
_ROUTE = "/jwt/key/mapping"


def mapping_scope(issuer: str, name: str, value: str) -> Scope:
    """What a change of a mapping is announced as: a key that exists nowhere."""
    said = f"jwt-mapping\0{issuer}\0{name}\0{value}".encode("utf-8", "surrogatepass")
    return Scope(ScopeKind.KEY, hashlib.sha256(said).hexdigest())


class MappingService:
    """Mappings on behalf of a caller: a proxy_admin, or the administrator of the key's organization.

    Every change is one transaction that announces itself. All methods raise DatabaseUnavailable.
    """

    def __init__(self, database: Database, records: Records, keys: KeyService) -> None:
        self._records = records
        self._keys = keys
        self._mappings = MappingRecords(database)

    async def create(self, caller: Principal, request: NewMappingRequest) -> Columns:
        """Make a mapping.

        Raises NotFound for an unknown key, Conflict for a claim that is mapped, PermissionDenied for the key
        of somebody who administers more than the caller.
        """
        check_is_no_viewer(caller)
        sent = msgspec.structs.asdict(request)
        _check_texts(sent)
        token = _hash_of(sent)
        async with self._records.transaction():
            await self._check_may_change(caller, token, "new")
            identifier, issuer = new_id(), request.jwt_issuer or ""
            claim = issuer, request.jwt_claim_name, request.jwt_claim_value
            if not await self._mappings.enter(
                (identifier, *claim, token, request.description, actor_of(caller))
            ):
                raise _taken()
            await self._announce(claim)
            row = await self._mappings.find(identifier) or {}
            await self._records.audit.record(caller, created(Audited.JWT_KEY_MAPPING, identifier, row))
        return _shown(row)

    async def update(self, caller: Principal, sent: Mapping[str, Any]) -> Columns:
        """Change what was sent of a mapping. Raises NotFound, Conflict."""
        check_is_no_viewer(caller)
        _check_texts(sent)
        async with self._records.transaction():
            row = await self._lock(caller, sent["id"], "update")
            changes = {
                name: sent[name]
                for name in ("description", "is_active")
                if name in sent and (name == "description" or sent[name] is not None)
            }
            if sent.get("key") is not None or sent.get("token") is not None:
                changes["token"] = _hash_of(sent)
                await self._check_may_change(caller, changes["token"], "update")
            if "jwt_issuer" in sent:
                changes["jwt_issuer"] = sent["jwt_issuer"] or ""
            issuer = changes.get("jwt_issuer", row["jwt_issuer"])
            claim = row["jwt_claim_name"], row["jwt_claim_value"]
            if await self._mappings.is_taken(issuer, *claim, row["id"]):
                raise _taken()
            changed = await self._mappings.update(row["id"], {**changes, "updated_by": actor_of(caller)})
            await self._announce((row["jwt_issuer"], *claim), (issuer, *claim))
            change = updated(Audited.JWT_KEY_MAPPING, row["id"], row, changed)
            await self._records.audit.record(caller, change)
        return _shown(changed)

    async def delete(self, caller: Principal, identifier: str) -> Columns:
        """Remove a mapping; its key stays. Raises NotFound."""
        check_is_no_viewer(caller)
        _check_texts({"id": identifier})
        async with self._records.transaction():
            row = await self._lock(caller, identifier, "delete")
            await self._mappings.delete(row["id"])
            await self._announce((row["jwt_issuer"], row["jwt_claim_name"], row["jwt_claim_value"]))
            await self._records.audit.record(caller, deleted(Audited.JWT_KEY_MAPPING, row["id"], row))
        return {"status": "success"}

    async def info(self, caller: Principal, identifier: str) -> Columns:
        """Show a mapping. Raises NotFound."""
        _check_texts({"id": identifier})
        row = await self._mappings.find(identifier)
        if row is None:
            raise _not_found(identifier)
        if caller.role not in _SEE_ALL:
            await self._check_administers(caller, row["token"], "info")
        return _shown(row)

    async def list(self, caller: Principal, page: int, size: int) -> Columns:
        """A page of mappings: all, or those of keys of the organizations that the caller administers."""
        faults = Faults()
        if page < 1 or page * max(size, 1) > _DEEPEST:
            faults.add("page", f"must be at least 1, and at most row {_DEEPEST} can be reached.")
        if not 1 <= size <= _LONGEST_PAGE:
            faults.add("size", f"must be from 1 to {_LONGEST_PAGE}.")
        faults.refuse()
        among = None
        if caller.role not in _SEE_ALL:
            among = await self._records.organizations.list_administered(caller.user_id)
            if not among:
                raise refuse_role(caller, f"{_ROUTE}/list")
        rows, total = await self._mappings.list_page(among, size, (page - 1) * size)
        return {
            "mappings": [_shown(row) for row in rows],
            "total_count": total,
            "current_page": page,
            "total_pages": -(-total // size),
        }

    async def find_token(self, issuer: str, name: str, value: str) -> str | None:
        """The hash of the key that a claim stands for, if one does."""
        return await self._mappings.find_token(issuer, name, value)

    async def register(self, maker: Principal, issuer: str, claim: tuple[str, str], caller: Principal) -> str:
        """Make a key for who presents a token, and map its claim to it; returns the key's hash.

        The key belongs to the caller's user, team and organization, and nobody ever sees its secret. Who was
        registered meanwhile keeps the key that was made first.
        """
        request = GenerateKeyRequest(
            user_id=caller.user_id, team_id=caller.team_id, organization_id=caller.organization_id
        )
        try:
            async with self._records.transaction():
                made = await self._keys.generate(maker, request)
                token = str(made["token"])
                identifier = new_id()
                values = (identifier, issuer, *claim, token, "Registered by its first request.")
                if not await self._mappings.enter((*values, actor_of(maker))):
                    raise _taken()
                await self._announce((issuer, *claim))
                row = await self._mappings.find(identifier) or {}
                await self._records.audit.record(maker, created(Audited.JWT_KEY_MAPPING, identifier, row))
        except Conflict:
            known = await self._mappings.find_token(issuer, *claim)
            if known is None:
                raise
            return known
        return token

    async def _lock(self, caller: Principal, identifier: str, verb: str) -> Columns:
        row = await self._mappings.lock(identifier)
        if row is None:
            raise _not_found(identifier)
        await self._check_may_change(caller, row["token"], verb)
        return row

    async def _check_may_change(self, caller: Principal, token: str, verb: str) -> None:
        """Raise unless the key exists and is the caller's to give away."""
        if caller.is_admin and await self._mappings.find_organization(token) is None:
            raise NotFound("No key has this value or hash.", param="token")
        if not caller.is_admin:
            await self._check_administers(caller, token, verb)
            # A token that stands for the key acts as its user.
            await self._keys.owners.check_may_act_for(caller, await self._mappings.find_user(token))

    async def _check_administers(self, caller: Principal, token: str, verb: str) -> None:
        organization = await self._mappings.find_organization(token)
        if not await self._records.organizations.is_administered_by(organization or None, caller.user_id):
            raise refuse_role(caller, f"{_ROUTE}/{verb}")

    async def _announce(self, *claims: tuple[str, str, str]) -> None:
        """Tell every worker; of a mapping for all issuers nobody knows under which it is remembered."""
        if any(not claim[0] for claim in claims):
            await self._records.notices.announce_everything()
        else:
            await self._records.notices.announce(mapping_scope(*claim) for claim in claims)


def _hash_of(sent: Mapping[str, Any]) -> str:
    """The hash of the key that was named; raises BadRequest unless exactly one of both members names it."""
    key, token = sent.get("key"), sent.get("token")
    faults = Faults()
    if (key is None) == (token is None):
        faults.add("key", "Name the key, or its hash as `token`, and not both.")
    faults.refuse()
    named = str(key if key is not None else token)
    return hash_token(named) if named.startswith(KEY_PREFIX) else named


def _check_texts(sent: Mapping[str, Any]) -> None:
    faults = Faults()
    for name in ("id", "jwt_claim_name", "jwt_claim_value"):
        if name in sent:
            check_text(faults, name, sent[name])
    for name in ("jwt_issuer", "description", "key", "token"):
        if sent.get(name):
            check_text(faults, name, sent[name])
    faults.refuse()


def _shown(row: Mapping[str, Any]) -> Columns:
    """A mapping as others may see it: without the hash of its key."""
    return {name: value for name, value in row.items() if name != "token"}


def _not_found(identifier: str) -> NotFound:
    return NotFound(f"Mapping {identifier[:100]} not found.", param="id")


def _taken() -> Conflict:
    return Conflict("This claim of this issuer is mapped already.", param="jwt_claim_value")
