"""Where journal lines go that PostgreSQL refuses: kept whole for a person, booked without their trimmings."""

import os
from pathlib import Path

import msgspec

__all__ = ["RejectedFile", "keep_essentials"]

_TRIMMINGS = ("messages", "response", "proxy_server_request", "request_tags", "metadata", "session_id")
_decode = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode
_encode = msgspec.json.Encoder().encode


class RejectedFile:
    """`<journal>.rejected`, readable by the owner only; a line may stand in it twice after a kill."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def append(self, line: bytes) -> None:
        """Keep a line, on the disk before this returns. Raises OSError."""
        file = os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            os.write(file, line + b"\n")
            os.fdatasync(file)
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
    for name in _TRIMMINGS:
        members.pop(name, None)
    return _encode(members)
