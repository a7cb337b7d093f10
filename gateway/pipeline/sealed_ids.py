"""Ids of stored responses, sealed: only whom a response belongs to can name it."""

import base64
import hashlib

import msgspec

from gateway.db.sealing import Seal, Tokens
from gateway.domain import Principal, StoredResponse
from gateway.errors import BadRequest

__all__ = ["open_id", "seal_beside", "seal_id", "unknown_response"]

_PURPOSE = "id of a stored response"
_PREFIX = "resp_"
_VERSION = 1
_LONGEST = 4_096
_MARK_BYTES = 16


class _Sealed(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """What is inside a sealed id. Of its owners only marks are kept: their own ids may be of any length."""

    version: int
    id: str
    deployment_id: str
    model: str
    tokens: int
    is_guarded: bool
    key: str
    user: str
    team: str


_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(_Sealed).decode


def seal_id(seal: Seal, stored: StoredResponse, owner: Principal) -> str:
    """The id under which a response is told to its owner: a text that says nothing to anybody else."""
    key, user, team = _marks(owner)
    inside = _Sealed(
        _VERSION,
        stored.id,
        stored.deployment_id,
        stored.model,
        stored.tokens,
        stored.is_guarded,
        key,
        user,
        team,
    )
    return _close(seal, inside)


def seal_beside(seal: Seal, sealed: str, identifier: str) -> str | None:
    """The id of the response that another one has gone on from, which belongs to the same owner.

    Nothing else is known of it: it counts as guarded, and with all the tokens of the one that followed.
    """
    found = _open(seal, sealed)
    if found is None:
        return None
    return _close(seal, msgspec.structs.replace(found, id=identifier, is_guarded=True))


def open_id(seal: Seal, sealed: str, caller: Principal, param: str) -> StoredResponse:
    """The response that an id stands for.

    Raises BadRequest, the same for an id that is none and for one that belongs to somebody else.
    """
    found = _open(seal, sealed)
    if found is None or not _is_of(found, caller):
        raise unknown_response(param)
    return StoredResponse(
        id=found.id,
        deployment_id=found.deployment_id,
        model=found.model,
        tokens=found.tokens,
        is_guarded=found.is_guarded,
    )


def unknown_response(param: str) -> BadRequest:
    """The refusal of an id that the caller may not name; nobody learns whether there is such a response."""
    return BadRequest(
        f"'{param}' is no id of a response that the gateway has answered to this key, its user or its team.",
        param=param,
    )


def _close(seal: Seal, inside: _Sealed) -> str:
    return _PREFIX + Tokens(seal).close(_PURPOSE, _encode(inside).decode())


def _open(seal: Seal, sealed: str) -> _Sealed | None:
    if len(sealed) > _LONGEST or not sealed.startswith(_PREFIX):
        return None
    text = Tokens(seal).open(_PURPOSE, sealed.removeprefix(_PREFIX))
    if text is None:
        return None
    try:
        found = _decode(text)
    except msgspec.DecodeError:
        # Another release sealed more or less.
        return None
    return found if found.version == _VERSION else None


def _is_of(found: _Sealed, caller: Principal) -> bool:
    """Whether a response is the caller's: its key's, its user's in the same team, or that of its team.

    A team owns only what was answered to a key without a user.
    """
    if caller.is_admin:
        return True
    key, user, team = _marks(caller)
    if key and key == found.key:
        return True
    if found.user:
        return (found.user, found.team) == (user, team)
    return bool(found.team) and found.team == team


def _marks(principal: Principal) -> tuple[str, str, str]:
    return (
        _mark("key", principal.token_hash),
        _mark_person(principal),
        _mark("team", principal.team_id),
    )


def _mark_person(principal: Principal) -> str:
    """The user; and where the credential itself names an end user, this one apart from all others."""
    if principal.end_user_id:
        return _mark("end user", f"{principal.user_id or ''}\n{principal.end_user_id}")
    return _mark("user", principal.user_id)


def _mark(kind: str, identifier: str | None) -> str:
    if not identifier:
        return ""
    digest = hashlib.sha256(f"{kind}\n{identifier}".encode("utf-8", "surrogatepass")).digest()
    return base64.urlsafe_b64encode(digest[:_MARK_BYTES]).decode().rstrip("=")
