"""A connection to PostgreSQL over its unix socket, just long enough to know that it answers queries."""

import socket
import struct
from collections.abc import Iterator
from pathlib import Path

__all__ = ["SOCKET_NAME", "accepts_connections"]

SOCKET_NAME = ".s.PGSQL.5432"
_PROTOCOL_3_0 = 196_608
_SECONDS = 2.0
_READY_FOR_QUERY = b"Z"
_ERROR_RESPONSE = b"E"


def accepts_connections(folder: Path, *, user: str, database: str) -> bool:
    """Whether a session can be opened on the socket in `folder` without a password.

    Speaks the start of the frontend/backend protocol itself (PostgreSQL manual, "Message Flow"), because
    the supervisor is synchronous and asyncpg is not. False while the server starts, recovers or stops.
    """
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        connection.settimeout(_SECONDS)
        try:
            connection.connect(str(folder / SOCKET_NAME))
            connection.sendall(_startup_packet(user, database))
            return _becomes_ready(connection)
        except OSError:
            return False


def _startup_packet(user: str, database: str) -> bytes:
    parameters = b"".join(
        name.encode() + b"\0" + value.encode() + b"\0"
        for name, value in (("user", user), ("database", database), ("application_name", "gatewright-probe"))
    )
    body = struct.pack("!i", _PROTOCOL_3_0) + parameters + b"\0"
    return struct.pack("!i", len(body) + 4) + body


def _becomes_ready(connection: socket.socket) -> bool:
    for kind in _message_kinds(connection):
        if kind == _READY_FOR_QUERY:
            # A polite Terminate keeps "unexpected EOF" out of the server's log.
            connection.sendall(b"X" + struct.pack("!i", 4))
            return True
        if kind == _ERROR_RESPONSE:
            return False
    return False


def _message_kinds(connection: socket.socket) -> Iterator[bytes]:
    """The type byte of each message until the server closes."""
    with connection.makefile("rb") as stream:
        while header := stream.read(5):
            if len(header) < 5:  # noqa: PLR2004  a type byte and a length of four bytes
                return
            (length,) = struct.unpack("!i", header[1:])
            stream.read(length - 4)
            yield header[:1]
