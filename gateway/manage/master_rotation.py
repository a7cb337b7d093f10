"""Changing the master key: what is encrypted under it is encrypted anew."""

from typing import Any

from gateway.domain import Principal, Secret
from gateway.errors import BadRequest, PermissionDenied
from gateway.identity.credentials import hash_of
from gateway.identity.master import MASTER_USER_ID
from gateway.ids import hash_token
from gateway.runtime import Gateway
from gateway.settings.master_key import find_weakness

__all__ = ["rotate_master"]


async def rotate_master(
    caller: Principal, gateway: Gateway, named: str | None, new_key: str
) -> dict[str, Any]:
    """Encrypt the database's secrets under a new master key, unless a salt key of their own encrypts them.

    The gateway knows its master key from where it was started: it has to be set there, and the gateway
    restarted. Raises PermissionDenied for who is not the master key itself, BadRequest for a weak key
    and for secrets that cannot be decrypted.
    """
    is_master = caller.user_id == MASTER_USER_ID and caller.key_name is None
    if not is_master or (named is not None and hash_of(named) != caller.token_hash):
        raise PermissionDenied("Only the master key itself is changed by it.", param="new_master_key")
    weakness = find_weakness(new_key)
    if weakness is not None:
        message = f"The new master key {weakness}."
        raise BadRequest(message, param="new_master_key", type="bad_request_error")
    report: dict[str, Any] = {}
    if gateway.snapshot.settings.environment.salt_key is None:
        report = await gateway.parts.inventory.rotation.rotate(caller, Secret(new_key))
    return {
        "key": new_key,
        "token": hash_token(new_key),
        "message": "Set GATEWAY_MASTER_KEY to the new key and restart every gateway.",
        "report": report,
    }
