"""Where journal lines go that PostgreSQL refuses: kept whole for a person, booked without their trimmings."""

import os
from pathlib import Path

import msgspec

from gateway.spend.disk import sync_data
from gateway.spend.records import ChargedRecord

__all__ = ["RejectedFile", "keep_essentials"]

_TRIMMINGS = ("messages", "response", "proxy_server_request", "request_tags", "metadata", "session_id")
# The first element of the array is the kind of the line.
_PLACES = {ChargedRecord.__struct_fields__.index(name) + 1 for name in _TRIMMINGS}
_METADATA = ChargedRecord.__struct_fields__.index("metadata") + 1
_decode = msgspec.json.Decoder(list[msgspec.Raw]).decode
_encode = msgspec.json.Encoder().encode
_NULL = msgspec.Raw(b"null")


class RejectedFile:
    """`<journal>.rejected`, readable by the owner only; a line may stand in it twice after a kill."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def append(self, line: bytes) -> None:
        """Keep a line, on the disk before this returns. Raises OSError."""
        file = os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            os.write(file, line + b"\n")
            sync_data(file)
        finally:
            os.close(file)


def keep_essentials(line: bytes) -> bytes | None:
    """A `charged` line without the members that carry foreign JSON; None when it is not JSON at all.

    The amount and the scopes stay, so that the books are right although the row says less.
    """
    try:
        members = _decode(line)
    except msgspec.DecodeError:
        return None
    kept = [_NULL if place in _PLACES else member for place, member in enumerate(members)]
    if len(kept) > _METADATA:
        charge_id = _encode({"gatewright": {"charge_id": kept[1]}})
        kept[_METADATA] = msgspec.Raw(_encode(charge_id.decode()))
    return _encode(kept)
