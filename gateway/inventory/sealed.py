"""The encrypted members of a row: opened for trying them out, closed for storing them."""

from collections.abc import Iterable, Mapping
from typing import Any

from gateway.catalog.stored_rows import open_members
from gateway.db.sealing import Seal, UnsealableError
from gateway.errors import BadRequest

__all__ = ["SealedMembers", "check_destination", "merge_members"]


class SealedMembers:
    """Members of one column, `path`, under the salt key."""

    def __init__(self, seal: Seal, path: str) -> None:
        self._seal = seal
        self._path = path

    def open(self, stored: Mapping[str, object], sent: Mapping[str, object]) -> dict[str, Any]:
        """What is stored, decrypted; what is replaced need not be readable. Raises BadRequest else."""
        members = {
            name: value for name, value in stored.items() if name not in sent or not self._is_lost(value)
        }
        try:
            return open_members(members, self._seal, self._path)
        except UnsealableError as error:
            message = f"{error} Send it again."
            raise BadRequest(message, param=self._path, type="bad_request_error") from error

    def open_readable(self, stored: Mapping[str, object]) -> dict[str, Any]:
        """Those members that can be decrypted."""
        members = {name: value for name, value in stored.items() if not self._is_lost(value)}
        return open_members(members, self._seal, self._path)

    def close(self, members: Mapping[str, object]) -> dict[str, Any]:
        """The members with every text encrypted, as LiteLLM stores them."""
        return {
            name: self._seal.close(value) if isinstance(value, str) else value
            for name, value in members.items()
        }

    def _is_lost(self, value: object) -> bool:
        try:
            open_members({"": value}, self._seal, "")
        except UnsealableError:
            return True
        return False


def merge_members(stored: Mapping[str, Any], sent: Mapping[str, Any]) -> dict[str, Any]:
    """What is stored with what was sent over it; null takes a member away."""
    return {name: value for name, value in {**stored, **sent}.items() if value is not None}


def check_destination(
    stored: Mapping[str, Any],
    sent: Mapping[str, Any],
    *,
    addresses: Iterable[str],
    secrets: Iterable[str],
    path: str = "",
) -> None:
    """Refuse that a stored secret goes to another address than the one that it was stored for.

    `sent` has what changes, without secrets that were sent as they are shown; `path` is what stands before
    the names of members. Raises BadRequest: who may change an address need not know the secret.
    """
    moved = next((name for name in addresses if sent.get(name) and sent[name] != stored.get(name)), None)
    kept = next((name for name in secrets if stored.get(name) and name not in sent), None)
    if moved is None or kept is None:
        return
    message = f"{path}{kept}: Send it again, for '{moved}' is another one than it was stored for."
    raise BadRequest(message, param=f"{path}{kept}", type="bad_request_error")
