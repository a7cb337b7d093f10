"""Whose requests may be explained to whom: an administrator asks about any key, others about their own."""

from gateway.domain import Principal, Role
from gateway.errors import NotFound, PermissionDenied
from gateway.identity.credentials import KEY_PREFIX
from gateway.ids import hash_token
from gateway.runtime import Gateway

__all__ = ["find_subject", "sees_everything"]

_SEE_ALL = frozenset({Role.PROXY_ADMIN, Role.PROXY_ADMIN_VIEWER})


def sees_everything(asker: Principal) -> bool:
    """Whether somebody may ask about any key, and sees all of the answer."""
    return asker.role in _SEE_ALL


async def find_subject(gateway: Gateway, asker: Principal, key: str | None) -> Principal:
    """Find whom a question is about: by a key, its hash or its alias; without one it is the asker.

    Raises PermissionDenied for somebody else's key and, for who is no administrator, for one that does not
    exist; else NotFound for that.
    """
    if key is None:
        return asker
    token = hash_token(key) if key.startswith(KEY_PREFIX) else key
    if asker.token_hash and asker.token_hash == token:
        return asker
    found = await gateway.parts.principals.find(token)
    if found is None and token == key:
        token = await gateway.parts.keys.find_token_of_alias(key)
        found = None if token is None else await gateway.parts.principals.find(token)
    if not sees_everything(asker) and not _is_own(asker, found):
        raise PermissionDenied("You can have your own keys explained only.", param="key")
    if found is None:
        raise NotFound("There is no such key: name a key, its hash or its alias.", param="key")
    return found


def _is_own(asker: Principal, found: Principal | None) -> bool:
    if found is None:
        return False
    is_same_user = asker.user_id is not None and asker.user_id == found.user_id
    return found.token_hash == asker.token_hash or is_same_user
