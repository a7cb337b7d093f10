"""Cuts a client's connection, where the server could only end an answer that is not whole as if it were.

The server offers no such thing for an answer of unknown length: it writes the last chunk when the application
lets go of it. So the socket is looked up among the process's own, by its two addresses.
"""

import os
import socket
import stat
from ipaddress import ip_address
from pathlib import Path

__all__ = ["sever"]

_DESCRIPTORS = Path("/dev/fd")
_Address = tuple[str, int | str | None] | None


def sever(client: _Address, server: _Address) -> bool:
    """Shut the connection between two addresses down; False where there is none, as on a unix socket.

    Looks at every open descriptor of the process.
    """
    if client is None or server is None:
        return False
    wanted = _normal(*client), _normal(*server)
    if None in wanted:
        return False
    return any(_sever_if(int(each.name), wanted) for each in _DESCRIPTORS.iterdir())


def _sever_if(descriptor: int, wanted: tuple[object, object]) -> bool:
    try:
        if not stat.S_ISSOCK(os.fstat(descriptor).st_mode):
            return False
        # A copy: the connection itself is the server's to close.
        with socket.socket(fileno=os.dup(descriptor)) as copy:
            # The addresses of other families than IP are texts, and shorter.
            ends = tuple(_normal(*end[:2]) for end in (copy.getpeername(), copy.getsockname()) if end)
            if ends != wanted:
                return False
            copy.shutdown(socket.SHUT_RDWR)
    except (OSError, TypeError):
        # It was closed meanwhile, listens, or is no connection of IP.
        return False
    return True


def _normal(host: object, port: object) -> tuple[object, int] | None:
    """An address as it compares: one of IPv4 may come in the clothes of IPv6."""
    try:
        ip = ip_address(str(host))
    except ValueError:
        return None
    return (getattr(ip, "ipv4_mapped", None) or ip, port) if isinstance(port, int) else None
